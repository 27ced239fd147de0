// Replies and errors find their socket by the identifier.
#include "stack/ping/ping_input.hh"

#include "stack/drop_reason.hh"
#include "stack/ip/ip_info.hh"
#include "stack/ping/ping_socket.hh"
#include "stack/stack.hh"
#include "stack/wire/icmp4.hh"

namespace lxnet {
namespace {

// Echo messages of both families have the identifier in the same place.
uint16_t identifier_of(const Icmp4Header& header) { return static_cast<uint16_t>(header.rest.get() >> 16); }

DemuxSpace space_of(const IpAddress& address) { return address.is_v4() ? DemuxSpace::Icmp4 : DemuxSpace::Icmp6; }

// ping_lookup(): of several with one identifier the one that took it last, whatever address it took it at.
struct Newest {
  Ref<Socket> socket;
  uint64_t number = 0;
};
Ref<Socket> find_echo(Entry& entry, const PacketTuple& tuple) {
  Newest newest;
  const auto visit = [](void* context, Socket& socket) {
    auto& best = *static_cast<Newest*>(context);
    const uint64_t number = static_cast<PingSocket&>(socket).listed_as();
    if (number <= best.number || !socket.ref_unless_zero()) return;
    best = {Ref<Socket>::adopt(&socket), number};
  };
  entry.stack().sockets().visit_datagram(tuple, visit, &newest);
  return std::move(newest.socket);
}

}  // namespace

void ping_receive(Entry& entry, Ref<Packet> packet) {
  auto parsed = packet->header<Icmp4Header>();
  if (!parsed.is_ok()) return drop(entry, std::move(packet), DropReason::IcmpHeader);
  const IpInfo& info = ip_info(*packet);
  const PacketTuple tuple{.space = space_of(info.destination),
                          .local = info.destination,
                          .remote = info.source,
                          .local_port = identifier_of(*parsed.take()),
                          .remote_port = 0,
                          .interface_index = info.interface_index};
  const Ref<Socket> socket = find_echo(entry, tuple);
  if (!socket) return drop(entry, std::move(packet), DropReason::IcmpIgnored);
  datagram_info(*packet).source_port = 0;
  if (!socket->attachments.admits(*packet, 1)) return drop(entry, std::move(packet), DropReason::SocketFilter);
  static_cast<PingSocket&>(*socket).deliver(entry, std::move(packet));
}

void ping_receive_error(Entry& entry, const IpError& error) {
  if (error.cited == nullptr) return;
  auto parsed = Icmp4Header::parse(error.cited->linear());
  if (!parsed.is_ok()) return;
  const PacketTuple tuple{.space = space_of(error.source),
                          .local = error.source,
                          .remote = error.destination,
                          .local_port = identifier_of(*parsed.take()),
                          .remote_port = 0,
                          .interface_index = error.interface_index};
  const Ref<Socket> socket = find_echo(entry, tuple);
  if (!socket) return;
  auto copy = error.cited->clone();
  static_cast<PingSocket&>(*socket).deliver_error(entry, error, 0, copy.is_ok() ? copy.take() : nullptr);
}

}  // namespace lxnet
