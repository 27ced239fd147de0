#include "tests/listen_table/host_namespace.hh"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace lxnet::testing {

bool HostNamespace::enter() {
  can_change_user_ = geteuid() == 0;
  const int flags = can_change_user_ ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET;
  if (unshare(flags) != 0) {
    why_ = std::string("unshare: ") + strerror(errno);
    return false;
  }
  if (!bring_up("lo")) {
    why_ = std::string("bringing lo up: ") + strerror(errno);
    return false;
  }
  make_second_interface();
  return true;
}

bool HostNamespace::bring_up(const char* name) {
  const int s = socket(AF_INET, SOCK_DGRAM, 0);
  ifreq request{};
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool is_up = ioctl(s, SIOCSIFFLAGS, &request) == 0;
  close(s);
  return is_up;
}

// The descriptor stays open: the interface goes with it.
void HostNamespace::make_second_interface() {
  tun_ = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (tun_ < 0) return;
  ifreq request{};
  strncpy(request.ifr_name, "second", IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (ioctl(tun_, TUNSETIFF, &request) == 0) second_ = "second";
}

}  // namespace lxnet::testing
