#include <arpa/inet.h>

#include <cstring>

#include "hosts/sim/demo/programs.hh"
#include "hosts/sim/sys.hh"

namespace lxnet::sim::demo {

void echo_server(uint16_t port) {
  const int fd = sys::socket(AF_INET, SOCK_DGRAM);
  sys::bind(fd, sockaddr_in{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {}, .sin_zero = {}});
  sys::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeval{.tv_sec = 1, .tv_usec = 0});
  char data[65536];
  sockaddr_in from{};
  for (int64_t size; (size = sys::recvfrom(fd, data, sizeof data, 0, &from)) >= 0;) {
    sys::sendto(fd, data, static_cast<size_t>(size), 0, from);
  }
  sys::close(fd);
}

EchoReport echo_client(Simulation& simulation, in_addr server, uint16_t port, int datagrams, size_t size) {
  EchoReport report;
  const Instant start = simulation.now();
  const int fd = sys::socket(AF_INET, SOCK_DGRAM);
  sys::connect(fd, sockaddr_in{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = server, .sin_zero = {}});
  sys::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeval{.tv_sec = 0, .tv_usec = 100'000});
  std::vector<uint8_t> data(size), answer(size + 1);
  for (int i = 0; i < datagrams; ++i) {
    for (size_t k = 0; k < size; ++k) data[k] = static_cast<uint8_t>(i * 31 + static_cast<int>(k));
    memcpy(data.data(), &i, sizeof i);
    for (bool is_echoed = false; !is_echoed;) {
      sys::send(fd, data.data(), size);
      ++report.sent;
      // An echo of an earlier repetition may come first.
      for (int64_t got; !is_echoed && (got = sys::recv(fd, answer.data(), answer.size())) >= 0;) {
        const bool is_this = got >= static_cast<int64_t>(sizeof i) && memcmp(answer.data(), &i, sizeof i) == 0;
        if (!is_this) continue;
        is_echoed = true;
        report.corrupted += got != static_cast<int64_t>(size) || memcmp(answer.data(), data.data(), size) != 0;
      }
    }
    ++report.datagrams;
    report.bytes += size;
  }
  report.time = simulation.now() - start;
  sys::close(fd);
  return report;
}

}  // namespace lxnet::sim::demo
