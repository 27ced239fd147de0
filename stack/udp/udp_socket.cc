// Making and ending a UDP socket.
#include "stack/udp/udp_socket.hh"

#include "stack/socket_factories.hh"
#include "stack/stack.hh"

namespace lxnet {

constexpr DatagramSocket::CountersByFamily UdpSocket::kCounters{
    .v4 = {.delivered = Mib::UdpInDatagrams, .errors = Mib::UdpInErrors, .no_room = Mib::UdpRcvbufErrors},
    .v6 = {.delivered = Mib::Udp6InDatagrams, .errors = Mib::Udp6InErrors, .no_room = Mib::Udp6RcvbufErrors}};

UdpSocket::UdpSocket(Stack& stack, IpFamily family, IpProtocol protocol)
    : DatagramSocket(stack, family, SocketType::Datagram, static_cast<uint8_t>(protocol),
                     protocol == IpProtocol::Udp ? DemuxSpace::Udp : DemuxSpace::UdpLite, Admission::IfItFits,
                     protocol == IpProtocol::Udp ? &kCounters : nullptr) {}

Result<Ref<Socket>> UdpSocket::create(Entry& entry, IpFamily family, IpProtocol protocol) {
  UdpSocket* socket = construct<UdpSocket>(entry.stack().hal(), entry.stack(), family, protocol);
  if (socket == nullptr) return Errno::ENOBUFS;
  return Ref<Socket>::adopt(socket);
}

void UdpSocket::dispose_self() { dispose(stack().hal(), this); }

Result<Ref<Socket>> create_udp_socket(Entry& entry, IpFamily family, uint8_t protocol) {
  const auto kind = static_cast<IpProtocol>(protocol);
  if (kind != IpProtocol::Udp && kind != IpProtocol::UdpLite) return Errno::EPROTONOSUPPORT;
  return UdpSocket::create(entry, family, kind);
}

}  // namespace lxnet
