#include "stack/wire/ipv6_extensions.hh"

namespace lxnet {
namespace {

using Action = Ipv6Verdict::Action;

constexpr size_t kMaxPadding = 7;  // in a row: more than alignment can need (RFC 4942, 2.1.9.5)
constexpr Ipv6Verdict kContinue{};
constexpr Ipv6Verdict kDrop{.action = Action::Drop};

Ipv6Verdict parameter_problem(Icmp6ParameterProblem code, size_t pointer) {
  return {.action = Action::ParameterProblem, .code = code, .pointer = static_cast<uint32_t>(pointer)};
}

struct Option {
  size_t offset;  // in the packet
  Ipv6OptionType type;
  ByteSpan value;
};

// The two high bits of an option's type say what one who does not know it does (RFC 8200, 4.2).
Ipv6Verdict unknown_option(ByteSpan packet, const Option& option, Ipv6OptionLimits limits) {
  if (limits.max_count < 0) return kDrop;
  switch (static_cast<uint8_t>(option.type) >> 6) {
    case 0:
      return kContinue;
    case 1:
      return kDrop;
    case 3:
      if (reinterpret_cast<const Ipv6Header*>(packet.data())->destination.is_multicast()) return kDrop;
      [[fallthrough]];
    default:
      return parameter_problem(Icmp6ParameterProblem::Option, option.offset);
  }
}

// Refused in each case; the sender learns of it where its packet contradicts itself.
Ipv6Verdict jumbo_payload(ByteSpan packet, const Option& option) {
  if (option.value.size() != 4 || option.offset % 4 != 2) return kDrop;
  const uint32_t size = reinterpret_cast<const Be32*>(option.value.data())->get();
  if (size <= Ipv6Header::kMaxPayloadSize) return parameter_problem(Icmp6ParameterProblem::HeaderField, option.offset + 2);
  if (reinterpret_cast<const Ipv6Header*>(packet.data())->payload_length.get() != 0) {
    return parameter_problem(Icmp6ParameterProblem::HeaderField, option.offset);
  }
  return kDrop;
}

Ipv6Verdict hop_by_hop_option(ByteSpan packet, const Option& option, Ipv6OptionLimits limits, Ipv6OptionsReport& report) {
  switch (option.type) {
    case Ipv6OptionType::RouterAlert:
      if (option.value.size() != 2) return kDrop;
      report.router_alert = reinterpret_cast<const Be16*>(option.value.data())->get();
      return kContinue;
    case Ipv6OptionType::JumboPayload:
      return jumbo_payload(packet, option);
    case Ipv6OptionType::Calipso:
      return kDrop;
    default:
      return unknown_option(packet, option, limits);
  }
}

bool is_zero(ByteSpan bytes) {
  for (uint8_t byte : bytes) {
    if (byte != 0) return false;
  }
  return true;
}

// The extension header at `offset`, whole. EINVAL: the packet ends before it does.
Result<ByteSpan> extension_at(ByteSpan packet, size_t offset) {
  if (offset > packet.size()) return Errno::EINVAL;
  const ByteSpan rest = packet.subspan(offset);
  const size_t size = TRY(view_header<Ipv6ExtensionHeader>(rest))->size();
  if (size > rest.size()) return Errno::EINVAL;
  return rest.first(size);
}

// Takes an option off the front of what is left of a header. Pad1 has no length byte. EINVAL: it does not fit.
Result<Option> take_option(ByteSpan& rest, size_t end) {
  const size_t offset = end - rest.size();
  const Ipv6OptionType type{rest[0]};
  if (type == Ipv6OptionType::Pad1) {
    rest = rest.subspan(1);
    return Option{offset, type, {}};
  }
  if (rest.size() < 2) return Errno::EINVAL;
  const size_t size = size_t{rest[1]} + 2;
  if (size > rest.size()) return Errno::EINVAL;
  const Option option{offset, type, rest.subspan(2, size - 2)};
  rest = rest.subspan(size);
  return option;
}

enum class Header : uint8_t { HopByHop, Destination };

Ipv6OptionsReport check_options(ByteSpan packet, size_t offset, Ipv6OptionLimits limits, Header kind) {
  Ipv6OptionsReport report{.verdict = kDrop};
  if (packet.size() < sizeof(Ipv6Header)) return report;
  auto found = extension_at(packet, offset);
  if (!found.is_ok()) return report;
  const ByteSpan header = found.take();
  if (header.size() > limits.max_size) return report;

  const int64_t max_count = limits.max_count < 0 ? -int64_t{limits.max_count} : limits.max_count;
  int64_t count = 0;
  size_t padding = 0;
  for (ByteSpan rest = header.subspan(sizeof(Ipv6ExtensionHeader)); !rest.empty();) {
    const size_t left = rest.size();
    auto taken = take_option(rest, offset + header.size());
    if (!taken.is_ok()) return report;
    const Option option = taken.take();
    if (option.type == Ipv6OptionType::Pad1 || option.type == Ipv6OptionType::PadN) {
      padding += left - rest.size();
      if (padding > kMaxPadding || !is_zero(option.value)) return report;
      continue;
    }
    padding = 0;
    if (++count > max_count) return report;
    const Ipv6Verdict verdict =
        kind == Header::HopByHop ? hop_by_hop_option(packet, option, limits, report) : unknown_option(packet, option, limits);
    if (verdict.action != Action::Continue) {
      report.verdict = verdict;
      return report;
    }
  }
  report.verdict = kContinue;
  return report;
}

}  // namespace

Ipv6OptionsReport check_hop_by_hop_options(ByteSpan packet, size_t offset, Ipv6OptionLimits limits) {
  return check_options(packet, offset, limits, Header::HopByHop);
}

Ipv6OptionsReport check_destination_options(ByteSpan packet, size_t offset, Ipv6OptionLimits limits) {
  return check_options(packet, offset, limits, Header::Destination);
}

Ipv6Verdict check_routing_header(ByteSpan packet, size_t offset) {
  constexpr uint8_t kRpl = 3, kSegmentRouting = 4;
  auto ipv6 = Ipv6Header::parse(packet);
  auto found = extension_at(packet, offset);
  if (!ipv6.is_ok() || !found.is_ok() || ipv6.take()->destination.is_multicast()) return kDrop;
  const auto& routing = *reinterpret_cast<const Ipv6RoutingHeader*>(found.take().data());  // at least eight bytes
  if (routing.type == kRpl || routing.type == kSegmentRouting) return kDrop;
  if (routing.segments_left == 0) return kContinue;
  return parameter_problem(Icmp6ParameterProblem::HeaderField, offset + offsetof(Ipv6RoutingHeader, type));
}

Result<Ipv6UpperLayer> find_upper_layer(ByteSpan packet) {
  Ipv6UpperLayer found{.protocol = IpProtocol{TRY(Ipv6Header::parse(packet))->next_header},
                       .offset = sizeof(Ipv6Header),
                       .next_header_offset = offsetof(Ipv6Header, next_header)};
  // Every turn passes eight bytes or more, so the packet's size bounds the walk.
  while (is_ipv6_extension(found.protocol)) {
    const ByteSpan rest = packet.subspan(found.offset);
    size_t size = TRY(view_header<Ipv6ExtensionHeader>(rest))->size();
    if (found.protocol == IpProtocol::Fragment) {
      size = sizeof(Ipv6FragmentHeader);
      found.fragment = Ipv6Fragment::from(*TRY(Ipv6FragmentHeader::parse(rest)));
    } else if (found.protocol == IpProtocol::Authentication) {
      size = (size_t{rest[1]} + 2) * 4;
    }
    if (size > rest.size()) return Errno::EINVAL;
    found.protocol = IpProtocol{rest[0]};
    found.next_header_offset = found.offset;
    found.offset += size;
    if (found.fragment && found.fragment->offset != 0) break;
  }
  return found;
}

void emit_router_alert_header(MutableByteSpan to, IpProtocol next_header, RouterAlert value) {
  ASSERT(to.size() >= kRouterAlertHeaderSize);
  const uint16_t number = static_cast<uint16_t>(value);
  const uint8_t bytes[kRouterAlertHeaderSize] = {static_cast<uint8_t>(next_header),
                                                 0,
                                                 static_cast<uint8_t>(Ipv6OptionType::RouterAlert),
                                                 2,
                                                 static_cast<uint8_t>(number >> 8),
                                                 static_cast<uint8_t>(number),
                                                 static_cast<uint8_t>(Ipv6OptionType::PadN),
                                                 0};
  copy_bytes(to, bytes);
}

}  // namespace lxnet
