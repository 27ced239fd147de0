// Making and ending a UDP socket.
#include "stack/udp/udp_socket.hh"

#include "stack/socket_factories.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

constexpr uint8_t kUdp = 17;

}  // namespace

UdpSocket::UdpSocket(Stack& stack, IpFamily family)
    : DatagramSocket(stack, family, SocketType::Datagram, kUdp, DemuxSpace::Udp, Admission::IfItFits) {}

Result<Ref<Socket>> UdpSocket::create(Entry& entry, IpFamily family) {
  UdpSocket* socket = construct<UdpSocket>(entry.stack().hal(), entry.stack(), family);
  if (socket == nullptr) return Errno::ENOBUFS;
  return Ref<Socket>::adopt(socket);
}

void UdpSocket::dispose_self() { dispose(stack().hal(), this); }

DatagramSocket::Counters UdpSocket::counters(IpFamily of_packet) const {
  if (of_packet == IpFamily::V4) {
    return {.delivered = Mib::UdpInDatagrams, .errors = Mib::UdpInErrors, .no_room = Mib::UdpRcvbufErrors, .is_counted = true};
  }
  return {.delivered = Mib::Udp6InDatagrams, .errors = Mib::Udp6InErrors, .no_room = Mib::Udp6RcvbufErrors, .is_counted = true};
}

Result<Ref<Socket>> create_udp_socket(Entry& entry, IpFamily family, uint8_t protocol) {
  // UDP-Lite (RFC 3828) needs a checksum of its own kind everywhere; it is not served.
  if (protocol != kUdp) return Errno::EPROTONOSUPPORT;
  return UdpSocket::create(entry, family);
}

}  // namespace lxnet
