// Vectors, messages and control messages as strace prints them.
#include "compat/syscalls/message.hh"
#include "compat/trace/call_printer.hh"

namespace lxnet {
namespace {

constexpr uint64_t kMostParts = 1024;     // UIO_MAXIOV
constexpr uint64_t kMostMessages = 1024;  // UIO_MAXIOV
constexpr uint64_t kMostControl = 4096;
constexpr uint32_t kSocketLevel = 1, kIpLevel = 0;

template <typename T>
T value_at(ByteSpan bytes, size_t offset) {
  T value{};
  if (offset + sizeof value <= bytes.size()) memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace

// [{iov_base="one", iov_len=3}, ...]: of what the kernel wrote, `moved` bytes.
void CallPrinter::vector(uint64_t address, uint64_t count, uint64_t moved) {
  if (address == 0 || count > kMostParts) {
    out_.address(address);
    return;
  }
  out_ << '[';
  for (uint64_t i = 0; i < count; ++i) {
    bool is_readable = true;
    const uint64_t base = read_word(address + 2 * i * word(), is_readable);
    const uint64_t length = read_word(address + (2 * i + 1) * word(), is_readable);
    if (i > 0) out_ << ", ";
    if (!is_readable) {
      out_.address(address + 2 * i * word());
      break;
    }
    const uint64_t here = length < moved ? length : moved;
    if (moved != UINT64_MAX) moved -= here;
    out_ << "{iov_base=";
    bytes(base, here, length);
    out_ << ", iov_len=" << length << '}';
  }
  out_ << ']';
}

void CallPrinter::message(uint64_t address, bool is_out, uint64_t moved, uint32_t name_room) {
  const MessageLayout layout{.is_32bit = context_.is_32bit()};
  bool is_readable = address != 0;
  const uint64_t name_address = read_word(address, is_readable);
  uint32_t name_length = 0, flags = 0;
  is_readable = is_readable && read(address + layout.name_length_at(), name_length) && read(address + layout.flags_at(), flags);
  const uint64_t vector_address = read_word(address + 2 * word(), is_readable);
  const uint64_t vector_count = read_word(address + 3 * word(), is_readable);
  const uint64_t control_address = read_word(address + 4 * word(), is_readable);
  const uint64_t control_size = read_word(address + 5 * word(), is_readable);
  if (!is_readable) {
    out_.address(address);
    return;
  }
  if (is_out && failed()) {
    out_ << "{msg_namelen=" << static_cast<int32_t>(name_length) << '}';
    return;
  }
  out_ << "{msg_name=";
  name(name_address, is_out && name_length > name_room ? name_room : name_length);
  out_ << ", msg_namelen=" << static_cast<int32_t>(is_out ? name_room : name_length);
  if (is_out && name_length != name_room) out_ << " => " << static_cast<int32_t>(name_length);
  out_ << ", msg_iov=";
  vector(vector_address, vector_count, moved);
  out_ << ", msg_iovlen=" << vector_count;
  if (control_size != 0) {
    out_ << ", msg_control=";
    control(control_address, control_size);
  }
  out_ << ", msg_controllen=" << control_size;
  put_flags(out_ << ", msg_flags=", kMessageFlagNames, flags, "MSG_???");
  out_ << '}';
}

void CallPrinter::messages(uint64_t address, uint64_t count, bool is_out) {
  const MessageLayout layout{.is_32bit = context_.is_32bit()};
  if (address == 0 || count > kMostMessages || (is_out && failed())) {
    out_.address(address);
    return;
  }
  const bool is_receiving = name_[0] == 'r';
  out_ << '[';
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t at = address + i * layout.vector_size();
    uint32_t moved = 0, name_room = 0;
    if (i > 0) out_ << ", ";
    read(at + layout.vector_length_at(), moved);
    read(at + layout.name_length_at(), name_room);
    out_ << "{msg_hdr=";
    message(at, is_receiving, is_receiving ? moved : UINT64_MAX, name_room);
    out_ << ", msg_len=" << moved << '}';
  }
  out_ << ']';
}

void CallPrinter::control(uint64_t address, uint64_t size) {
  uint8_t data[kMostControl];
  if (address == 0 || size > kMostControl || hal().copy_from_user(data, address, size) != 0) {
    out_.address(address);
    return;
  }
  const ByteSpan all(data, static_cast<size_t>(size));
  const size_t header = word() + 8;
  out_ << '[';
  for (size_t at = 0; at + header <= all.size();) {
    const uint64_t length = context_.is_32bit() ? value_at<uint32_t>(all, at) : value_at<uint64_t>(all, at);
    const auto level = value_at<uint32_t>(all, at + word()), type = value_at<uint32_t>(all, at + word() + 4);
    if (at > 0) out_ << ", ";
    out_ << "{cmsg_len=" << length << ", cmsg_level=";
    put_name(out_, kLevelNames, level, "SOL_???");
    out_ << ", cmsg_type=";
    const std::span<const TraceName> types = level == kSocketLevel ? kSocketControlNames
                                             : level == kIpLevel   ? kIpControlNames
                                                                   : std::span<const TraceName>();
    put_name(out_, types, type, level == kSocketLevel ? "SCM_???" : level == kIpLevel ? "IP_???" : "");
    const size_t left = all.size() - at;
    if (length > header)
      control_data(level, type, all.subspan(at + header, (length < left ? static_cast<size_t>(length) : left) - header));
    out_ << '}';
    if (length < header || length >= left) break;
    at += (static_cast<size_t>(length) + word() - 1) & ~(word() - 1);
  }
  out_ << ']';
}

void CallPrinter::control_data(uint32_t level, uint32_t type, ByteSpan data) {
  constexpr uint32_t kRights = 1, kCredentials = 2, kTimestamp = 29, kTimestampNanos = 35;
  constexpr uint32_t kTos = 1, kTtl = 2, kPacketInfo = 8, kReceiveError = 11, kOriginalDestination = 20;
  const auto int_at = [&](size_t offset) { return value_at<int32_t>(data, offset); };
  const auto long_at = [&](size_t offset) { return value_at<int64_t>(data, offset); };
  if (level == kSocketLevel && type == kRights) {
    out_ << ", cmsg_data=[";
    for (size_t at = 0; at + 4 <= data.size(); at += 4) out_ << (at > 0 ? ", " : "") << int_at(at);
    out_ << ']';
  } else if (level == kSocketLevel && type == kCredentials && data.size() >= 12) {
    out_ << ", cmsg_data={pid=" << int_at(0) << ", uid=" << int_at(4) << ", gid=" << int_at(8) << '}';
  } else if (level == kSocketLevel && (type == kTimestamp || type == kTimestampNanos) && data.size() >= 16) {
    out_ << ", cmsg_data={tv_sec=" << long_at(0) << (type == kTimestamp ? ", tv_usec=" : ", tv_nsec=") << long_at(8) << '}';
  } else if (level == kIpLevel && type == kTos && !data.empty()) {
    (out_ << ", cmsg_data=[").hex(data[0]) << ']';
  } else if (level == kIpLevel && type == kTtl && data.size() >= 4) {
    out_ << ", cmsg_data=[" << int_at(0) << ']';
  } else if (level == kIpLevel && type == kPacketInfo && data.size() >= 12) {
    out_ << ", cmsg_data={ipi_ifindex=";
    interface(value_at<uint32_t>(data, 0));
    out_ << ", ipi_spec_dst=";
    ipv4(&data[4]);
    out_ << ", ipi_addr=";
    ipv4(&data[8]);
    out_ << '}';
  } else if (level == kIpLevel && type == kReceiveError && data.size() >= 18) {
    out_ << ", cmsg_data={ee_errno=" << value_at<uint32_t>(data, 0) << ", ee_origin=" << data[4] << ", ee_type=" << data[5]
         << ", ee_code=" << data[6] << ", ee_info=" << value_at<uint32_t>(data, 8) << ", ee_data=" << value_at<uint32_t>(data, 12)
         << ", offender=";
    name_bytes(data.subspan(16));
    out_ << '}';
  } else if (level == kIpLevel && type == kOriginalDestination && data.size() >= 2) {
    out_ << ", cmsg_data=";
    name_bytes(data);
  } else if (level == kSocketLevel || level == kIpLevel) {
    (out_ << ", cmsg_data=").quoted(data);
  }
}

}  // namespace lxnet
