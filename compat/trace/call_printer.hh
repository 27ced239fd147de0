// CallPrinter: one system call as a line of strace's (6.1): what the program gave before the call, what it got after it.
//
// Each argument of each call has a Shape; shapes are printed from left to right, and from the first that the kernel writes on
// they wait until the call has returned, as strace does. User memory is read again for printing: what another thread changes
// meanwhile is printed changed, and never acted upon.
#pragma once

#include "compat/syscalls/context.hh"
#include "compat/trace/trace_names.hh"
#include "compat/trace/trace_text.hh"

namespace lxnet {

enum class Shape : uint8_t {
  None,
  Int,
  Size,
  Hex,
  Address,
  Family,
  SocketType,
  Protocol,
  MessageFlags,
  How,
  AcceptFlags,
  EpollFlags,
  EpollOperation,
  SpliceFlags,
  ReadWriteFlags,
  Name,        // a struct sockaddr; its length is the next argument
  NameOut,     // one that the kernel writes; its length is where the next argument points
  NameLength,  // [28 => 16]
  FdPairOut,
  Bytes,
  BytesOut,  // the length is the next argument
  Vector,
  VectorOut,
  Message,
  MessageOut,
  Messages,
  MessagesOut,
  Level,
  Option,
  OptionValue,
  OptionValueOut,
  OptionLength,
  PollSet,
  FdSet,
  Timeval,
  Timespec,
  Timespec32,
  SignalMask,
  SignalMaskPair,
  EpollEvent,
  EpollEventsOut,
  FcntlCommand,
  FcntlArgument,
  IoctlCommand,
  IoctlArgument,
  Offset,  // where a file offset stands
};

struct CallShape {
  const char* name;
  Shape arguments[6];
};
// Null: arguments are printed as numbers.
const CallShape* find_call_shape(const char* name);

class CallPrinter {
 public:
  CallPrinter(SyscallContext& context, const char* name, uint8_t arity, const uint64_t* arguments, size_t string_limit);

  void before();
  // `result` is the value or a negative errno.
  void after(int64_t result, uint32_t column);
  TextView text() const { return out_.text(); }

 private:
  static constexpr size_t kMostBytes = 4096;
  struct Control;

  const Hal& hal() const { return context_.hal(); }
  size_t word() const { return context_.is_32bit() ? 4 : 8; }
  bool failed() const { return result_ < 0; }
  uint64_t read_word(uint64_t address, bool& is_readable) const;
  template <typename T>
  bool read(uint64_t address, T& value) const {
    return address != 0 && hal().copy_from_user(&value, address, sizeof value) == 0;
  }

  void argument(int index);
  void remember(int index);
  void flags_argument(Shape shape, uint64_t value);
  void protocol(uint64_t value);
  void socket_type(uint64_t value);
  void name(uint64_t address, uint64_t length);
  void name_bytes(ByteSpan bytes);
  void inet_name(ByteSpan bytes);
  void inet6_name(ByteSpan bytes);
  void unix_name(ByteSpan bytes);
  void netlink_name(ByteSpan bytes);
  void ipv4(const uint8_t* bytes);
  void ipv6(const uint8_t* bytes);
  void interface(uint32_t index);
  void name_length(uint64_t address);
  void bytes(uint64_t address, uint64_t size, uint64_t shown);
  void vector(uint64_t address, uint64_t count, uint64_t moved);
  void message(uint64_t address, bool is_out, uint64_t moved, uint32_t name_room);
  void messages(uint64_t address, uint64_t count, bool is_out);
  void control(uint64_t address, uint64_t size);
  void control_data(uint32_t level, uint32_t type, ByteSpan data);
  void option_name(uint64_t level, uint64_t option);
  void option_value(uint64_t address, uint64_t length);
  void poll_set(uint64_t address, uint64_t count, bool is_result);
  bool fd_set(uint64_t address, uint64_t count);
  void fd_set_result();
  void time(uint64_t address, bool is_timeval, size_t width);
  void signal_mask(uint64_t address);
  void epoll_events(uint64_t address, uint64_t count, bool is_array);
  void fcntl_argument(uint64_t command, uint64_t value);
  void ioctl_argument(uint32_t command, uint64_t address);
  void interface_request(uint32_t command, uint64_t address);
  void outcome();
  void result_note();
  bool is_named(const char* name) const;

  SyscallContext& context_;
  const char* name_;
  const CallShape* shape_;
  const uint64_t* arguments_;
  size_t string_limit_;
  TraceText out_;
  int64_t result_ = 0;
  int next_ = 0;  // the first argument not printed yet
  int arity_;
  bool is_after_ = false;
  uint32_t room_ = 0;  // the length that stood behind a NameLength or OptionLength, or in a msghdr, before the call
};

}  // namespace lxnet
