#include "hosts/packetdrill/host_network.hh"

#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "hosts/packetdrill/netlink_request.hh"

namespace lxnet::packetdrill {
namespace {

constexpr char kDevice[] = "tun0";

ifreq request_of_device() {
  ifreq request{};
  snprintf(request.ifr_name, sizeof request.ifr_name, "%s", kDevice);
  return request;
}

// Calls `visit(type, body)` for each message of an answer. Whether more are to come.
template <typename Visit>
bool for_each_message(const char* bytes, ssize_t size, Visit visit) {
  for (ssize_t at = 0; at + static_cast<ssize_t>(sizeof(nlmsghdr)) <= size;) {
    nlmsghdr head;
    memcpy(&head, bytes + at, sizeof head);
    if (head.nlmsg_type == NLMSG_DONE || head.nlmsg_type == NLMSG_ERROR) return false;
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > static_cast<uint32_t>(size - at)) return false;
    visit(head.nlmsg_type, std::string(bytes + at + sizeof head, head.nlmsg_len - sizeof head));
    at += NLMSG_ALIGN(head.nlmsg_len);
  }
  return size > 0;
}

// Of a route of the main table through that device; else "". IPv6's age is left out: it changes by itself.
std::string route_through(uint32_t index, const std::string& body) {
  rtmsg route;
  if (body.size() < sizeof route) return "";
  memcpy(&route, body.data(), sizeof route);
  std::string kept(body, 0, NLMSG_ALIGN(sizeof route));
  bool is_through = false;
  for_each_attribute(body, sizeof route, [&](uint16_t type, size_t at, size_t size) {
    if (type == RTA_OIF) is_through = body.compare(at, size, view_of(index)) == 0;
    if (type != RTA_CACHEINFO) kept.append(body, at - sizeof(rtattr), RTA_SPACE(size));
  });
  return is_through && route.rtm_table == RT_TABLE_MAIN ? kept : "";
}

}  // namespace

HostNetwork::HostNetwork(sim::Host& host, uint32_t mtu)
    : host_(host),
      host_fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)),
      host_index_(if_nametoindex(kDevice)),
      mtu_(mtu) {
  // Its number is never that of a file of the host's.
  host_.process().lowest_number = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  own_fd_ = host_.call(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  ifreq request = request_of_device();
  if (host_.call(SYS_ioctl, own_fd_, SIOCGIFINDEX, &request) == 0) own_index_ = static_cast<uint32_t>(request.ifr_ifindex);
  routes_ = read_routes();
}

HostNetwork::~HostNetwork() {
  if (host_fd_ >= 0) close(host_fd_);
}

void HostNetwork::follow() {
  if (host_index_ == 0 || own_index_ == 0) return;
  if (const uint32_t mtu = read_mtu(); mtu != 0 && mtu != mtu_) set_mtu(mtu);
  std::set<std::string> routes = read_routes();
  for (const std::string& gone : routes_) {
    if (routes.count(gone) == 0) send_route(RTM_DELROUTE, 0, gone);
  }
  for (const std::string& added : routes) {
    if (routes_.count(added) == 0) send_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, added);
  }
  routes_ = std::move(routes);
}

std::set<std::string> HostNetwork::read_routes() const {
  std::set<std::string> routes;
  for (const int family : {AF_INET, AF_INET6}) {
    rtmsg all{};
    all.rtm_family = static_cast<uint8_t>(family);
    const std::string request = NetlinkRequest(RTM_GETROUTE, NLM_F_DUMP, all).bytes();
    if (::send(host_fd_, request.data(), request.size(), 0) < 0) continue;
    char answer[32768];
    const auto note = [&](int, const std::string& body) {
      std::string route = route_through(host_index_, body);
      if (!route.empty()) routes.insert(std::move(route));
    };
    while (for_each_message(answer, ::recv(host_fd_, answer, sizeof answer, 0), note)) {
    }
  }
  return routes;
}

void HostNetwork::send_route(uint16_t type, uint16_t flags, const std::string& body) {
  std::string copy = body;
  for_each_attribute(body, sizeof(rtmsg), [&](uint16_t attribute, size_t at, size_t) {
    if (attribute == RTA_OIF) memcpy(copy.data() + at, &own_index_, sizeof own_index_);
  });
  rtmsg route;
  memcpy(&route, copy.data(), sizeof route);
  std::string message = NetlinkRequest(type, flags | NLM_F_ACK, route).bytes() + copy.substr(NLMSG_ALIGN(sizeof route));
  const auto size = static_cast<uint32_t>(message.size());
  memcpy(message.data(), &size, sizeof size);
  const int error = ask_stack(message);
  // What is to go has gone already where another took its place.
  if (error != 0 && type == RTM_NEWROUTE) fprintf(stderr, "lxnet: a route of tun0's is refused: %s\n", strerror(error));
}

int HostNetwork::ask_stack(const std::string& message) {
  host_.call(SYS_sendto, own_fd_, message.data(), message.size(), 0, nullptr, 0);
  struct {
    nlmsghdr head;
    int error;
    char request[256];
  } answer{};
  const int64_t got = host_.call(SYS_recvfrom, own_fd_, &answer, sizeof answer, MSG_DONTWAIT, nullptr, nullptr);
  return got > 0 && answer.head.nlmsg_type == NLMSG_ERROR ? -answer.error : 0;
}

uint32_t HostNetwork::read_mtu() const {
  ifreq request = request_of_device();
  return ::ioctl(host_fd_, SIOCGIFMTU, &request) == 0 ? static_cast<uint32_t>(request.ifr_mtu) : 0;
}

void HostNetwork::set_mtu(uint32_t mtu) {
  ifinfomsg link{};
  link.ifi_index = static_cast<int>(own_index_);
  if (ask_stack(NetlinkRequest(RTM_NEWLINK, NLM_F_ACK, link).attribute(IFLA_MTU, view_of(mtu)).bytes()) == 0) mtu_ = mtu;
}

}  // namespace lxnet::packetdrill
