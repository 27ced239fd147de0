#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tests/differential/own_network.hh"
#include "tests/differential/peer/kernel.hh"
#include "tests/differential/peer/wire.hh"

namespace peer {
namespace {

int64_t micros_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

sockaddr address_of(uint32_t address) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(address);
  sockaddr plain;
  memcpy(&plain, &name, sizeof plain);
  return plain;
}

// With an address of IPv6, and a way to everywhere from there.
bool add_address6(ifreq& request) {
  const int asker = socket(AF_INET6, SOCK_DGRAM, 0);
  bool is_done = ioctl(asker, SIOCGIFINDEX, &request) == 0;
  in6_ifreq address{};
  memcpy(&address.ifr6_addr, kLocalAddress6, sizeof address.ifr6_addr);
  address.ifr6_prefixlen = 64;
  address.ifr6_ifindex = request.ifr_ifindex;
  is_done = is_done && ioctl(asker, SIOCSIFADDR, &address) == 0;
  in6_rtmsg route{};
  memcpy(&route.rtmsg_gateway, kLocalAddress6, sizeof route.rtmsg_gateway);
  route.rtmsg_gateway.s6_addr[15] = 3;
  route.rtmsg_ifindex = request.ifr_ifindex;
  route.rtmsg_flags = RTF_UP | RTF_GATEWAY;
  route.rtmsg_metric = 1;
  is_done = is_done && ioctl(asker, SIOCADDRT, &route) == 0;
  close(asker);
  return is_done;
}

int open_device() {
  const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -1;
  ifreq request{};
  strcpy(request.ifr_name, "tun0");
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  bool is_made = ioctl(fd, TUNSETIFF, &request) == 0;
  const int asker = socket(AF_INET, SOCK_DGRAM, 0);
  const auto configure = [&](unsigned long what) { is_made = is_made && ioctl(asker, what, &request) == 0; };
  request.ifr_qlen = 10'000;
  configure(SIOCSIFTXQLEN);
  request.ifr_mtu = kMtu;
  configure(SIOCSIFMTU);
  request.ifr_addr = address_of(kLocalAddress);
  configure(SIOCSIFADDR);
  request.ifr_netmask = address_of(0xffff0000);
  configure(SIOCSIFNETMASK);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  configure(SIOCSIFFLAGS);
  rtentry route{};
  route.rt_dst = route.rt_genmask = address_of(0);
  route.rt_gateway = address_of(kLocalAddress + 1);
  route.rt_flags = RTF_UP | RTF_GATEWAY;
  is_made = is_made && ioctl(asker, SIOCADDRT, &route) == 0;
  close(asker);
  is_made = is_made && add_address6(request);
  if (!is_made) close(fd);
  return is_made ? fd : -1;
}

class LinuxKernel final : public Kernel {
 public:
  explicit LinuxKernel(int device) : device_(device) {}
  ~LinuxKernel() override { close(device_); }

  void set_tunable(const std::string& name, const std::string& value) override {
    std::string path = name;
    std::replace(path.begin(), path.end(), '.', '/');
    differential::set_tunable(("/proc/sys/" + path).c_str(), value.c_str());
  }

  int64_t now() const override { return micros_now() - began_; }

  void deliver(const std::string& packet) override {
    if (write(device_, packet.data(), packet.size()) < 0) perror("tun0");
  }

  bool take(int64_t until, std::string& packet, int64_t& left_at) override {
    for (;;) {
      char bytes[65536];
      const ssize_t size = read(device_, bytes, sizeof bytes);
      if (size > 0) {
        packet.assign(bytes, static_cast<size_t>(size));
        left_at = micros_now() - began_;
        return true;
      }
      const int64_t left = began_ + until - micros_now();
      if (left <= 0) return false;
      pollfd wanted{.fd = device_, .events = POLLIN, .revents = 0};
      const timespec patience{.tv_sec = left / 1'000'000, .tv_nsec = left % 1'000'000 * 1000};
      ppoll(&wanted, 1, &patience, nullptr);
    }
  }

 protected:
  int64_t system_call(long number, const uint64_t r[6]) override {
    const long result = syscall(number, r[0], r[1], r[2], r[3], r[4], r[5]);
    return result < 0 ? -errno : result;
  }

 private:
  const int device_;
  const int64_t began_ = micros_now() / 1000 * 1000;  // where the stamps' clock ticks
};

}  // namespace

std::unique_ptr<Kernel> make_linux() {
  if (!differential::enter_own_network()) return nullptr;
  const int device = open_device();
  // It mostly sleeps; when it is to wake up, what else the machine does is to wait. Without the right to this it may be late.
  const sched_param first{.sched_priority = 1};
  sched_setscheduler(0, SCHED_RR, &first);
  return device < 0 ? nullptr : std::make_unique<LinuxKernel>(device);
}

}  // namespace peer
