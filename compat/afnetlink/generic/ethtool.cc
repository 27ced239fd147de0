// "ethtool": what a device's driver says of it (net/ethtool/). The commands here are those that ethtool(8) needs for `ethtool
// DEV` and `ethtool -T DEV`, and those that every device of ours refuses on Linux too; of any other it takes the ioctl.
//
// Missing: FEATURES (`ethtool -k` takes the ioctls), CHANNELS and COALESCE, which Linux's veth and tun answer; STRSET; everything
// that would change a device. The group "monitor" hears of such changes, so there is nothing to hear.
#include "compat/afnetlink/generic/generic_family.hh"
#include "compat/afnetlink/route_family.hh"
#include "netdev/virtual_device.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

enum : uint8_t {  // ETHTOOL_MSG_*; answers have numbers of their own, most of them those of the questions
  kLinkInfo = 2,
  kLinkModes = 4,
  kLinkState = 6,
  kDebug = 7,
  kWakeOnLan = 9,
  kPrivateFlags = 13,
  kRings = 15,
  kPause = 21,
  kEnergy = 23,
  kStamping = 25,
  kStampingAnswer = 26,
  kErrorCorrection = 29,
};

constexpr uint16_t kHeader = 1;
enum : uint16_t { kIndex = 1, kName = 2, kFlags = 3, kPhy = 4 };                   // ETHTOOL_A_HEADER_*
constexpr uint32_t kCompact = 1, kOmitReply = 2;                                   // ETHTOOL_FLAG_*
enum : uint16_t { kNoMask = 1, kSize = 2, kBits = 3, kBitValues = 4, kMask = 5 };  // ETHTOOL_A_BITSET_*

// The flags' bits are looked at by read_header(): a mask here would be one of a number in network order.
constexpr NlaPolicy kHeaderPolicy[] = {
    {}, {.kind = NlaKind::U32}, {.kind = NlaKind::EndedText, .length = 127}, {.kind = NlaKind::U32}, {.kind = NlaKind::U32}};
constexpr NlaPolicy kPolicy[] = {{}, {.kind = NlaKind::Nested, .inside = kHeaderPolicy, .inside_last = kPhy}};

// What Linux's driver of such a device has.
struct DeviceRow {
  const char* kind;
  bool has_settings;  // a speed and a duplex, which are made up there too
  bool tells_link;
  bool has_message_mask;
};
constexpr DeviceRow kDevices[] = {
    {.kind = "lo", .has_settings = false, .tells_link = true, .has_message_mask = false},
    {.kind = "veth", .has_settings = true, .tells_link = true, .has_message_mask = false},
    {.kind = "tun", .has_settings = true, .tells_link = true, .has_message_mask = true},
    {.kind = "dummy", .has_settings = false, .tells_link = false, .has_message_mask = false},
};
// A device of the host's: of what lies behind it nothing is known but the carrier.
constexpr DeviceRow kAnyDevice{.kind = "", .has_settings = false, .tells_link = true, .has_message_mask = false};

bool is_same(const char* one, const char* other) {
  while (*one != 0 && *one == *other) ++one, ++other;
  return *one == *other;
}

const DeviceRow& row_of(const Interface& interface) {
  const VirtualDevice* made = interface.device().as_virtual();
  const char* kind = interface.is_loopback() ? "lo" : made != nullptr ? made->kind() : "";
  for (const DeviceRow& row : kDevices) {
    if (is_same(row.kind, kind)) return row;
  }
  return kAnyDevice;
}

// ---- requests: ethnl_parse_header_dev_get()

struct Asked {
  Ref<Interface> interface;  // of a dump none
  uint32_t flags = 0;
};

