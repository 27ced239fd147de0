#include "netdev/tap/tap.hh"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace lxnet {
namespace {

constexpr size_t kMaxFrame = 65536;
constexpr uint32_t kMaxPieces = 64;

[[noreturn]] void fail(const char* what, int error) { throw std::system_error(error, std::generic_category(), what); }

int open_tap(const std::string& name) {
  const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fail("/dev/net/tun", errno);
  ifreq request{};
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  if (ioctl(fd, TUNSETIFF, &request) == 0) return fd;
  const int error = errno;
  close(fd);
  fail("TUNSETIFF", error);
}

}  // namespace

Tap::Tap(lxnet_stack* stack, const std::string& name, const std::string& host_name)
    : fd_(open_tap(host_name)), stop_(eventfd(0, EFD_CLOEXEC)) {
  lxnet_netdev_ops ops{};
  ops.struct_size = sizeof ops;
  ops.link_kind = LXNET_LINK_ETHERNET;
  ops.mtu = 1500;
  const uint8_t address[6] = {2, 'l', 'x', 'n', 'e', 't'};
  memcpy(ops.address, address, sizeof address);
  ops.ctx = this;
  ops.transmit = &Tap::transmit;
  const int error = lxnet_netdev_register(stack, name.c_str(), &ops, &device_);
  if (error != 0) {
    close(fd_);
    close(stop_);
    fail("lxnet_netdev_register", -error);
  }
  reader_ = std::thread([this] { read_frames(); });
}

Tap::~Tap() {
  static_cast<void>(eventfd_write(stop_, 1));
  reader_.join();
  lxnet_netdev_unregister(device_);
  close(fd_);
  close(stop_);
}

int Tap::transmit(void* context, const lxnet_iovec* pieces, uint32_t count) {
  const Tap& self = *static_cast<Tap*>(context);
  if (self.loses_sent && self.loses_sent()) return 0;
  iovec parts[kMaxPieces];
  if (count > kMaxPieces) return -ENOBUFS;
  for (uint32_t i = 0; i < count; ++i) parts[i] = {const_cast<void*>(pieces[i].base), pieces[i].size};
  return writev(self.fd_, parts, static_cast<int>(count)) < 0 ? -ENOBUFS : 0;
}

void Tap::read_frames() {
  auto frame = std::make_unique<uint8_t[]>(kMaxFrame);
  pollfd waits[2] = {{.fd = fd_, .events = POLLIN, .revents = 0}, {.fd = stop_, .events = POLLIN, .revents = 0}};
  while (poll(waits, 2, -1) >= 0 || errno == EINTR) {
    if (waits[1].revents != 0) return;
    for (ssize_t size = 0; (size = read(fd_, frame.get(), kMaxFrame)) > 0;) {
      if (loses_received && loses_received()) continue;
      lxnet_netdev_receive(device_, frame.get(), static_cast<size_t>(size));
    }
  }
}

}  // namespace lxnet
