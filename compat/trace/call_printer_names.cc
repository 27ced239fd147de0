// Socket addresses as strace prints them.
#include "compat/trace/call_printer.hh"
#include "stack/wire/address_text.hh"

namespace lxnet {
namespace {

constexpr uint16_t kUnix = 1, kInet = 2, kInet6 = 10, kNetlink = 16;
constexpr size_t kMostName = 128;

uint16_t big16(const uint8_t* bytes) { return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]); }
uint32_t native32(const uint8_t* bytes) {
  uint32_t value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

}  // namespace

void CallPrinter::name(uint64_t address, uint64_t length) {
  uint8_t data[kMostName];
  if (address == 0 || length < 2 || length > kMostName || hal().copy_from_user(data, address, length) != 0) {
    out_.address(address);
    return;
  }
  name_bytes({data, static_cast<size_t>(length)});
}

void CallPrinter::name_bytes(ByteSpan bytes) {
  uint16_t family;
  memcpy(&family, bytes.data(), sizeof family);
  out_ << "{sa_family=";
  put_name(out_, kFamilyNames, family, "AF_???");
  if (family == kInet && bytes.size() >= 16) {
    inet_name(bytes);
  } else if (family == kInet6 && bytes.size() >= 24) {
    inet6_name(bytes);
  } else if (family == kUnix) {
    unix_name(bytes);
  } else if (family == kNetlink && bytes.size() >= 12) {
    netlink_name(bytes);
  } else if (bytes.size() > 2) {
    (out_ << ", sa_data=").quoted(bytes.subspan(2));
  }
  out_ << '}';
}

void CallPrinter::ipv4(const uint8_t* bytes) {
  out_ << "inet_addr(\"" << bytes[0] << '.' << bytes[1] << '.' << bytes[2] << '.' << bytes[3] << "\")";
}

void CallPrinter::inet_name(ByteSpan bytes) {
  out_ << ", sin_port=htons(" << big16(&bytes[2]) << "), sin_addr=";
  ipv4(&bytes[4]);
}

void CallPrinter::ipv6(const uint8_t* bytes) {
  const auto address = Ipv6Address::from_bytes(std::span<const uint8_t, 16>(bytes, 16));
  out_ << '"' << format_ipv6(address).c_str() << '"';
}

void CallPrinter::inet6_name(ByteSpan bytes) {
  const uint32_t flow = static_cast<uint32_t>(big16(&bytes[4])) << 16 | big16(&bytes[6]);
  out_ << ", sin6_port=htons(" << big16(&bytes[2]) << "), sin6_flowinfo=htonl(" << flow << "), inet_pton(AF_INET6, ";
  ipv6(&bytes[8]);
  out_ << ", &sin6_addr)";
  if (bytes.size() < 28) return;
  const uint32_t scope = native32(&bytes[24]);
  out_ << ", sin6_scope_id=";
  // Only link-local addresses have an interface there.
  if (bytes[8] == 0xfe && (bytes[9] & 0xc0) == 0x80) {
    interface(scope);
  } else {
    out_ << scope;
  }
}

void CallPrinter::unix_name(ByteSpan bytes) {
  ByteSpan path = bytes.subspan(2);
  if (path.empty()) return;
  out_ << ", sun_path=";
  if (path[0] == 0) {
    (out_ << '@').quoted(path.subspan(1));
    return;
  }
  size_t size = 0;
  while (size < path.size() && path[size] != 0) ++size;
  out_.quoted(path.first(size));
}

void CallPrinter::netlink_name(ByteSpan bytes) {
  out_ << ", nl_pid=" << static_cast<int32_t>(native32(&bytes[4])) << ", nl_groups=";
  out_.plain_hex(native32(&bytes[8]), 8);
}

// if_nametoindex("lo"), or the number where there is none such.
void CallPrinter::interface(uint32_t index) {
  Ref<Interface> interface = context_.stack().interfaces().find(index);
  if (index == 0 || interface.get() == nullptr) {
    out_ << index;
  } else {
    out_ << "if_nametoindex(\"" << interface->name() << "\")";
  }
}

}  // namespace lxnet
