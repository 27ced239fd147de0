// SOL_RAW and SOL_ICMPV6: what ICMP messages a raw socket wants, and where it keeps a checksum.
// lint: table
#include "compat/afinet/option_rows.hh"
#include "stack/raw/raw_socket.hh"

namespace lxnet {
namespace {

constexpr int kIcmpFilter = 1, kIcmp6Filter = 1, kIpv6Checksum = 7, kIpv6HeaderIncluded = 36;

RawSocket& raw_of(SocketFile& file) { return static_cast<RawSocket&>(socket_of(file)); }

// raw_seticmpfilter(): as many bytes as are given, at most the filter. It is copied into at once: what cannot be read is then
// zero.
template <typename T>
Result<> read_filter(const OptionInput& input, T& filter) {
  const size_t given = static_cast<size_t>(input.length) < sizeof filter ? static_cast<size_t>(input.length) : sizeof filter;
  const MutableByteSpan bytes = mutable_bytes_of(filter).first(given);
  const size_t missing = given == 0 ? 0 : input.context.hal().copy_from_user(bytes.data(), input.value.value(), given);
  for (uint8_t& byte : bytes.last(missing)) byte = 0;
  return missing == 0 ? ok() : Result<>(Errno::EFAULT);
}

struct Icmp6Filter {
  uint32_t words[8];
};

Result<> set_icmp_filter(const OptionInput& input) { return read_filter(input, raw_of(input.socket).raw_options.icmp_filter); }

Result<> get_icmp_filter(const OptionOutput& output) { return output.write(raw_of(output.socket).raw_options.icmp_filter); }

Result<> set_icmp6_filter(const OptionInput& input) {
  Icmp6Filter filter{};
  uint32_t(&words)[8] = raw_of(input.socket).raw_options.icmp6_filter;
  for (size_t i = 0; i < 8; ++i) filter.words[i] = words[i];
  auto read = read_filter(input, filter);
  for (size_t i = 0; i < 8; ++i) words[i] = filter.words[i];
  return read;
}

Result<> get_icmp6_filter(const OptionOutput& output) {
  Icmp6Filter filter{};
  for (size_t i = 0; i < 8; ++i) filter.words[i] = raw_of(output.socket).raw_options.icmp6_filter[i];
  return output.write(filter);
}

constexpr OptionRow kRaw4Rows[] = {
    {.level = kLevelRaw, .name = kIcmpFilter, .text = "ICMP_FILTER", .set = &set_icmp_filter, .get = &get_icmp_filter},
};
constexpr OptionRow kRaw6Rows[] = {
    {.level = kLevelRaw,
     .name = kIpv6Checksum,
     .text = "IPV6_CHECKSUM",
     .set_int = &set_raw_checksum,
     .get_int = &get_raw_checksum},
    {.level = kLevelRaw,
     .name = kIpv6HeaderIncluded,
     .text = "IPV6_HDRINCL",
     .set_int = &set_raw_header_included,
     .get_int = &get_raw_header_included},
};
constexpr OptionRow kIcmp6Rows[] = {
    {.level = kLevelIcmpv6, .name = kIcmp6Filter, .text = "ICMPV6_FILTER", .set = &set_icmp6_filter, .get = &get_icmp6_filter},
};

}  // namespace

// RFC 3542, 3.1: an even offset, or -1 for none.
Result<> set_raw_checksum(SyscallContext&, SocketFile& file, int value) {
  if (value > 0 && (value & 1) != 0) return Errno::EINVAL;
  RawOptions& options = raw_of(file).raw_options;
  options.has_checksum = value >= 0;
  if (value >= 0) options.checksum_offset = value;
  return ok();
}

Result<int> get_raw_checksum(SyscallContext&, SocketFile& file) {
  const RawOptions& options = raw_of(file).raw_options;
  return options.has_checksum ? options.checksum_offset : -1;
}

Result<> set_raw_header_included(SyscallContext&, SocketFile& file, int value) {
  return set_ip(file, &IpSocketOptions::header_included, value != 0);
}

Result<int> get_raw_header_included(SyscallContext&, SocketFile& file) {
  return int{socket_of(file).ip_options->header_included};
}

const OptionTable& raw4_level_options() {
  static constexpr OptionTable kTable(kRaw4Rows);
  return kTable;
}

const OptionTable& raw6_level_options() {
  static constexpr OptionTable kTable(kRaw6Rows);
  return kTable;
}

const OptionTable& icmp6_level_options() {
  static constexpr OptionTable kTable(kIcmp6Rows);
  return kTable;
}

}  // namespace lxnet
