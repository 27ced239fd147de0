#include "hosts/packetdrill/stand_in_device.hh"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "hosts/packetdrill/netlink_request.hh"

namespace lxnet::packetdrill {
namespace {

struct Prefix {
  uint8_t family = AF_UNSPEC, length = 0;
  std::string address;  // its bytes
};

Prefix parse(const std::string& text) {
  const size_t slash = text.find('/');
  const std::string name = text.substr(0, slash);
  Prefix prefix{.family = name.find(':') == std::string::npos ? uint8_t{AF_INET} : uint8_t{AF_INET6}, .length = 0, .address = {}};
  prefix.address.resize(prefix.family == AF_INET ? 4 : 16);
  prefix.length = static_cast<uint8_t>(slash == std::string::npos ? prefix.address.size() * 8
                                                                  : strtoul(text.c_str() + slash + 1, nullptr, 10));
  inet_pton(prefix.family, name.c_str(), prefix.address.data());
  return prefix;
}

void ask(int socket, const NetlinkRequest& request) {
  static_cast<void>(::send(socket, request.bytes().data(), request.bytes().size(), 0));
}

void add_address(int socket, uint32_t index, const Prefix& prefix) {
  ifaddrmsg message{};
  message.ifa_family = prefix.family;
  message.ifa_prefixlen = prefix.length;
  message.ifa_flags = IFA_F_NODAD;
  message.ifa_index = index;
  ask(socket, NetlinkRequest(RTM_NEWADDR, NLM_F_CREATE, message)
                  .attribute(IFA_LOCAL, prefix.address)
                  .attribute(IFA_ADDRESS, prefix.address));
}

void add_route(int socket, uint32_t index, Prefix destination, const Prefix& gateway) {
  for (size_t bit = destination.length; bit < destination.address.size() * 8; ++bit) {
    destination.address[bit / 8] = static_cast<char>(destination.address[bit / 8] & ~(0x80 >> bit % 8));
  }
  rtmsg message{};
  message.rtm_family = destination.family;
  message.rtm_dst_len = destination.length;
  message.rtm_table = RT_TABLE_MAIN;
  message.rtm_protocol = RTPROT_BOOT;
  message.rtm_type = RTN_UNICAST;
  ask(socket, NetlinkRequest(RTM_NEWROUTE, NLM_F_CREATE, message)
                  .attribute(RTA_DST, destination.address)
                  .attribute(RTA_GATEWAY, gateway.address)
                  .attribute(RTA_OIF, view_of(index)));
}

}  // namespace

StandInDevice::StandInDevice(const Settings& settings) : fd_(open("/dev/net/tun", O_RDWR | O_CLOEXEC)) {
  ifreq request{};
  snprintf(request.ifr_name, sizeof request.ifr_name, "tun0");
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL);
  if (fd_ < 0 || ioctl(fd_, TUNSETIFF, &request) != 0) return;
  const uint32_t index = if_nametoindex("tun0");
  const int socket = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  ifinfomsg link{};
  link.ifi_index = static_cast<int>(index);
  link.ifi_flags = link.ifi_change = IFF_UP;
  ask(socket, NetlinkRequest(RTM_NEWLINK, 0, link).attribute(IFLA_MTU, view_of(settings.mtu)));
  for (const std::string& text : settings.addresses) add_address(socket, index, parse(text));
  for (const Settings::Way& way : settings.ways) add_route(socket, index, parse(way.destination), parse(way.gateway));
  close(socket);
}

StandInDevice::~StandInDevice() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace lxnet::packetdrill
