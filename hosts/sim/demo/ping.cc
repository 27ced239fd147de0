#include <arpa/inet.h>
#include <netinet/ip_icmp.h>

#include <algorithm>
#include <stdexcept>

#include "hosts/sim/demo/programs.hh"
#include "hosts/sim/sys.hh"

namespace lxnet::sim::demo {

in_addr parse_address(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) throw std::runtime_error("not an IPv4 address: " + text);
  return address;
}

PingReport ping(Simulation& simulation, in_addr destination, int count) {
  constexpr timeval kTimeout{.tv_sec = 1, .tv_usec = 0};
  PingReport report;
  const int fd = sys::socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
  if (fd < 0) throw std::runtime_error("no echo socket: " + std::to_string(fd));
  sys::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, kTimeout);
  const sockaddr_in to{.sin_family = AF_INET, .sin_port = 0, .sin_addr = destination, .sin_zero = {}};
  for (int i = 0; i < count; ++i) {
    icmphdr request{};
    request.type = ICMP_ECHO;
    request.un.echo.sequence = htons(static_cast<uint16_t>(i));
    const Instant start = simulation.now();
    sys::sendto(fd, &request, sizeof request, 0, to);
    ++report.sent;
    icmphdr reply{};
    if (sys::recv(fd, &reply, sizeof reply) < static_cast<int64_t>(sizeof reply) || reply.type != ICMP_ECHOREPLY) continue;
    const Duration round_trip = simulation.now() - start;
    ++report.received;
    report.sum = report.sum + round_trip;
    report.shortest = std::min(report.shortest, round_trip);
    report.longest = std::max(report.longest, round_trip);
    simulation.sleep(Duration::millis(100));
  }
  sys::close(fd);
  return report;
}

}  // namespace lxnet::sim::demo
