#include "compat/trace/call_printer.hh"

#include <algorithm>

#include "compat/afinet/inet_options.hh"

namespace lxnet {
namespace {

bool is_written_by_kernel(Shape shape) {
  switch (shape) {
    case Shape::NameOut:
    case Shape::FdPairOut:
    case Shape::BytesOut:
    case Shape::VectorOut:
    case Shape::MessageOut:
    case Shape::MessagesOut:
    case Shape::OptionValueOut:
    case Shape::EpollEventsOut:
    case Shape::IoctlArgument:
    case Shape::FcntlArgument:
    case Shape::Offset:
      return true;
    default:
      return false;
  }
}

bool has_fcntl_argument(uint64_t command) {
  constexpr uint32_t kGetFd = 1, kGetFlags = 3, kGetOwner = 9, kGetSignal = 11;
  const auto number = static_cast<uint32_t>(command);
  return number != kGetFd && number != kGetFlags && number != kGetOwner && number != kGetSignal;
}

}  // namespace

CallPrinter::CallPrinter(SyscallContext& context, const char* name, uint8_t arity, const uint64_t* arguments, size_t string_limit)
    : context_(context),
      name_(name),
      shape_(find_call_shape(name)),
      arguments_(arguments),
      string_limit_(string_limit < kMostBytes ? string_limit : kMostBytes),
      out_(context.hal()),
      arity_(arity) {}

bool CallPrinter::is_named(const char* name) const { return TextView(name_) == name; }

void CallPrinter::before() {
  out_ << name_ << '(';
  for (int index = 0; index < arity_; ++index) remember(index);
  while (next_ < arity_ && (shape_ == nullptr || !is_written_by_kernel(shape_->arguments[next_]))) argument(next_++);
}

void CallPrinter::after(int64_t result, uint32_t column) {
  result_ = result;
  is_after_ = true;
  while (next_ < arity_) argument(next_++);
  out_ << ')';
  out_.pad(column);
  out_ << (column == 0 ? " = " : "= ");
  outcome();
}

// What the call will overwrite.
void CallPrinter::remember(int index) {
  if (shape_ == nullptr) return;
  const Shape shape = shape_->arguments[index];
  if (shape == Shape::NameLength || shape == Shape::OptionLength) read(arguments_[index], room_);
  if (shape == Shape::MessageOut) read(arguments_[index] + word(), room_);
}

void CallPrinter::argument(int index) {
  const uint64_t value = arguments_[index];
  const uint64_t next = index < 5 ? arguments_[index + 1] : 0;
  const Shape shape = shape_ == nullptr ? Shape::Hex : shape_->arguments[index];
  if (shape == Shape::None || (shape == Shape::FcntlArgument && !has_fcntl_argument(arguments_[1]))) return;
  if (index > 0) out_ << ", ";
  switch (shape) {
    case Shape::None:
      return;
    case Shape::Int:
      out_ << static_cast<int32_t>(value);
      return;
    case Shape::Size:
      out_ << value;
      return;
    case Shape::Hex:
      out_.hex(value);
      return;
    case Shape::Address:
      out_.address(value);
      return;
    case Shape::Protocol:
      return protocol(value);
    case Shape::SocketType:
      return socket_type(value);
    case Shape::Name:
      return name(value, static_cast<uint32_t>(next));
    case Shape::NameOut: {
      uint32_t length = 0;
      if (failed() || value == 0 || !read(next, length)) {
        out_.address(value);
      } else {
        name(value, length < room_ ? length : room_);
      }
      return;
    }
    case Shape::NameLength:
    case Shape::OptionLength:
      return name_length(value);
    case Shape::FdPairOut: {
      int32_t pair[2];
      if (failed() || !read(value, pair)) {
        out_.address(value);
      } else {
        out_ << '[' << pair[0] << ", " << pair[1] << ']';
      }
      return;
    }
    case Shape::Bytes:
      return bytes(value, next, next);
    case Shape::BytesOut:
      if (failed()) {
        out_.address(value);
        return;
      }
      // With MSG_TRUNC the result may be more than there was room for.
      return bytes(value, std::min(static_cast<uint64_t>(result_), next), next);
    case Shape::Vector:
      return vector(value, next, UINT64_MAX);
    case Shape::VectorOut:
      return vector(value, next, failed() ? 0 : static_cast<uint64_t>(result_));
    case Shape::Message:
      return message(value, false, UINT64_MAX, 0);
    case Shape::MessageOut:
      return message(value, true, failed() ? 0 : static_cast<uint64_t>(result_), room_);
    case Shape::Messages:
      return messages(value, next, false);
    case Shape::MessagesOut:
      return messages(value, failed() ? 0 : static_cast<uint64_t>(result_), true);
    case Shape::Level:
      return put_name(out_, kLevelNames, static_cast<uint32_t>(value), "SOL_???");
    case Shape::Option:
      return option_name(static_cast<uint32_t>(arguments_[index - 1]), static_cast<uint32_t>(value));
    case Shape::OptionValue:
      return option_value(value, static_cast<uint32_t>(next));
    case Shape::OptionValueOut: {
      uint32_t length = 0;
      if (failed() || !read(next, length)) {
        out_.address(value);
        return;
      }
      return option_value(value, length);
    }
    case Shape::PollSet:
      return poll_set(value, static_cast<uint32_t>(next), false);
    case Shape::FdSet:
      if (!fd_set(value, static_cast<uint32_t>(arguments_[0]))) out_.address(value);
      return;
    case Shape::Timeval:
      return time(value, true, word());
    case Shape::Timespec:
      return time(value, false, 8);
    case Shape::Timespec32:
      return time(value, false, 4);
    case Shape::SignalMask:
      return signal_mask(value);
    case Shape::SignalMaskPair: {
      bool is_readable = value != 0;
      const uint64_t mask = read_word(value, is_readable), size = read_word(value + word(), is_readable);
      if (!is_readable) {
        out_.address(value);
        return;
      }
      out_ << '{';
      out_ << "sigmask=";
      signal_mask(mask);
      out_ << ", sigsetsize=" << size << '}';
      return;
    }
    case Shape::EpollEvent:
      // EPOLL_CTL_DEL does not look at it.
      return epoll_events(value, static_cast<uint32_t>(arguments_[1]) == 2 ? 0 : 1, false);
    case Shape::EpollEventsOut:
      if (failed()) {
        out_.address(value);
        return;
      }
      return epoll_events(value, static_cast<uint64_t>(result_), true);
    case Shape::FcntlCommand:
      return put_name(out_, kFcntlCommandNames, static_cast<uint32_t>(value), "F_???");
    case Shape::FcntlArgument:
      return fcntl_argument(static_cast<uint32_t>(arguments_[1]), value);
    case Shape::IoctlCommand:
      return put_name(out_, kIoctlNames, static_cast<uint32_t>(value), "");
    case Shape::IoctlArgument:
      return ioctl_argument(static_cast<uint32_t>(arguments_[1]), value);
    case Shape::Offset: {
      uint64_t offset = 0;
      if (value == 0 || !read(value, offset)) {
        out_.address(value);
      } else {
        out_ << '[' << static_cast<int64_t>(offset) << ']';
      }
      return;
    }
    default:
      return flags_argument(shape, static_cast<uint32_t>(value));
  }
}

void CallPrinter::flags_argument(Shape shape, uint64_t value) {
  switch (shape) {
    case Shape::Family:
      return put_name(out_, kFamilyNames, value, "AF_???");
    case Shape::MessageFlags:
      return put_flags(out_, kMessageFlagNames, value, "MSG_???");
    case Shape::How:
      return put_name(out_, kShutdownNames, value, "SHUT_???");
    case Shape::AcceptFlags:
      return put_flags(out_, kSocketFlagNames, value, "SOCK_???");
    case Shape::EpollFlags:
      return put_flags(out_, kEpollCreateNames, value, "EPOLL_???");
    case Shape::EpollOperation:
      return put_name(out_, kEpollOperationNames, value, "EPOLL_CTL_???");
    case Shape::SpliceFlags:
      return put_flags(out_, kSpliceFlagNames, value, "SPLICE_F_???");
    case Shape::ReadWriteFlags:
      return put_flags(out_, kReadWriteFlagNames, value, "RWF_???");
    default:
      out_.hex(value);
  }
}

void CallPrinter::socket_type(uint64_t value) {
  constexpr uint64_t kTypeMask = 0xf;
  put_name(out_, kSocketTypeNames, value & kTypeMask, "SOCK_???");
  const uint64_t flags = static_cast<uint32_t>(value) & ~kTypeMask;
  if (flags != 0) put_flags(out_ << '|', kSocketFlagNames, flags, "");
}

void CallPrinter::protocol(uint64_t value) {
  constexpr uint32_t kInet = 2, kInet6 = 10, kNetlink = 16;
  const auto family = static_cast<uint32_t>(arguments_[0]);
  const auto number = static_cast<uint32_t>(value);
  if (family == kInet || family == kInet6) return put_name(out_, kIpProtocolNames, number, "IPPROTO_???");
  if (family == kNetlink) return put_name(out_, kNetlinkProtocolNames, number, "NETLINK_???");
  out_ << number;
}

uint64_t CallPrinter::read_word(uint64_t address, bool& is_readable) const {
  uint64_t wide = 0;
  uint32_t narrow = 0;
  is_readable = is_readable && (context_.is_32bit() ? read(address, narrow) : read(address, wide));
  return context_.is_32bit() ? narrow : wide;
}

void CallPrinter::name_length(uint64_t address) {
  uint32_t length = 0;
  if (!read(address, length)) {
    out_.address(address);
    return;
  }
  out_ << '[' << static_cast<int32_t>(room_);
  if (!failed() && length != room_) out_ << " => " << static_cast<int32_t>(length);
  out_ << ']';
}

void CallPrinter::bytes(uint64_t address, uint64_t size, uint64_t) {
  const uint64_t shown = size < string_limit_ ? size : string_limit_;
  uint8_t data[kMostBytes];
  if (address == 0 || hal().copy_from_user(data, address, shown) != 0) {
    out_.address(address);
    return;
  }
  out_.quoted({data, static_cast<size_t>(shown)}, size > shown);
}

void CallPrinter::option_name(uint64_t level, uint64_t option) {
  struct Level {
    uint32_t number;
    std::span<const OptionRow> rows;
  };
  const Level levels[] = {{1, socket_level_options().rows()}, {0, ip_level_options().rows()},
                          {41, ipv6_level_options().rows()},  {6, tcp_level_options().rows()},
                          {17, udp_level_options().rows()},   {255, raw4_level_options().rows()}};
  for (const Level& of : levels) {
    if (of.number != level) continue;
    for (const OptionRow& row : of.rows) {
      if (static_cast<uint32_t>(row.name) != option || static_cast<uint32_t>(row.level) != level) continue;
      // Both names are in use for it; strace knows the other.
      out_ << (TextView(row.text) == "IP_RECVORIGDSTADDR" ? "IP_ORIGDSTADDR" : row.text);
      return;
    }
  }
  out_.hex(option);
}

// Most values are an int; what is not and has no name for its parts is shown as bytes.
void CallPrinter::option_value(uint64_t address, uint64_t length) {
  constexpr uint32_t kSocket = 1, kLinger = 13, kPeerCredentials = 17, kTcp = 6, kCongestion = 13;
  const auto level = static_cast<uint32_t>(arguments_[1]), option = static_cast<uint32_t>(arguments_[2]);
  constexpr uint32_t kIp = 0, kJoin4 = 35, kLeave4 = 36, kIpv6 = 41, kJoin6 = 20, kLeave6 = 21;
  int32_t words[3];
  uint8_t membership[20];
  if (level == kSocket && option == kLinger && length >= 8 && hal().copy_from_user(words, address, 8) == 0) {
    out_ << "{l_onoff=" << words[0] << ", l_linger=" << words[1] << '}';
  } else if (level == kSocket && option == kPeerCredentials && length >= 12 && read(address, words)) {
    out_ << "{pid=" << words[0] << ", uid=" << words[1] << ", gid=" << words[2] << '}';
  } else if (level == kIp && (option == kJoin4 || option == kLeave4) && length >= 8 &&
             hal().copy_from_user(membership, address, 8) == 0) {
    out_ << "{imr_multiaddr=";
    ipv4(membership);
    out_ << ", imr_interface=";
    ipv4(membership + 4);
    out_ << '}';
  } else if (level == kIpv6 && (option == kJoin6 || option == kLeave6) && length >= 20 && read(address, membership)) {
    out_ << "{inet_pton(AF_INET6, ";
    ipv6(membership);
    out_ << ", &ipv6mr_multiaddr), ipv6mr_interface=";
    uint32_t index;
    memcpy(&index, membership + 16, sizeof index);
    interface(index);
    out_ << '}';
  } else if (length == 4 && !(level == kTcp && option == kCongestion) && hal().copy_from_user(words, address, 4) == 0 &&
             address != 0) {
    out_ << '[' << words[0] << ']';
  } else if (length == 0) {
    out_.address(address);
  } else {
    bytes(address, length, length);
  }
}

}  // namespace lxnet
