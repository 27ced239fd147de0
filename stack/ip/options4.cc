#include "stack/ip/options4.hh"

#include <algorithm>

#include "stack/ip/ip_info.hh"
#include "stack/ip/output_internal.hh"
#include "stack/stack.hh"

namespace lxnet {

void ip4_record(Entry& entry, Ipv4Options& options, Ipv4Address own) {
  if (!options.needs_recording()) return;
  const std::optional<Ipv4Address> wanted = options.prespecified_address();
  if (wanted && entry.stack().routes().address_type(*wanted) == RouteType::Unicast) options.skip_timestamp();
  options.record(own, milliseconds_since_midnight(entry.stack().hal()));
}

Result<Ipv4Options> ip4_receive_options(Entry& entry, Packet& packet, Ipv4Address own, uint8_t& bad_position) {
  const ByteSpan received = TRY(Ipv4Header::options_in(packet.linear()));
  Ipv4Options options = TRY(Ipv4Options::from_packet(received, bad_position));
  const bool is_changed = options.needs_recording() || !std::ranges::equal(options.bytes(), received);
  // Without memory to make it ours the packet stays as it is.
  if (!is_changed || !packet.make_writable(sizeof(Ipv4Header) + options.size()).is_ok()) return options;
  packet.mark_network_header();
  ip4_record(entry, options, own);
  const MutableByteSpan header = packet.mutable_linear();
  copy_bytes(header.subspan(sizeof(Ipv4Header)), options.bytes());
  reinterpret_cast<Ipv4Header*>(header.data())->update_header_checksum();
  return options;
}

ByteSpan ip4_options_of(const Packet& packet) {
  const IpInfo& info = ip_info(packet);
  if (!info.source.is_v4() || info.options_size == 0) return {};
  return ByteSpan(packet.network_header() + sizeof(Ipv4Header), info.options_size);
}

Result<Ipv4Options> ip4_reply_options(ByteSpan options, Ipv4Address sender) {
  if (options.empty()) return Ipv4Options();
  auto received = Ipv4Options::from_recorded(options);
  // An error about the options themselves turns nothing round.
  if (!received.is_ok()) return Ipv4Options();
  return received.take().make_reply(sender);
}

}  // namespace lxnet