Result<Asked> read_header(SyscallContext& context, const GenericRequest& request) {
  Asked asked;
  const Nla header = request.attributes[kHeader];
  if (!header) {
    if (request.netlink.is_dump()) return asked;
    request.netlink.complaint->missing_type = kHeader;
    return Errno::EINVAL;
  }
  NlaTable table;
  TRY(parse_attributes(table, header.value(), kPhy, kHeaderPolicy, request.netlink.complaint));
  if (const Nla flags = table[kFlags]) {
    asked.flags = flags.as<uint32_t>();
    if ((asked.flags & ~(kCompact | kOmitReply)) != 0) return request.refuse(Errno::EINVAL, "reserved bit set", flags);
  }
  const Nla index = table[kIndex], name = table[kName];
  if (!index && !name) {
    if (request.netlink.is_dump()) return asked;
    return request.refuse(Errno::EINVAL, "neither ifindex nor name specified", header);
  }
  InterfaceRegistry& registry = context.stack().interfaces();
  if (index) {
    asked.interface = registry.find(index.as<uint32_t>());
    if (!asked.interface) return request.refuse(Errno::ENODEV, "no device matches ifindex", index);
    if (name && !name.is_text(asked.interface->name())) {
      return request.refuse(Errno::ENODEV, "ifindex and name do not match", header);
    }
    return asked;
  }
  for (Ref<Interface> at = registry.find_next(0); at; at = registry.find_next(at->index())) {
    if (name.is_text(at->name())) asked.interface = at;
  }
  if (!asked.interface) return request.refuse(Errno::ENODEV, "no device matches name", name);
  return asked;
}

// ---- answers

struct Answer {
  const GenericRequest& request;
  const Interface& interface;
  const DeviceRow& device;
  bool is_compact;
};
// EOPNOTSUPP before anything is written: the device has nothing to say.
using Writer = Result<> (*)(const Answer& answer, NetlinkWriter& writer);

Result<> begin(const Answer& answer, NetlinkWriter& writer, uint8_t command) {
  TRY(answer.request.begin(writer, command));
  const size_t header = TRY(writer.begin_nested(kHeader | kNestedAttribute));
  TRY(writer.attribute(kIndex, answer.interface.index()));
  TRY(put_text(writer, kName, answer.interface.name()));
  writer.end_nested(header);
  return ok();
}

// ethnl_put_bitset32(), of a set no member of which is to be named.
enum class WithMask : uint8_t { No, Yes };
Result<> put_empty_bitset(const Answer& answer, NetlinkWriter& writer, uint16_t type, uint32_t size, WithMask mask) {
  constexpr size_t kMostWords = 4;
  const uint32_t words[kMostWords] = {};
  const size_t set = TRY(writer.begin_nested(type | kNestedAttribute));
  if (mask == WithMask::No) TRY(writer.attribute(kNoMask, ByteSpan()));
  TRY(writer.attribute(kSize, size));
  if (answer.is_compact) {
    const ByteSpan values = bytes_of(words).first((size + 31) / 32 * sizeof words[0]);
    TRY(writer.attribute(kBitValues, values));
    if (mask == WithMask::Yes) TRY(writer.attribute(kMask, values));
  } else {
    TRY(writer.attribute(kBits | kNestedAttribute, ByteSpan()));
  }
  writer.end_nested(set);
  return ok();
}

Result<> refuse_settings(const Answer& answer) {
  return answer.request.refuse(Errno::EOPNOTSUPP, "failed to retrieve link settings");
}

Result<> write_link_info(const Answer& answer, NetlinkWriter& writer) {
  enum : uint16_t { kPort = 2, kPhyAddress, kCrossover, kCrossoverWish, kTransceiver };
  if (!answer.device.has_settings) return refuse_settings(answer);
  TRY(begin(answer, writer, kLinkInfo));
  for (const uint16_t type : {kPort, kPhyAddress, kCrossover, kCrossoverWish, kTransceiver}) {
    TRY(writer.attribute(type, uint8_t{0}));
  }
  return writer.end();
}

Result<> write_link_modes(const Answer& answer, NetlinkWriter& writer) {
  enum : uint16_t { kNegotiation = 2, kOurs = 3, kSpeed = 5, kDuplex = 6, kRateMatching = 10 };
  constexpr uint32_t kModes = 121, kMegabits = 10000;
  if (!answer.device.has_settings) return refuse_settings(answer);
  TRY(begin(answer, writer, kLinkModes));
  TRY(writer.attribute(kNegotiation, uint8_t{0}));
  TRY(put_empty_bitset(answer, writer, kOurs, kModes, WithMask::Yes));
  TRY(writer.attribute(kSpeed, kMegabits));
  TRY(writer.attribute(kDuplex, uint8_t{1}));
  TRY(writer.attribute(kRateMatching, uint8_t{0}));
  return writer.end();
}

Result<> write_link_state(const Answer& answer, NetlinkWriter& writer) {
  constexpr uint16_t kLink = 2;
  TRY(begin(answer, writer, kLinkState));
  if (answer.device.tells_link) TRY(writer.attribute(kLink, uint8_t{answer.interface.is_running()}));
  return writer.end();
}

