#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <netinet/ip_icmp.h>

#include <cstring>
#include <optional>

#include "hosts/sim/demo/programs.hh"
#include "hosts/sim/sys.hh"

namespace lxnet::sim::demo {
namespace {

constexpr uint16_t kFirstPort = 33434;
constexpr int kMaxHops = 16;
constexpr int kAttempts = 3;

struct Answer {
  std::string from;
  bool is_destination = false;
};

std::optional<Answer> read_error_queue(int fd) {
  alignas(cmsghdr) char control[256];
  char data[64];
  iovec piece{.iov_base = data, .iov_len = sizeof data};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (sys::recvmsg(fd, &message, MSG_ERRQUEUE) < 0) return std::nullopt;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_IP || header->cmsg_type != IP_RECVERR) continue;
    sock_extended_err error{};
    memcpy(&error, CMSG_DATA(header), sizeof error);
    sockaddr_in offender{};
    memcpy(&offender, CMSG_DATA(header) + sizeof error, sizeof offender);
    char text[INET_ADDRSTRLEN];
    return Answer{inet_ntop(AF_INET, &offender.sin_addr, text, sizeof text), error.ee_type == ICMP_DEST_UNREACH};
  }
  return std::nullopt;
}

std::optional<Answer> probe(int fd, in_addr destination, int ttl) {
  sys::setsockopt(fd, SOL_IP, IP_TTL, ttl);
  const sockaddr_in to{
      .sin_family = AF_INET, .sin_port = htons(static_cast<uint16_t>(kFirstPort + ttl)), .sin_addr = destination, .sin_zero = {}};
  sys::sendto(fd, "probe", 5, 0, to);
  pollfd waiting{.fd = fd, .events = 0, .revents = 0};
  if (sys::poll(&waiting, 1, 500) != 1) return std::nullopt;
  return read_error_queue(fd);
}

}  // namespace

std::vector<Hop> traceroute(Simulation& simulation, in_addr destination) {
  std::vector<Hop> hops;
  const int fd = sys::socket(AF_INET, SOCK_DGRAM);
  sys::setsockopt(fd, SOL_IP, IP_RECVERR, 1);
  bool is_there = false;
  for (int ttl = 1; ttl <= kMaxHops && !is_there; ++ttl) {
    Hop& hop = hops.emplace_back();
    for (int attempt = 0; attempt < kAttempts && hop.address.empty(); ++attempt) {
      const Instant start = simulation.now();
      const auto answer = probe(fd, destination, ttl);
      if (!answer) continue;
      hop = {answer->from, simulation.now() - start};
      is_there = answer->is_destination;
    }
  }
  sys::close(fd);
  return hops;
}

}  // namespace lxnet::sim::demo
