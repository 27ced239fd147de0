// tcp_zerocopy_receive(): a receive that is asked for by getsockopt(). No memory of a program is a socket's mapping here, and so
// what Linux does with those that are not is all there is: what fits the copy buffer is copied, a page or more asks for a
// mapping.
#include "compat/afinet/zero_copy_receive.hh"

#include "compat/afinet/inet_options.hh"
#include "compat/syscalls/io_segments.hh"
#include "stack/tcp/option_calls.hh"

namespace lxnet {
namespace {

constexpr uint32_t kPageSize = 4096;
constexpr uint32_t kWantsStamps = 2;  // TCP_CMSG_TS

// struct tcp_zerocopy_receive. Programs know a front part of it, of any age.
struct UserReceive {
  uint64_t address;
  uint32_t length, recv_skip_hint, inq;
  int32_t err;
  uint64_t copybuf_address;
  int32_t copybuf_len;
  uint32_t flags;
  uint64_t msg_control, msg_controllen;
  uint32_t msg_flags, reserved;
};
constexpr size_t kToLength = 12, kToInq = 20, kToMessageFlags = 60;
static_assert(sizeof(UserReceive) == 64 && offsetof(UserReceive, recv_skip_hint) == kToLength &&
              offsetof(UserReceive, err) == kToInq && offsetof(UserReceive, reserved) == kToMessageFlags);
// Where a version of the struct ended that had `err`.
constexpr size_t kEnds[] = {24, 32, 36, 40, 48, 56};

// Whether all of it is zero. A piece at a time: the length is the program's, and each read is a host's call.
Result<bool> is_zero(const Hal& hal, UserAddress at, size_t size) {
  while (size != 0) {
    uint8_t piece[512];
    const MutableByteSpan bytes(piece, size < sizeof piece ? size : sizeof piece);
    // Up to where it faults what is there counts first.
    const size_t missing = hal.copy_from_user(piece, at.value(), bytes.size());
    for (const uint8_t byte : bytes.first(bytes.size() - missing)) {
      if (byte != 0) return false;
    }
    if (missing != 0) return Errno::EFAULT;
    at = at + bytes.size();
    size -= bytes.size();
  }
  return true;
}

// What lies beyond what is known must be zero.
Result<> check_rest(const OptionOutput& output) {
  const size_t size = static_cast<size_t>(output.length) - sizeof(UserReceive);
  if (!TRY(is_zero(output.context.hal(), output.value + sizeof(UserReceive), size))) return Errno::EINVAL;
  return write_user(output.context.hal(), output.length_address, static_cast<int>(sizeof(UserReceive)));
}

Result<> receive_by_copy(SyscallContext& context, TcpSocket& socket, UserReceive& call, int size) {
  call.length = call.recv_skip_hint = 0;
  const IoSegment segment = TRY(import_buffer(context, UserAddress(call.copybuf_address), static_cast<uint64_t>(size)));
  UserSink sink(context.hal(), segment);
  ReceiveRequest request{.sink = sink, .flags = kMessageDontWait};
  call.copybuf_len = static_cast<int32_t>(TRY(socket.receive(context.entry(), request)));
  return ok();
}

Result<int> bytes_in(SyscallContext& context, TcpSocket& socket) {
  return socket.state() == TcpState::Listen ? Result<int>(0) : socket.bytes_readable(context.entry());
}

Result<> receive(SyscallContext& context, TcpSocket& socket, UserReceive& call) {
  const int room = call.copybuf_len;
  call.copybuf_len = 0;
  call.msg_flags = 0;
  if (call.address % kPageSize != 0) return Errno::EINVAL;
  if (socket.state() == TcpState::Listen) return Errno::ENOTCONN;
  const int size = TRY(bytes_in(context, socket));
  if (size != 0 && size <= room) return receive_by_copy(context, socket, call, size);
  if (static_cast<uint32_t>(size) >= kPageSize) return Errno::EINVAL;  // not a mapping of the socket
  call.length = 0;
  call.recv_skip_hint = static_cast<uint32_t>(size);
  return size == 0 && TcpOptionCalls::has_seen_end(context.entry(), socket) ? Errno::EIO : ok();
}

// tcp_inq_hint(): the end counts as a byte to come for.
Result<uint32_t> bytes_to_come(SyscallContext& context, TcpSocket& socket) {
  const int bytes = TRY(bytes_in(context, socket));
  return static_cast<uint32_t>(bytes) + (TcpOptionCalls::has_seen_end(context.entry(), socket) ? 1u : 0u);
}

bool tells_error(size_t length) {
  if (length >= kToMessageFlags) return true;
  for (const size_t end : kEnds) {
    if (length == end) return true;
  }
  return false;
}

}  // namespace

Result<> receive_zero_copy(const OptionOutput& output) {
  SyscallContext& context = output.context;
  if (output.length < static_cast<int>(kToLength)) return Errno::EINVAL;
  auto length = static_cast<size_t>(output.length);
  if (length > sizeof(UserReceive)) {
    TRY(check_rest(output));
    length = sizeof(UserReceive);
  }
  UserReceive call{};
  TRY(copy_in(context.hal(), mutable_bytes_of(call).first(length), output.value));
  if (call.reserved != 0 || (call.msg_flags & ~kWantsStamps) != 0) return Errno::EINVAL;
  auto& socket = static_cast<TcpSocket&>(socket_of(output.socket));
  TRY(receive(context, socket, call));
  if (tells_error(length)) call.err = -static_cast<int32_t>(output.socket.take_error());
  if (tells_error(length) || length == kToInq) call.inq = TRY(bytes_to_come(context, socket));
  return copy_out(context.hal(), output.value, bytes_of(call).first(length));
}

}  // namespace lxnet
