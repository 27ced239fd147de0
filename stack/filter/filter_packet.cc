#include "stack/filter/filter_packet.hh"

#include "stack/wire/ip_protocol.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/ipv6_extensions.hh"

namespace lxnet {
namespace {

// Padded with zeros: rules compare all sixteen bytes.
void copy_name(char (&to)[Interface::kNameSize], const Interface* interface) {
  if (interface == nullptr) return;
  for (size_t i = 0; i + 1 < sizeof to && interface->name()[i] != 0; ++i) to[i] = interface->name()[i];
}

template <typename Address>
void copy_words(uint32_t (&to)[4], const Address& address) {
  static_assert(sizeof address <= sizeof to);
  memcpy(to, &address, sizeof address);
}

constexpr bool ends_chain(uint8_t number) { return !is_ipv6_extension(IpProtocol{number}); }

}  // namespace

FilterPacket::FilterPacket(Entry& entry, Packet& packet, IpFamily family, FilterHook hook, const Interface* input,
                           const Interface* output)
    : entry(entry), packet(packet), family(family), hook(hook), input(input), output(output) {
  copy_name(input_name, input);
  copy_name(output_name, output);
  read_header();
}

IpAddress FilterPacket::address_of(const uint32_t (&words)[4]) const {
  if (family == IpFamily::V4) {
    Ipv4Address address;
    memcpy(&address, words, sizeof address);
    return address;
  }
  Ipv6Address address;
  memcpy(&address, words, sizeof address);
  return address;
}

void FilterPacket::read_header() {
  has_looked_ = has_found_ = false;
  if (family == IpFamily::V4) {
    const auto& header = *reinterpret_cast<const Ipv4Header*>(packet.linear().data());
    copy_words(source, header.source);
    copy_words(destination, header.destination);
    protocol = header.protocol;
    time_to_live = header.time_to_live;
    type_of_service = header.type_of_service;
    fragment_offset = static_cast<uint16_t>(header.fragment_offset() / 8);
    transport_offset = static_cast<uint32_t>(header.header_size());
    return;
  }
  const auto& header = *reinterpret_cast<const Ipv6Header*>(packet.linear().data());
  copy_words(source, header.source);
  copy_words(destination, header.destination);
  protocol = header.next_header;
  time_to_live = header.hop_limit;
  type_of_service = header.traffic_class();
  transport_offset = sizeof(Ipv6Header);
}

// Linux's ipv6_find_hdr(): of a later fragment only the number of what it continues is known.
bool FilterPacket::find_transport() {
  if (family == IpFamily::V4 || has_looked_) return family == IpFamily::V4 || has_found_;
  has_looked_ = true;
  uint8_t next = protocol;
  uint32_t at = transport_offset;
  while (!ends_chain(next)) {
    uint8_t head[2];
    if (packet.read(at, MutableByteSpan(head, sizeof head)) != sizeof head) {
      is_broken = true;
      return false;
    }
    uint32_t size = (uint32_t{head[1]} + 1) * 8;
    if (IpProtocol{next} == IpProtocol::Authentication) size = (uint32_t{head[1]} + 2) * 4;
    if (IpProtocol{next} == IpProtocol::Fragment) {
      Ipv6FragmentHeader fragment;
      if (packet.read(at, mutable_bytes_of(fragment)) != sizeof fragment) {
        is_broken = true;
        return false;
      }
      if (fragment.fragment_offset() != 0) {
        fragment_offset = fragment.fragment_offset();
        if (!ends_chain(fragment.next_header)) return false;
        protocol = fragment.next_header;
        transport_offset = at;
        return has_found_ = true;
      }
      size = sizeof fragment;
    }
    next = head[0];
    at += size;
  }
  protocol = next;
  transport_offset = at;
  return has_found_ = true;
}

}  // namespace lxnet
