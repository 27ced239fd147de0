// The third argument of fcntl and ioctl, which is what the command says.
#include "compat/trace/call_printer.hh"

namespace lxnet {
namespace {

constexpr uint32_t kDup = 0, kSetFd = 2, kSetFlags = 4, kSetOwner = 8, kSetSignal = 10, kSetOwnerEx = 15, kGetOwnerEx = 16,
                   kDupCloexec = 1030;
constexpr size_t kNameSize = 16;

}  // namespace

void CallPrinter::fcntl_argument(uint64_t command, uint64_t value) {
  switch (command) {
    case kSetFlags: {
      constexpr const char* kModes[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};
      out_ << kModes[value & 3];
      if ((value & ~uint64_t{3}) != 0) put_flags(out_ << '|', kOpenFlagNames, static_cast<uint32_t>(value) & ~uint32_t{3}, "");
      return;
    }
    case kSetFd:
      out_ << ((value & 1) != 0 ? "FD_CLOEXEC" : "0");
      return;
    case kSetOwner:
    case kDup:
    case kDupCloexec:
    case kSetSignal:
      out_ << static_cast<int32_t>(value);
      return;
    case kSetOwnerEx:
    case kGetOwnerEx: {
      int32_t owner[2];
      if ((command == kGetOwnerEx && failed()) || !read(value, owner)) {
        out_.address(value);
        return;
      }
      put_name(out_ << "{type=", kOwnerTypeNames, static_cast<uint32_t>(owner[0]), "F_OWNER_???");
      out_ << ", pid=" << owner[1] << '}';
      return;
    }
    default:
      out_.hex(value);
  }
}

void CallPrinter::ioctl_argument(uint32_t command, uint64_t address) {
  const char* name = find_trace_name(kIoctlNames, command);
  const auto is = [&](const char* other) { return name != nullptr && TextView(name) == other; };
  int32_t number = 0;
  const bool gets =
      is("FIONREAD") || is("TIOCOUTQ") || is("SIOCATMARK") || is("SIOCGPGRP") || is("FIOGETOWN") || is("SIOCOUTQNSD");
  const bool sets = is("FIONBIO") || is("FIOASYNC") || is("SIOCSPGRP") || is("FIOSETOWN");
  if (gets || sets) {
    if ((gets && failed()) || !read(address, number)) {
      out_.address(address);
    } else {
      out_ << '[' << number << ']';
    }
  } else if (is("SIOCGIFCONF")) {
    bool is_readable = read(address, number);
    const uint64_t buffer = read_word(address + word(), is_readable);
    if (failed() || !is_readable) {
      out_.address(address);
      return;
    }
    const int32_t request_size = context_.is_32bit() ? 32 : 40;
    out_ << "{ifc_len=" << number << " /* " << number / request_size << " * sizeof(struct ifreq) */, ifc_buf=";
    out_.address(buffer);
    out_ << '}';
  } else if (name != nullptr && TextView(name).starts_with("SIOC") && command >= 0x8910 && command <= 0x8940) {
    interface_request(command, address);
  } else {
    out_.hex(address);
  }
}

// {ifr_name="lo", ifr_flags=IFF_UP|...}
void CallPrinter::interface_request(uint32_t command, uint64_t address) {
  uint8_t request[32];
  if (!read(address, request)) {
    out_.address(address);
    return;
  }
  size_t name_size = 0;
  while (name_size < kNameSize && request[name_size] != 0) ++name_size;
  int32_t number = 0;
  memcpy(&number, request + kNameSize, sizeof number);
  const bool asks_by_index = command == 0x8910;
  if (asks_by_index) {
    out_ << "{ifr_ifindex=" << number;
    if (!failed()) (out_ << ", ifr_name=").quoted({request, name_size});
    out_ << '}';
    return;
  }
  (out_ << "{ifr_name=").quoted({request, name_size});
  const bool sets = command == 0x8914 || command == 0x8916 || command == 0x8918 || command == 0x891a || command == 0x891c ||
                    command == 0x891e || command == 0x8922 || command == 0x8943;
  if (failed() && !sets) {
    out_ << '}';
    return;
  }
  switch (command) {
    case 0x8913:
    case 0x8914:
      put_flags(out_ << ", ifr_flags=", kInterfaceFlagNames, static_cast<uint16_t>(number), "IFF_???");
      break;
    case 0x8915:
    case 0x8916:
    case 0x8917:
    case 0x8918:
    case 0x8919:
    case 0x891a:
    case 0x891b:
    case 0x891c: {
      constexpr const char* kParts[] = {", ifr_addr=", ", ifr_dstaddr=", ", ifr_broadaddr=", ", ifr_netmask="};
      out_ << kParts[(command - 0x8915) / 2];
      name_bytes({request + kNameSize, 16});
      break;
    }
    case 0x891d:
    case 0x891e:
      out_ << ", ifr_metric=" << number;
      break;
    case 0x8921:
    case 0x8922:
      out_ << ", ifr_mtu=" << number;
      break;
    case 0x8927: {
      put_name(out_ << ", ifr_hwaddr={sa_family=", kHardwareNames, static_cast<uint16_t>(number), "ARPHRD_???");
      out_ << ", sa_data=";
      for (size_t i = 0; i < 6; ++i) (i == 0 ? out_ : out_ << ':').plain_hex(request[kNameSize + 2 + i], 2);
      out_ << '}';
      break;
    }
    case 0x8933:
      out_ << ", ifr_ifindex=" << number;
      break;
    case 0x8942:
      out_ << ", ifr_qlen=" << number;
      break;
    default:
      break;
  }
  out_ << '}';
}

}  // namespace lxnet
