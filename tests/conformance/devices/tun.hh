// A tun file as a test uses it, and the packets that go through it.
#pragma once

#include <linux/if_tun.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sys/ioctl.h>

#include "tests/conformance/devices/links.hh"

namespace conformance {

class Tun {
 public:
  explicit Tun(int flags = O_RDWR | O_NONBLOCK) : fd_(::open("/dev/net/tun", flags | O_CLOEXEC)) {}
  int fd() const { return fd_; }
  void close() { fd_.reset(); }

  // 0 and the name it got, or the negative errno.
  long attach(const char* name, int flags) {
    ifreq request{};
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    request.ifr_flags = static_cast<short>(flags);
    const long result = answer(::ioctl(fd_, TUNSETIFF, &request));
    if (result == 0) name_ = request.ifr_name;
    return result;
  }
  const char* name() const { return name_.c_str(); }
  template <typename T>
  long call(unsigned long command, T argument) const {
    return answer(::ioctl(fd_, command, argument));
  }
  long put(const std::string& frame) const { return answer(::write(fd_, frame.data(), frame.size())); }
  // The next frame; "" when none comes for a second.
  std::string take() const {
    pollfd wait{fd_.get(), POLLIN, 0};
    std::string frame(70000, 0);
    if (::poll(&wait, 1, 1000) != 1 || (wait.revents & POLLIN) == 0) return "";
    const ssize_t size = ::read(fd_, frame.data(), frame.size());
    frame.resize(size < 0 ? 0 : static_cast<size_t>(size));
    return frame;
  }
  // The next one that is IPv4; what IPv6 says by itself is passed over.
  std::string take_ipv4(size_t header) const {
    for (;;) {
      std::string frame = take();
      if (frame.empty() || (frame.size() > header && static_cast<uint8_t>(frame[header]) >> 4 == 4)) return frame;
    }
  }

 private:
  Fd fd_;
  std::string name_;
};

// In a new network, where the machine has the device.
inline void with_tun(const std::function<void()>& body) {
  const int fd = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (fd < 0) GTEST_SKIP() << "no /dev/net/tun for us";
  ::close(fd);
  in_new_network(body);
}

inline short poll_of(const Tun& tun) {
  pollfd wait{tun.fd(), POLLIN | POLLOUT | POLLPRI, 0};
  EXPECT_GE(::poll(&wait, 1, 0), 0);
  return wait.revents;
}

inline uint16_t sum(const std::string& bytes) {
  uint32_t total = 0;
  for (size_t i = 0; i < bytes.size(); i += 2) {
    total += static_cast<uint32_t>(static_cast<uint8_t>(bytes[i]) << 8 |
                                   (i + 1 < bytes.size() ? static_cast<uint8_t>(bytes[i + 1]) : 0));
  }
  while (total >> 16 != 0) total = (total & 0xffff) + (total >> 16);
  return static_cast<uint16_t>(~total);
}

inline std::string ipv4(const char* from, const char* to, uint8_t protocol, const std::string& payload) {
  iphdr header{};
  header.version = 4;
  header.ihl = 5;
  header.ttl = 64;
  header.protocol = protocol;
  header.tot_len = htons(static_cast<uint16_t>(sizeof header + payload.size()));
  memcpy(&header.saddr, ip(from).data(), 4);
  memcpy(&header.daddr, ip(to).data(), 4);
  header.check = htons(sum(bytes(header)));
  return bytes(header) + payload;
}
inline std::string ping(uint8_t type, uint16_t number) {
  icmphdr header{};
  header.type = type;
  header.un.echo.id = htons(77);
  header.un.echo.sequence = htons(number);
  std::string message = bytes(header) + "payload";
  header.checksum = htons(sum(message));
  return bytes(header) + "payload";
}
inline constexpr size_t kInformation = 4;
inline std::string information(uint16_t protocol) { return bytes(tun_pi{0, htons(protocol)}); }

inline void start(Route& netlink, Tun& tun, const char* address, unsigned char prefix = 24) {
  ASSERT_EQ(give_address(netlink, tun.name(), address, prefix), 0);
  ASSERT_EQ(set_up(netlink, tun.name()), 0);
}

}  // namespace conformance
