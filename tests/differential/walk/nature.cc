#include "tests/differential/walk/nature.hh"

#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace walk {
namespace {

bool ask(int fd, int name, int& value) {
  socklen_t length = sizeof value;
  return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0;
}

bool is_internet(const Nature& nature) { return nature.domain == AF_INET || nature.domain == AF_INET6; }

}  // namespace

bool Nature::is_tcp() const { return is_socket && is_internet(*this) && type == SOCK_STREAM && protocol == IPPROTO_TCP; }
bool Nature::is_echo() const {
  return is_socket && is_internet(*this) && type == SOCK_DGRAM && (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6);
}
bool Nature::is_raw() const { return is_socket && is_internet(*this) && type == SOCK_RAW; }

Nature nature_of(int fd) {
  Nature nature;
  nature.is_socket = ask(fd, SO_TYPE, nature.type) && ask(fd, SO_DOMAIN, nature.domain) && ask(fd, SO_PROTOCOL, nature.protocol);
  return nature;
}

Payload payload_of(const Nature& nature, Payload planned, bool holds_headers) {
  if (nature.is_socket && nature.domain == AF_NETLINK) return nature.protocol == 0 ? Payload::NetlinkRoute : Payload::NetlinkDiag;
  // What comes from the error queue is planned as what it is.
  if (planned == Payload::SizeAlone || planned == Payload::Record) return planned;
  if (nature.is_echo()) return Payload::Echo;
  if (!nature.is_raw()) return holds_headers ? Payload::SizeAlone : Payload::Plain;
  if (nature.protocol == IPPROTO_ICMP || nature.protocol == IPPROTO_ICMPV6) return Payload::SizeAlone;
  return nature.domain == AF_INET ? Payload::Ip4Header : Payload::Plain;
}

void wait_for_acknowledgments(int fd) {
  constexpr int kSteps = 26;
  constexpr useconds_t kStep = 10'000;
  for (int i = 0; i < kSteps; ++i) {
    int unsent = 0;
    if (ioctl(fd, TIOCOUTQ, &unsent) != 0 || unsent == 0) return;
    usleep(kStep);
  }
}

}  // namespace walk
