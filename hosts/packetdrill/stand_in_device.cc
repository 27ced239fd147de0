#include "hosts/packetdrill/stand_in_device.hh"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

namespace lxnet::packetdrill {

StandInDevice::StandInDevice() : fd_(open("/dev/net/tun", O_RDWR | O_CLOEXEC)) {
  ifreq request{};
  snprintf(request.ifr_name, sizeof request.ifr_name, "tun0");
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL);
  if (fd_ < 0 || ioctl(fd_, TUNSETIFF, &request) != 0) return;
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  request.ifr_flags = IFF_UP;
  ioctl(socket, SIOCSIFFLAGS, &request);
  close(socket);
}

StandInDevice::~StandInDevice() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace lxnet::packetdrill
