#include "stack/wire/ndp.hh"

namespace lxnet {
namespace {

constexpr size_t kUnit = 8;  // of an option's length field
constexpr uint8_t kOnLink = 0x80, kAutonomous = 0x40;
constexpr uint8_t kManaged = 0x80, kOther = 0x40;
constexpr uint32_t kRouter = 0x8000'0000, kSolicited = 0x4000'0000, kOverride = 0x2000'0000;

struct OptionHeader {
  uint8_t type;
  uint8_t units;
};

struct LinkAddressOption {
  OptionHeader header;
  MacAddress address;
};

struct PrefixOption {
  OptionHeader header;
  uint8_t prefix_length;
  uint8_t flags;
  Be32 valid_lifetime;
  Be32 preferred_lifetime;
  Be32 reserved;
  Ipv6Address prefix;
};

struct MtuOption {
  OptionHeader header;
  Be16 reserved;
  Be32 mtu;
};

struct NonceOption {
  OptionHeader header;
  NdpNonce nonce;
};

struct RedirectedOption {
  OptionHeader header;
  Be16 reserved;
  Be32 reserved_more;
};

struct SolicitationHeader {  // RS
  Icmp6Header icmp;
};

struct AdvertisementHeader {  // RA
  uint8_t type, code;
  Be16 checksum;
  uint8_t hop_limit;
  uint8_t flags;
  Be16 lifetime;
  Be32 reachable;
  Be32 retransmit;
};

struct NeighborHeader {  // NS and NA; the flags are the rest of the ICMPv6 header
  Icmp6Header icmp;
  Ipv6Address target;
};

struct RedirectHeader {
  Icmp6Header icmp;
  Ipv6Address target;
  Ipv6Address destination;
};

static_assert(sizeof(PrefixOption) == 32 && alignof(PrefixOption) == 1 && offsetof(PrefixOption, prefix) == 16);
static_assert(sizeof(LinkAddressOption) == 8 && sizeof(MtuOption) == 8 && sizeof(NonceOption) == 8 &&
              sizeof(RedirectedOption) == 8);
static_assert(sizeof(AdvertisementHeader) == 16 && offsetof(AdvertisementHeader, reachable) == 8);
static_assert(sizeof(NeighborHeader) == 24 && sizeof(RedirectHeader) == 40 && offsetof(RedirectHeader, destination) == 24);

// Takes one option off the front, header included. EINVAL: it does not fit, or claims no length.
Result<ByteSpan> take_option(ByteSpan& options) {
  if (options.size() < sizeof(OptionHeader)) return Errno::EINVAL;
  const size_t size = options[1] * kUnit;
  if (size == 0 || size > options.size()) return Errno::EINVAL;
  const ByteSpan option = options.first(size);
  options = options.subspan(size);
  return option;
}

Result<MacAddress> read_link_address(ByteSpan option) {
  if (option.size() != sizeof(LinkAddressOption)) return Errno::EINVAL;
  return TRY(view_header<LinkAddressOption>(option))->address;
}

// Puts options one behind the other into a span known to be large enough.
class OptionWriter {
 public:
  explicit OptionWriter(MutableByteSpan to) : to_(to) {}

  template <typename Option>
  Option& add(NdpOptionType type, size_t size = sizeof(Option)) {
    ASSERT(size % kUnit == 0 && size / kUnit <= 255);
    Option& option = place_header<Option>(to_.first(size));
    option.header = {static_cast<uint8_t>(type), static_cast<uint8_t>(size / kUnit)};
    to_ = to_.subspan(size);
    return option;
  }

