// Copies of what came in go to the raw sockets, and errors about what they sent.
#include "stack/raw/raw_input.hh"

#include "stack/datagram/group_filter.hh"
#include "stack/drop_reason.hh"
#include "stack/raw/raw_socket.hh"
#include "stack/stack.hh"
#include "stack/wire/pseudo_header.hh"

namespace lxnet {
namespace {

DemuxSpace space_of(const IpAddress& address) { return address.is_v4() ? DemuxSpace::Raw4 : DemuxSpace::Raw6; }

struct RawDelivery {
  Entry& entry;
  const Packet& packet;
  bool was_wanted = false;
};

bool has_right_checksum(const Packet& packet, const IpInfo& info) {
  const auto size = static_cast<uint32_t>(packet.size());
  InternetChecksum sum = pseudo_header_checksum(info.source.v6(), info.destination.v6(), IpProtocol{info.protocol}, size);
  packet.for_each_run(0, packet.size(), [&](ByteSpan run) { sum.add(run); });
  return sum.is_valid();
}

void deliver_copy(void* context, Socket& socket) {
  auto& delivery = *static_cast<RawDelivery*>(context);
  auto& raw = static_cast<RawSocket&>(socket);
  const Packet& packet = delivery.packet;
  const IpInfo& info = ip_info(packet);
  if (!raw.admits(info.destination, info.source, info.interface_index)) return;
  // A socket without room is passed by as if it were not there: when nobody has any, the sender hears that the protocol is
  // unreachable.
  if (raw.drops_for_want_of_room()) return;
  delivery.was_wanted = true;
  if (raw.filters(packet) || !accepts_group(socket, info)) return;
  const bool is_v4 = info.destination.is_v4();
  if (!is_v4 && raw.raw_options.has_checksum && packet.checksum == ChecksumState::Unknown && !has_right_checksum(packet, info)) {
    delivery.entry.stack().drops().count(DropReason::IcmpChecksum);
    return;
  }
  auto copy = packet.clone();
  if (!copy.is_ok()) {
    delivery.entry.stack().drops().count(DropReason::NoMemory);
    return;
  }
  Ref<Packet> delivered = copy.take();
  delivered->set_true_size(packet.true_size());
  delivered->control<DatagramInfo>() = DatagramInfo{.ip = info, .charge = 0, .drops = 0, .source_port = 0, .was_peeked = false};
  if (is_v4) delivered->restore_front(delivered->network_header());
  if (!raw.attachments.admits(*delivered, 1)) return drop(delivery.entry, std::move(delivered), DropReason::SocketFilter);
  raw.deliver(delivery.entry, std::move(delivered));
}

// ------------------------------------------------------------------------------------------------------- forwarded with an alert

struct AlertDelivery {
  Entry& entry;
  const Packet& packet;
  int32_t value;  // IPv6: of the option; IPv4: -1
  bool was_taken = false;
};

void deliver_alert(void* context, Socket& socket) {
  auto& delivery = *static_cast<AlertDelivery*>(context);
  const bool is_asked =
      delivery.value < 0 ? socket.ip_options->router_alert_v4 : socket.ip_options->router_alert_v6 == delivery.value;
  const IpInfo& info = ip_info(delivery.packet);
  const uint32_t bound = __atomic_load_n(&socket.options.bound_interface, __ATOMIC_RELAXED);
  if (!is_asked || (bound != 0 && bound != info.interface_index)) return;
  delivery.was_taken = true;
  auto copy = delivery.packet.clone();
  if (!copy.is_ok()) return delivery.entry.stack().drops().count(DropReason::NoMemory);
  Ref<Packet> delivered = copy.take();
  delivered->set_true_size(delivery.packet.true_size());
  delivered->control<DatagramInfo>() = DatagramInfo{.ip = info, .charge = 0, .drops = 0, .source_port = 0, .was_peeked = false};
  if (!socket.attachments.admits(*delivered, 1)) return drop(delivery.entry, std::move(delivered), DropReason::SocketFilter);
  static_cast<RawSocket&>(socket).deliver(delivery.entry, std::move(delivered));
}

struct RawErrorDelivery {
  Entry& entry;
  const IpError& error;
};

void deliver_error_copy(void* context, Socket& socket) {
  auto& delivery = *static_cast<RawErrorDelivery*>(context);
  auto& raw = static_cast<RawSocket&>(socket);
  const IpError& error = delivery.error;
  if (!raw.admits(error.source, error.destination, error.interface_index)) return;
  Ref<Packet> payload;
  if (error.cited != nullptr) {
    auto copy = error.cited->clone();
    if (copy.is_ok()) payload = copy.take();
  }
  raw.deliver_error(delivery.entry, error, 0, std::move(payload));
}

}  // namespace

bool raw_receive(Entry& entry, const Packet& packet) {
  const IpInfo& info = ip_info(packet);
  SocketSet& sockets = entry.stack().sockets();
  const DemuxSpace space = space_of(info.destination);
  if (!sockets.has_raw(space)) return false;
  RawDelivery delivery{entry, packet};
  sockets.visit_raw(space, info.protocol, &deliver_copy, &delivery);
  return delivery.was_wanted;
}

bool raw_receive_alert4(Entry& entry, const Packet& packet) {
  SocketSet& sockets = entry.stack().sockets();
  if (!sockets.has_raw(DemuxSpace::Raw4)) return false;
  AlertDelivery delivery{entry, packet, -1};
  sockets.visit_raw(DemuxSpace::Raw4, ip_info(packet).protocol, &deliver_alert, &delivery);
  return delivery.was_taken;
}

bool raw_receive_alert6(Entry& entry, const Packet& packet, uint16_t value) {
  SocketSet& sockets = entry.stack().sockets();
  if (!sockets.has_raw(DemuxSpace::Raw6)) return false;
  AlertDelivery delivery{entry, packet, value};
  sockets.visit_raw(DemuxSpace::Raw6, RawSocket::kRaw, &deliver_alert, &delivery);
  return delivery.was_taken;
}

void raw_receive_error(Entry& entry, const IpError& error) {
  SocketSet& sockets = entry.stack().sockets();
  const DemuxSpace space = space_of(error.source);
  if (!sockets.has_raw(space)) return;
  RawErrorDelivery delivery{entry, error};
  sockets.visit_raw(space, error.protocol, &deliver_error_copy, &delivery);
}

}  // namespace lxnet
