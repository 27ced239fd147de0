// SOL_PACKET: options as rows, with the lengths and errors of packet_setsockopt() and packet_getsockopt().
#include "compat/afpacket/packet_socket.hh"
#include "compat/syscalls/filter_options.hh"

namespace lxnet {
namespace {

constexpr int kLevel = 263;

PacketSocket& packet_of(SocketFile& socket) { return static_cast<PacketSocket&>(socket); }
PacketOptions& options_of(SocketFile& socket) { return packet_of(socket).packet_options(); }

// "optlen != sizeof(val)": the length counts before the pointer.
Result<int> read_exactly(const OptionInput& input) {
  if (static_cast<size_t>(input.length) != sizeof(int)) return Errno::EINVAL;
  return input.read<int>();
}

template <Relaxed<bool> PacketOptions::*Member>
Result<> set_flag(const OptionInput& input) {
  (options_of(input.socket).*Member) = TRY(input.read<int>()) != 0;
  return ok();
}
template <Relaxed<bool> PacketOptions::*Member>
Result<> set_flag_exactly(const OptionInput& input) {
  (options_of(input.socket).*Member) = TRY(read_exactly(input)) != 0;
  return ok();
}
template <Relaxed<bool> PacketOptions::*Member>
Result<int> get_flag(SyscallContext&, SocketFile& socket) {
  return int{(options_of(socket).*Member).load()};
}

// struct packet_mreq, with an address of up to 32 bytes.
struct UserMembership {
  int32_t index = 0;
  uint16_t kind = 0, size = 0;
  uint8_t address[LinkMembership::kAddressRoom] = {};
};

Result<> take_membership(const OptionInput& input, LinkMembership& asked) {
  constexpr size_t kLeast = 16, kHead = 8;
  const auto length = static_cast<size_t>(input.length);
  if (length < kLeast) return Errno::EINVAL;
  UserMembership user;
  const size_t size = length < sizeof user ? length : sizeof user;
  TRY(copy_in(input.context.hal(), mutable_bytes_of(user).first(size), input.value));
  if (size < kHead + user.size) return Errno::EINVAL;
  asked.index = static_cast<uint32_t>(user.index);
  asked.kind = user.kind;
  asked.size = user.size;
  memcpy(asked.address, user.address, sizeof asked.address);
  return ok();
}

Result<> add_membership(const OptionInput& input) {
  LinkMembership asked;
  TRY(take_membership(input, asked));
  return packet_of(input.socket).add_membership(input.context, asked);
}

Result<> drop_membership(const OptionInput& input) {
  LinkMembership asked;
  TRY(take_membership(input, asked));
  return packet_of(input.socket).drop_membership(input.context, asked);
}

Result<> get_statistics(const OptionOutput& output) {
  const PacketStatistics taken = packet_of(output.socket).take_statistics();
  const uint32_t words[3] = {taken.packets, taken.drops, taken.frozen};
  const bool has_blocks = packet_of(output.socket).ring_version() == RingVersion::V3;
  return output.write(bytes_of(words).first(has_blocks ? sizeof words : 2 * sizeof words[0]));
}

// A pointer that cannot be read is EINVAL here, on Linux too.
template <Result<> (PacketSocket::*Set)(Entry&, const RingRequest&)>
Result<> set_ring(const OptionInput& input) {
  PacketSocket& socket = packet_of(input.socket);
  RingRequest request;
  const size_t size = socket.ring_version() == RingVersion::V3 ? sizeof request : kOldRingRequestSize;
  if (static_cast<size_t>(input.length) < size) return Errno::EINVAL;
  if (!copy_in(input.context.hal(), mutable_bytes_of(request).first(size), input.value).is_ok()) return Errno::EINVAL;
  return (socket.*Set)(input.context.entry(), request);
}

Result<> set_loss(const OptionInput& input) {
  const bool value = TRY(read_exactly(input)) != 0;
  if (!packet_of(input.socket).set_without_rings(options_of(input.socket).skips_bad_frames, value)) return Errno::EBUSY;
  return ok();
}

// With a ring it changes nothing, and Linux says so to nobody.
Result<> set_send_offset(const OptionInput& input) {
  const bool value = TRY(read_exactly(input)) != 0;
  static_cast<void>(packet_of(input.socket).set_without_rings(options_of(input.socket).has_send_offset, value));
  return ok();
}

Result<> set_version(const OptionInput& input) {
  const int version = TRY(read_exactly(input));
  if (version < 0 || version > 2) return Errno::EINVAL;
  return packet_of(input.socket).set_ring_version(RingVersion{static_cast<uint8_t>(version)});
}

Result<> set_reserve(const OptionInput& input) {
  const int bytes = TRY(read_exactly(input));
  if (bytes < 0) return Errno::EINVAL;
  return packet_of(input.socket).set_ring_reserve(static_cast<uint32_t>(bytes));
}

// The version is asked about in the place of the answer.
Result<> get_header_size(const OptionOutput& output) {
  if (output.length < static_cast<int>(sizeof(int))) return Errno::EINVAL;
  const int version = TRY(read_user<int>(output.context.hal(), output.value));
  if (version < 0 || version > 2) return Errno::EINVAL;
  return output.write(static_cast<int>(ring_header_size(RingVersion{static_cast<uint8_t>(version)})));
}

template <Relaxed<int> PacketOptions::*Member>
Result<> set_int_exactly(const OptionInput& input) {
  (options_of(input.socket).*Member) = TRY(read_exactly(input));
  return ok();
}
template <Relaxed<int> PacketOptions::*Member>
Result<int> get_int(SyscallContext&, SocketFile& socket) {
  return (options_of(socket).*Member).load();
}

Result<> set_virtual_header_size(const OptionInput& input, bool is_size) {
  constexpr uint32_t kPlain = 10, kWithBuffers = 12;
  if (input.socket.socket_type() != kSockRaw) return Errno::EINVAL;
  const auto value = static_cast<uint32_t>(TRY(input.read<int>()));
  if (is_size && value != 0 && value != kPlain && value != kWithBuffers) return Errno::EINVAL;
  return packet_of(input.socket).set_virtual_header(is_size ? value : value != 0 ? kPlain : 0);
}

Result<> set_ignore_outgoing(const OptionInput& input) {
  const int value = TRY(read_exactly(input));
  if (value < 0 || value > 1) return Errno::EINVAL;
  options_of(input.socket).ignores_outgoing = value != 0;
  return ok();
}

Result<> set_fanout(const OptionInput& input) {
  FanoutRequest request;
  const auto length = static_cast<size_t>(input.length);
  if (length != sizeof(int) && length != sizeof request) return Errno::EINVAL;
  TRY(copy_in(input.context.hal(), mutable_bytes_of(request).first(length), input.value));
  return packet_of(input.socket).join_fanout(input.context, request);
}

Result<> set_fanout_data(const OptionInput& input) {
  PacketSocket& socket = packet_of(input.socket);
  if (TRY(socket.fanout_program_kind()) == FanoutKind::Ebpf) {
    if (socket.options()->filter_locked) return Errno::EPERM;
    return attach_descriptor(input);
  }
  if (socket.options()->filter_locked) return Errno::EPERM;
  return socket.set_fanout_program(TRY(take_filter(input)));
}

Result<> get_rollover(const OptionOutput& output) {
  const RolloverState& state = packet_of(output.socket).rollover();
  if (!state.is_on) return Errno::EINVAL;
  const uint64_t words[3] = {state.all, state.huge, state.failed};
  return output.write(words);
}

constexpr OptionRow missing(int name, const char* text, const char* note) {
  return {.level = kLevel, .name = name, .text = text, .support = Support::Missing, .note = note};
}

constexpr OptionRow kRows[] = {
    {.level = kLevel, .name = 1, .text = "PACKET_ADD_MEMBERSHIP", .set = &add_membership},
    {.level = kLevel, .name = 2, .text = "PACKET_DROP_MEMBERSHIP", .set = &drop_membership},
    missing(3, "PACKET_RECV_OUTPUT", "a number that Linux does not know either"),
    {.level = kLevel, .name = 5, .text = "PACKET_RX_RING", .set = &set_ring<&PacketSocket::set_ring>},
    {.level = kLevel, .name = 6, .text = "PACKET_STATISTICS", .get = &get_statistics},
    {.level = kLevel,
     .name = 7,
     .text = "PACKET_COPY_THRESH",
     .get_int = &get_int<&PacketOptions::copy_threshold>,
     .set = &set_int_exactly<&PacketOptions::copy_threshold>},
    {.level = kLevel,
     .name = 8,
     .text = "PACKET_AUXDATA",
     .get_int = &get_flag<&PacketOptions::tells_status>,
     .set = &set_flag<&PacketOptions::tells_status>},
    {.level = kLevel,
     .name = 9,
     .text = "PACKET_ORIGDEV",
     .get_int = &get_flag<&PacketOptions::tells_first_device>,
     .set = &set_flag<&PacketOptions::tells_first_device>,
     .note = "no device stands upon another, so the two are one"},
    {.level = kLevel,
     .name = 10,
     .text = "PACKET_VERSION",
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> {
       return static_cast<int>(packet_of(socket).ring_version());
     },
     .set = &set_version},
    {.level = kLevel, .name = 11, .text = "PACKET_HDRLEN", .get = &get_header_size},
    {.level = kLevel,
     .name = 12,
     .text = "PACKET_RESERVE",
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> {
       return static_cast<int>(packet_of(socket).ring_reserve());
     },
     .set = &set_reserve},
    {.level = kLevel, .name = 13, .text = "PACKET_TX_RING", .set = &set_ring<&PacketSocket::set_send_ring>},
    {.level = kLevel,
     .name = 14,
     .text = "PACKET_LOSS",
     .get_int = &get_flag<&PacketOptions::skips_bad_frames>,
     .set = &set_loss},
    {.level = kLevel,
     .name = 15,
     .text = "PACKET_VNET_HDR",
     .support = Support::Partial,
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> {
       return options_of(socket).virtual_header.load() != 0 ? 1 : 0;
     },
     .set = [](const OptionInput& input) { return set_virtual_header_size(input, false); },
     .note = "segmentation of TCP and UDP_SEGMENT with a checksum to finish; UDP fragmentation is refused"},
    {.level = kLevel, .name = 16, .text = "PACKET_TX_TIMESTAMP", .note = "a control message alone: what left, and when"},
    {.level = kLevel,
     .name = 17,
     .text = "PACKET_TIMESTAMP",
     .get_int = &get_int<&PacketOptions::clock>,
     .set = &set_int_exactly<&PacketOptions::clock>,
     .note = "no device has a clock of its own: stamps are the system's, as Linux falls back to"},
    {.level = kLevel,
     .name = 18,
     .text = "PACKET_FANOUT",
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> {
       return static_cast<int>(packet_of(socket).fanout_word());
     },
     .set = &set_fanout},
    {.level = kLevel,
     .name = 19,
     .text = "PACKET_TX_HAS_OFF",
     .get_int = &get_flag<&PacketOptions::has_send_offset>,
     .set = &set_send_offset},
    {.level = kLevel,
     .name = 20,
     .text = "PACKET_QDISC_BYPASS",
     .get_int = &get_flag<&PacketOptions::bypasses_taps>,
     .set = &set_flag_exactly<&PacketOptions::bypasses_taps>},
    {.level = kLevel, .name = 21, .text = "PACKET_ROLLOVER_STATS", .get = &get_rollover},
    {.level = kLevel,
     .name = 22,
     .text = "PACKET_FANOUT_DATA",
     .set = &set_fanout_data,
     .note = "no descriptor is an eBPF program: EBADF or EINVAL"},
    {.level = kLevel,
     .name = 23,
     .text = "PACKET_IGNORE_OUTGOING",
     .get_int = &get_flag<&PacketOptions::ignores_outgoing>,
     .set = &set_ignore_outgoing},
    {.level = kLevel,
     .name = 24,
     .text = "PACKET_VNET_HDR_SZ",
     .support = Support::Partial,
     .get_int = [](SyscallContext&, SocketFile& socket) -> Result<int> {
       return static_cast<int>(options_of(socket).virtual_header.load());
     },
     .set = [](const OptionInput& input) { return set_virtual_header_size(input, true); },
     .note = "as PACKET_VNET_HDR"},
};

}  // namespace

const OptionTable& packet_level_options() {
  static constexpr OptionTable kTable(kRows);
  return kTable;
}

Result<> PacketSocket::set_option(SyscallContext& context, int level, int name, UserAddress value, int length) {
  // SOCK_PACKET has no options of its own.
  if (is_old()) return Errno::EOPNOTSUPP;
  return lxnet::set_option(packet_level_options(), OptionInput{context, *this, value, length}, level, name);
}

Result<> PacketSocket::get_option(SyscallContext& context, int level, int name, UserAddress value, UserAddress length_address) {
  if (is_old()) return Errno::EOPNOTSUPP;
  if (level != kLevel) return Errno::ENOPROTOOPT;
  const int length = TRY(read_user<int>(context.hal(), length_address));
  if (length < 0) return Errno::EINVAL;
  return lxnet::get_option(packet_level_options(), OptionOutput{context, *this, value, length_address, length}, level, name);
}

}  // namespace lxnet
