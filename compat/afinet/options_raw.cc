// SOL_RAW and SOL_ICMPV6: what ICMP messages a raw socket wants, and where it keeps a checksum.
// lint: table
#include "compat/afinet/inet_options.hh"
#include "stack/raw/raw_socket.hh"

namespace lxnet {
namespace {

constexpr int kIcmpFilter = 1, kIcmp6Filter = 1, kIpv6Checksum = 7;

RawSocket& raw_of(SocketFile& file) { return static_cast<RawSocket&>(socket_of(file)); }

// raw_seticmpfilter(): as many bytes as are given, at most the filter.
template <typename T>
Result<> read_filter(const OptionInput& input, T& filter) {
  const size_t given = static_cast<size_t>(input.length) < sizeof filter ? static_cast<size_t>(input.length) : sizeof filter;
  T copy = filter;
  TRY(copy_in(input.context.hal(), mutable_bytes_of(copy).first(given), input.value));
  filter = copy;
  return ok();
}

struct Icmp6Filter {
  uint32_t words[8];
};

Result<> set_icmp_filter(const OptionInput& input) {
  if (socket_of(input.socket).family() == IpFamily::V6) return Errno::ENOPROTOOPT;
  if (raw_of(input.socket).protocol() != RawSocket::kIcmp4) return Errno::EOPNOTSUPP;
  return read_filter(input, raw_of(input.socket).raw_options.icmp_filter);
}

Result<> get_icmp_filter(const OptionOutput& output) {
  if (socket_of(output.socket).family() == IpFamily::V6) return Errno::ENOPROTOOPT;
  if (raw_of(output.socket).protocol() != RawSocket::kIcmp4) return Errno::EOPNOTSUPP;
  return output.write(raw_of(output.socket).raw_options.icmp_filter);
}

Result<> set_icmp6_filter(const OptionInput& input) {
  if (raw_of(input.socket).protocol() != RawSocket::kIcmp6) return Errno::EOPNOTSUPP;
  Icmp6Filter filter{};
  uint32_t(&words)[8] = raw_of(input.socket).raw_options.icmp6_filter;
  for (size_t i = 0; i < 8; ++i) filter.words[i] = words[i];
  TRY(read_filter(input, filter));
  for (size_t i = 0; i < 8; ++i) words[i] = filter.words[i];
  return ok();
}

Result<> get_icmp6_filter(const OptionOutput& output) {
  if (raw_of(output.socket).protocol() != RawSocket::kIcmp6) return Errno::EOPNOTSUPP;
  Icmp6Filter filter{};
  for (size_t i = 0; i < 8; ++i) filter.words[i] = raw_of(output.socket).raw_options.icmp6_filter[i];
  return output.write(filter);
}

// RFC 3542, 3.1: an even offset, or -1 for none. That ICMPv6 sockets keep theirs, Linux sees to only at level IPPROTO_IPV6.
Result<> set_checksum(SyscallContext&, SocketFile& file, int value) {
  RawSocket& socket = raw_of(file);
  if (value > 0 && (value & 1) != 0) return Errno::EINVAL;
  socket.raw_options.has_checksum = value >= 0;
  if (value >= 0) socket.raw_options.checksum_offset = static_cast<uint16_t>(value);
  return ok();
}

Result<int> get_checksum(SyscallContext&, SocketFile& file) {
  const RawOptions& options = raw_of(file).raw_options;
  return options.has_checksum ? int{options.checksum_offset} : -1;
}

constexpr OptionRow kRows[] = {
    {.level = kLevelRaw, .name = kIcmpFilter, .text = "ICMP_FILTER", .set = &set_icmp_filter, .get = &get_icmp_filter},
    {.level = kLevelIcmpv6, .name = kIcmp6Filter, .text = "ICMPV6_FILTER", .set = &set_icmp6_filter, .get = &get_icmp6_filter},
    {.level = kLevelRaw, .name = kIpv6Checksum, .text = "IPV6_CHECKSUM", .set_int = &set_checksum, .get_int = &get_checksum},
};

}  // namespace

std::span<const OptionRow> raw_level_options() { return kRows; }

}  // namespace lxnet