Result<> write_debug(const Answer& answer, NetlinkWriter& writer) {
  constexpr uint16_t kMessageMask = 2;
  constexpr uint32_t kClasses = 15;
  if (!answer.device.has_message_mask) return Errno::EOPNOTSUPP;
  TRY(begin(answer, writer, kDebug));
  TRY(put_empty_bitset(answer, writer, kMessageMask, kClasses, WithMask::No));
  return writer.end();
}

// SOF_TIMESTAMPING_TX_SOFTWARE, RX_SOFTWARE and SOFTWARE: ethtool_op_get_ts_info(), which all of ours have.
Result<> write_stamping(const Answer& answer, NetlinkWriter& writer) {
  struct Bit {
    uint32_t index;
    const char* name;
  };
  constexpr Bit kKnown[] = {{1, "software-transmit"}, {3, "software-receive"}, {4, "software-system-clock"}};
  constexpr uint16_t kStamps = 2, kBit = 1, kBitIndex = 1, kBitName = 2;
  constexpr uint32_t kStampBits = 19;
  TRY(begin(answer, writer, kStampingAnswer));
  const size_t set = TRY(writer.begin_nested(kStamps | kNestedAttribute));
  TRY(writer.attribute(kNoMask, ByteSpan()));
  TRY(writer.attribute(kSize, kStampBits));
  uint32_t values = 0;
  const size_t list = answer.is_compact ? 0 : TRY(writer.begin_nested(kBits | kNestedAttribute));
  for (const Bit& bit : kKnown) {
    values |= 1u << bit.index;
    if (answer.is_compact) continue;
    const size_t place = TRY(writer.begin_nested(kBit | kNestedAttribute));
    TRY(writer.attribute(kBitIndex, bit.index));
    TRY(put_text(writer, kBitName, bit.name));
    writer.end_nested(place);
  }
  if (answer.is_compact) {
    TRY(writer.attribute(kBitValues, values));
  } else {
    writer.end_nested(list);
  }
  writer.end_nested(set);
  return writer.end();
}

Result<> write_nothing(const Answer&, NetlinkWriter&) { return Errno::EOPNOTSUPP; }

template <Writer kWrite>
Result<> answer_one(SyscallContext& context, const GenericRequest& request, NetlinkWriter& writer) {
  const Asked asked = TRY(read_header(context, request));
  const bool is_compact = (asked.flags & kCompact) != 0;
  return kWrite({request, *asked.interface, row_of(*asked.interface), is_compact}, writer);
}

// Of every device that has something to say.
template <Writer kWrite>
Result<> answer_all(SyscallContext& context, const GenericRequest& request, NetlinkWriter& writer) {
  const Asked asked = TRY(read_header(context, request));
  InterfaceRegistry& registry = context.stack().interfaces();
  for (Ref<Interface> at = registry.find_next(0); at; at = registry.find_next(at->index())) {
    if (asked.interface && asked.interface.get() != at.get()) continue;
    const Result<> written = kWrite({request, *at, row_of(*at), (asked.flags & kCompact) != 0}, writer);
    if (!written.is_ok() && !written.is_error(Errno::EOPNOTSUPP)) return written.error();
  }
  return ok();
}

template <Writer kWrite>
constexpr GenericOperation question(uint8_t command, GenericOperation::Access access = GenericOperation::Access::Everybody) {
  return {.command = command,
          .access = access,
          .check = GenericOperation::Check::Strict,
          .last_attribute = kHeader,
          .policy = kPolicy,
          .handle = &answer_one<kWrite>,
          .dump = &answer_all<kWrite>,
          .is_namespaces = true};
}

constexpr GenericOperation kOperations[] = {
    question<&write_link_info>(kLinkInfo),
    question<&write_link_modes>(kLinkModes),
    question<&write_link_state>(kLinkState),
    question<&write_debug>(kDebug),
    question<&write_nothing>(kWakeOnLan, GenericOperation::Access::Administrators),
    question<&write_nothing>(kPrivateFlags),
    question<&write_nothing>(kRings),
    question<&write_nothing>(kPause),
    question<&write_nothing>(kEnergy),
    question<&write_stamping>(kStamping),
    question<&write_nothing>(kErrorCorrection),
};
constexpr GenericGroup kGroups[] = {{.number = 6, .name = "monitor"}};

}  // namespace

constexpr GenericFamily kGenericEthtool = {
    .number = 0x15, .name = "ethtool", .version = 1, .last_attribute = 0, .operations = kOperations, .groups = kGroups};

}  // namespace lxnet
