#include "stack/tcp/coalesce.hh"

#include <algorithm>

#include "stack/ip/ip_info.hh"
#include "stack/stack.hh"
#include "stack/wire/tcp.hh"

namespace lxnet {
namespace {

constexpr size_t kMaxSize = 65535 - 60;

struct View {
  TcpSegmentHeader header;
  ByteSpan options;
  size_t size;  // of the payload
};

// The header is linear: it was checked when the packet came.
bool look_at(Packet& packet, View& view) {
  auto parsed = TcpHeader::parse(packet.linear());
  if (!parsed.is_ok()) return false;
  view.header = TcpSegmentHeader::from(*parsed.take());
  if (packet.linear().size() < view.header.header_size) return false;
  view.options = packet.linear().subspan(sizeof(TcpHeader), view.header.header_size - sizeof(TcpHeader));
  view.size = packet.size() - view.header.header_size;
  return true;
}

// Data, and nothing that TCP must see by itself.
bool may_be_held(const Packet& packet, const View& view) {
  return view.size != 0 && packet.segment_count <= 1 && view.header.flags == kTcpAck && ip_info(packet).options_size == 0;
}

bool has_same_path(const Packet& a, const Packet& b) {
  const IpInfo &x = ip_info(a), &y = ip_info(b);
  return x.source == y.source && x.destination == y.destination && x.interface_index == y.interface_index && x.ttl == y.ttl &&
         x.tos == y.tos && x.options_size == y.options_size && a.wall_nanos == b.wall_nanos;
}

enum class Join : uint8_t { No, More, Last };

// Whether `next` continues what is held, and whether more may follow it.
Join may_join(Packet& held, const View& first, Packet& next, const View& view) {
  if (!has_same_path(held, next) || view.size == 0) return Join::No;
  if (first.header.source_port != view.header.source_port || first.header.destination_port != view.header.destination_port)
    return Join::No;
  if (view.header.flags.without(kTcpPsh | kTcpFin) != first.header.flags || view.header.flags.fin()) return Join::No;
  if (view.header.seq != first.header.seq + static_cast<uint32_t>(first.size) || view.header.ack != first.header.ack)
    return Join::No;
  if (!std::ranges::equal(first.options, view.options) || first.size + view.size > kMaxSize) return Join::No;
  const size_t segment = held.segment_count <= 1 ? first.size : held.segment_size;
  if (view.size > segment) return Join::No;
  return view.size < segment || view.header.flags.psh() ? Join::Last : Join::More;
}

// The window and the push of the last one count.
void take_over_header(Packet& held, const View& view) {
  auto& header = *reinterpret_cast<TcpHeader*>(held.mutable_linear().data());
  header.window.set(view.header.window);
  header.offset_and_flags.set(static_cast<uint16_t>(header.offset_and_flags.get() | (view.header.flags & kTcpPsh).bits()));
}

bool join(Packet& held, const View& first, Packet& next, const View& view) {
  if (!held.make_writable(first.header.header_size).is_ok()) return false;
  if (!held.append_from(next, view.header.header_size, view.size).is_ok()) return false;
  if (held.segment_count <= 1) {
    held.segment_count = 1;
    held.segment_size = static_cast<uint16_t>(first.size);
  }
  ++held.segment_count;
  take_over_header(held, view);
  held.is_turned_segment = false;  // it says more than it was told
  return true;
}

}  // namespace

void tcp_deliver_held(Entry& entry) { tcp_deliver(entry, std::move(entry.held_segment())); }

void tcp_coalesce(Entry& entry, Ref<Packet> packet) {
  Ref<Packet>& held = entry.held_segment();
  View view{}, first{};
  if (!look_at(*packet, view)) return tcp_deliver(entry, std::move(packet));
  if (held && look_at(*held, first)) {
    const Join how = may_join(*held, first, *packet, view);
    if (how != Join::No && join(*held, first, *packet, view)) {
      if (how == Join::Last || !entry.has_more_input()) tcp_deliver_held(entry);
      return;
    }
  }
  if (held) tcp_deliver_held(entry);
  if (entry.has_more_input() && may_be_held(*packet, view)) {
    entry.held_segment() = std::move(packet);
    return;
  }
  tcp_deliver(entry, std::move(packet));
}

}  // namespace lxnet