 private:
  MutableByteSpan to_;
};

void emit_prefix(const NdpPrefix& prefix, OptionWriter& out) {
  PrefixOption& option = out.add<PrefixOption>(NdpOptionType::PrefixInformation);
  option.prefix_length = prefix.prefix_length;
  option.flags = static_cast<uint8_t>((prefix.is_on_link ? kOnLink : 0) | (prefix.is_autonomous ? kAutonomous : 0));
  option.valid_lifetime.set(prefix.valid_lifetime);
  option.preferred_lifetime.set(prefix.preferred_lifetime);
  option.prefix = prefix.prefix;
}

size_t redirected_option_size(ByteSpan packet) {
  return packet.empty() ? 0 : (sizeof(RedirectedOption) + packet.size() + kUnit - 1) / kUnit * kUnit;
}

// The fixed part of a message and the options behind it.
template <typename Header>
Result<const Header*> read_message(ByteSpan message, NdpOptions& options) {
  const Header* header = TRY(view_header<Header>(message));
  options = TRY(NdpOptions::parse(message.subspan(sizeof(Header))));
  return header;
}

template <typename Header>
Header& emit_message(MutableByteSpan to, Icmp6Type type, const NdpOptions& options) {
  Header& header = place_header<Header>(to);
  to[0] = static_cast<uint8_t>(type);
  options.emit(to.subspan(sizeof(Header)));
  return header;
}

}  // namespace

std::optional<NdpPrefix> NdpPrefixReader::next() {
  while (!rest_.empty()) {
    auto taken = take_option(rest_);
    if (!taken.is_ok()) break;
    const ByteSpan bytes = taken.take();
    if (NdpOptionType{bytes[0]} != NdpOptionType::PrefixInformation || bytes.size() != sizeof(PrefixOption)) continue;
    const PrefixOption& option = *reinterpret_cast<const PrefixOption*>(bytes.data());
    return NdpPrefix{.prefix = option.prefix,
                     .prefix_length = option.prefix_length,
                     .is_on_link = (option.flags & kOnLink) != 0,
                     .is_autonomous = (option.flags & kAutonomous) != 0,
                     .valid_lifetime = option.valid_lifetime.get(),
                     .preferred_lifetime = option.preferred_lifetime.get()};
  }
  rest_ = {};
  return std::nullopt;
}

Result<NdpOptions> NdpOptions::parse(ByteSpan options) {
  NdpOptions found;
  found.received_ = options;
  while (!options.empty()) {
    const ByteSpan option = TRY(take_option(options));
    switch (NdpOptionType{option[0]}) {
      case NdpOptionType::SourceLinkLayerAddress:
        if (!found.source_link_address) found.source_link_address = TRY(read_link_address(option));
        break;
      case NdpOptionType::TargetLinkLayerAddress:
        if (!found.target_link_address) found.target_link_address = TRY(read_link_address(option));
        break;
      case NdpOptionType::Mtu:
        if (!found.mtu) found.mtu = TRY(view_header<MtuOption>(option))->mtu.get();
        break;
      case NdpOptionType::Nonce:
        if (!found.nonce && option.size() == sizeof(NonceOption)) found.nonce = TRY(view_header<NonceOption>(option))->nonce;
        break;
      case NdpOptionType::RedirectedHeader:
        if (found.redirected_packet.empty()) found.redirected_packet = option.subspan(sizeof(RedirectedOption));
        break;
      default:
        break;
    }
  }
  return found;
}

size_t NdpOptions::encoded_size() const {
  return (source_link_address ? sizeof(LinkAddressOption) : 0) + (target_link_address ? sizeof(LinkAddressOption) : 0) +
         (mtu ? sizeof(MtuOption) : 0) + (nonce ? sizeof(NonceOption) : 0) + sending_prefixes.size() * sizeof(PrefixOption) +
         redirected_option_size(redirected_packet);
}

void NdpOptions::emit(MutableByteSpan to) const {
  ASSERT(to.size() >= encoded_size());
  OptionWriter out(to);
  if (source_link_address) {
    out.add<LinkAddressOption>(NdpOptionType::SourceLinkLayerAddress).address = *source_link_address;
  }
  if (target_link_address) {
    out.add<LinkAddressOption>(NdpOptionType::TargetLinkLayerAddress).address = *target_link_address;
  }
  if (mtu) out.add<MtuOption>(NdpOptionType::Mtu).mtu.set(*mtu);
  if (nonce) out.add<NonceOption>(NdpOptionType::Nonce).nonce = *nonce;
  for (const NdpPrefix& prefix : sending_prefixes) emit_prefix(prefix, out);
  if (const size_t size = redirected_option_size(redirected_packet); size != 0) {
    auto* option = reinterpret_cast<uint8_t*>(&out.add<RedirectedOption>(NdpOptionType::RedirectedHeader, size));
    const MutableByteSpan body(option + sizeof(RedirectedOption), size - sizeof(RedirectedOption));
    const size_t copied = copy_bytes(body, redirected_packet);
    memset(body.data() + copied, 0, body.size() - copied);
  }
}

Result<RouterSolicitation> RouterSolicitation::parse(ByteSpan message) {
  RouterSolicitation solicitation;
  TRY(read_message<SolicitationHeader>(message, solicitation.options));
  return solicitation;
}

size_t RouterSolicitation::encoded_size() const { return sizeof(SolicitationHeader) + options.encoded_size(); }

void RouterSolicitation::emit(MutableByteSpan to) const {
  emit_message<SolicitationHeader>(to, Icmp6Type::RouterSolicitation, options);
}

Result<RouterAdvertisement> RouterAdvertisement::parse(ByteSpan message) {
  RouterAdvertisement advertisement;
  const AdvertisementHeader* header = TRY(read_message<AdvertisementHeader>(message, advertisement.options));
  const RouterPreference preference{static_cast<uint8_t>(header->flags >> 3 & 3)};
  advertisement.hop_limit = header->hop_limit;
  advertisement.is_managed = (header->flags & kManaged) != 0;
  advertisement.has_other_configuration = (header->flags & kOther) != 0;
  if (preference == RouterPreference::High || preference == RouterPreference::Low) advertisement.preference = preference;
  advertisement.lifetime = header->lifetime.get();
  advertisement.reachable_milliseconds = header->reachable.get();
  advertisement.retransmit_milliseconds = header->retransmit.get();
  return advertisement;
}

size_t RouterAdvertisement::encoded_size() const { return sizeof(AdvertisementHeader) + options.encoded_size(); }

void RouterAdvertisement::emit(MutableByteSpan to) const {
  auto& header = emit_message<AdvertisementHeader>(to, Icmp6Type::RouterAdvertisement, options);
  header.hop_limit = hop_limit;
  header.flags = static_cast<uint8_t>((is_managed ? kManaged : 0) | (has_other_configuration ? kOther : 0) |
                                      static_cast<uint8_t>(preference) << 3);
  header.lifetime.set(lifetime);
  header.reachable.set(reachable_milliseconds);
  header.retransmit.set(retransmit_milliseconds);
}

Result<NeighborSolicitation> NeighborSolicitation::parse(ByteSpan message) {
  NeighborSolicitation solicitation;
  solicitation.target = TRY(read_message<NeighborHeader>(message, solicitation.options))->target;
  return solicitation;
}

size_t NeighborSolicitation::encoded_size() const { return sizeof(NeighborHeader) + options.encoded_size(); }

void NeighborSolicitation::emit(MutableByteSpan to) const {
  emit_message<NeighborHeader>(to, Icmp6Type::NeighborSolicitation, options).target = target;
}

Result<NeighborAdvertisement> NeighborAdvertisement::parse(ByteSpan message) {
  NeighborAdvertisement advertisement;
  const NeighborHeader* header = TRY(read_message<NeighborHeader>(message, advertisement.options));
  const uint32_t flags = header->icmp.rest.get();
  advertisement.target = header->target;
  advertisement.is_router = (flags & kRouter) != 0;
  advertisement.is_solicited = (flags & kSolicited) != 0;
  advertisement.overrides = (flags & kOverride) != 0;
  return advertisement;
}

size_t NeighborAdvertisement::encoded_size() const { return sizeof(NeighborHeader) + options.encoded_size(); }

void NeighborAdvertisement::emit(MutableByteSpan to) const {
  NeighborHeader& header = emit_message<NeighborHeader>(to, Icmp6Type::NeighborAdvertisement, options);
  header.icmp.rest.set((is_router ? kRouter : 0) | (is_solicited ? kSolicited : 0) | (overrides ? kOverride : 0));
  header.target = target;
}

Result<NdpRedirect> NdpRedirect::parse(ByteSpan message) {
  NdpRedirect redirect;
  const RedirectHeader* header = TRY(read_message<RedirectHeader>(message, redirect.options));
  redirect.target = header->target;
  redirect.destination = header->destination;
  return redirect;
}

size_t NdpRedirect::encoded_size() const { return sizeof(RedirectHeader) + options.encoded_size(); }

void NdpRedirect::emit(MutableByteSpan to) const {
  RedirectHeader& header = emit_message<RedirectHeader>(to, Icmp6Type::Redirect, options);
  header.target = target;
  header.destination = destination;
}

}  // namespace lxnet
