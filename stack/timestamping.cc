// Making the records.
#include "stack/timestamping.hh"

#include "stack/error_queue.hh"
#include "stack/ip/ip_info.hh"
#include "stack/stack.hh"
#include "stack/wire/ethernet.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6.hh"

namespace lxnet {
namespace {

// What Linux loops back is the frame. Its loopback has an Ethernet header, all zero but for the protocol.
Result<Ref<Packet>> copy_of(const Interface& interface, const Packet& frame) {
  Ref<Packet> copy = TRY(frame.clone());
  copy->set_true_size(frame.true_size());
  if (interface.link_kind() != LinkKind::Loopback) return copy;
  if (copy->has_own_link_header) {
    copy->restore_front(copy->link_header());
    return copy;
  }
  TRY(copy->ensure_headroom(sizeof(EthernetHeader)));
  auto& header = copy->push_header<EthernetHeader>();
  header.type.set(copy->link_protocol);
  return copy;
}

void fill_info(const Interface& interface, Packet& payload) {
  const uint8_t* network = payload.network_header();
  if (network == nullptr) return;
  const bool is_v4 = payload.link_protocol == static_cast<uint16_t>(EtherType::Ipv4);
  IpInfo info{.interface_index = interface.index()};
  if (is_v4) {
    info.source = reinterpret_cast<const Ipv4Header*>(network)->source;
    info.destination = reinterpret_cast<const Ipv4Header*>(network)->destination;
    info.ttl = reinterpret_cast<const Ipv4Header*>(network)->time_to_live;
    info.tos = reinterpret_cast<const Ipv4Header*>(network)->type_of_service;
  } else {
    const auto& header = *reinterpret_cast<const Ipv6Header*>(network);
    info.source = header.source;
    info.destination = header.destination;
    info.ttl = header.hop_limit;
    info.tos = header.traffic_class();
  }
  payload.control<IpInfo>() = info;
}

}  // namespace

uint8_t stamps_of(uint32_t flags) {
  return static_cast<uint8_t>(((flags & kTimestampTransmitSoftware) != 0 ? kStampSent : 0) |
                              ((flags & kTimestampTransmitScheduled) != 0 ? kStampScheduled : 0) |
                              ((flags & kTimestampTransmitAcknowledged) != 0 ? kStampAcknowledged : 0));
}

uint32_t timestamping_of(const SocketOptionSet& options, const SendControl& control) {
  const uint32_t own = options->timestamping_flags;
  return control.has_timestamping ? (own & ~uint32_t{kTimestampRecords}) | control.timestamping : own;
}

ExtendedError stamp_report(const Hal& hal, TransmitStamp kind) {
  ExtendedError report;
  report.error = Errno::ENOMSG;
  report.origin = static_cast<uint8_t>(ErrorOrigin::Timestamping);
  report.info = static_cast<uint32_t>(kind);
  report.wall_nanos = hal.wall_nanos();
  return report;
}

void report_stamp(Socket& socket, TransmitStamp kind, uint32_t key, Ref<Packet> payload) {
  ExtendedError report = stamp_report(socket.stack().hal(), kind);
  if ((socket.options->timestamping_flags & kTimestampKeys) != 0) report.data = key;
  report.has_packet = payload.get() != nullptr;
  socket.queue_error(std::move(payload), report, Endpoint());
}

namespace {

struct StampRecord {
  uint8_t bit;
  TransmitStamp kind;
};
constexpr StampRecord kRecords[] = {{kStampScheduled, TransmitStamp::Scheduled}, {kStampSent, TransmitStamp::Sent}};

void tell_listener(const Interface& interface, const Packet& frame, uint8_t stamps) {
  auto& listener = *static_cast<StampListener*>(frame.owner());
  auto copied = copy_of(interface, frame);
  if (!copied.is_ok()) return;
  const Ref<Packet> copy = copied.take();
  for (const StampRecord& record : kRecords) {
    if ((stamps & record.bit) != 0) listener.hear_stamp(record.kind, frame.stamp_key, *copy);
  }
}

}  // namespace

void report_transmit_stamps(Interface& interface, Packet& frame) {
  const uint8_t stamps = std::exchange(frame.transmit_stamps, uint8_t{0});
  if (frame.owner() == nullptr) return;
  if ((stamps & kStampOfListener) != 0) return tell_listener(interface, frame, stamps);
  auto& socket = *static_cast<Socket*>(frame.owner());
  const bool is_alone = (socket.options->timestamping_flags & kTimestampAlone) != 0;
  for (const StampRecord& record : kRecords) {
    if ((stamps & record.bit) == 0) continue;
    Ref<Packet> payload;
    if (!is_alone) {
      auto copied = copy_of(interface, frame);
      if (!copied.is_ok()) return;
      payload = copied.take();
      fill_info(interface, *payload);
    }
    report_stamp(socket, record.kind, frame.stamp_key, std::move(payload));
  }
}

}  // namespace lxnet
