// Whole source filters of multicast groups (RFC 3678, 4 and 5), in Linux's order of checks.
#include "compat/afinet/options_multicast.hh"

namespace lxnet {
namespace {

constexpr size_t kStorage = 128;  // sizeof(struct sockaddr_storage)

Result<HeapArray<uint8_t>> read_all(const OptionInput& input) {
  if (input.length > input.context.stack().tunables().values().optmem_max) return Errno::ENOBUFS;
  auto bytes = HeapArray<uint8_t>::create(input.context.hal(), static_cast<size_t>(input.length));
  if (!bytes.is_ok()) return Errno::ENOBUFS;
  HeapArray<uint8_t> copy = bytes.take();
  TRY(copy_in(input.context.hal(), MutableByteSpan(copy.data(), copy.size()), input.value));
  return copy;
}

template <typename T>
T read_at(const HeapArray<uint8_t>& bytes, size_t offset) {
  T value{};
  copy_bytes(mutable_bytes_of(value), ByteSpan(bytes.data() + offset, sizeof value));
  return value;
}

uint32_t source_limit(const SyscallContext& context, IpFamily family) {
  const TunableValues& tunables = context.stack().tunables().values();
  return static_cast<uint32_t>(family == IpFamily::V4 ? tunables.igmp_max_msf : tunables.mld_max_msf);
}

Result<FilterMode> mode_of(uint32_t value) {
  if (value > 1) return Errno::EINVAL;
  return static_cast<FilterMode>(value);
}

Result<> set_filter(const OptionInput& input, const IpAddress& group, const GroupInterface& on, uint32_t mode,
                    std::span<const IpAddress> sources) {
  if (!group.is_multicast()) return Errno::EINVAL;
  Memberships& memberships = input.context.stack().memberships();
  return memberships.set_filter(input.context.entry(), socket_of(input.socket).groups, group, on, TRY(mode_of(mode)), sources);
}

struct Filter {
  FilterMode mode{};
  uint32_t count = 0;   // of all sources
  uint32_t copied = 0;  // of those that fit
  HeapArray<IpAddress> sources;
};

Result<Filter> get_filter(const OptionOutput& output, const IpAddress& group, const GroupInterface& on, uint32_t room,
                          IpFamily family) {
  if (!group.is_multicast()) return Errno::EINVAL;
  const uint32_t limit = source_limit(output.context, family);
  Filter filter;
  filter.sources = TRY(HeapArray<IpAddress>::create(output.context.hal(), room < limit ? room : limit));
  Memberships& memberships = output.context.stack().memberships();
  filter.count = TRY(memberships.get_filter(output.context.entry(), socket_of(output.socket).groups, group, on, filter.mode,
                                            {filter.sources.data(), filter.sources.size()}));
  filter.copied = filter.count < room ? filter.count : room;
  if (filter.copied > filter.sources.size()) filter.copied = static_cast<uint32_t>(filter.sources.size());
  return filter;
}

// ---- struct ip_msfilter
struct UserFilter {
  Ipv4Address group, interface;
  uint32_t mode, count;
};
static_assert(sizeof(UserFilter) == 16);

// ---- struct group_filter, whose addresses are aligned as the caller's longs are
struct GroupFilterLayout {
  explicit GroupFilterLayout(const SyscallContext& context) : group_at(context.is_32bit() ? 4 : 8) {}
  size_t group_at;
  size_t mode_at() const { return group_at + kStorage; }
  size_t count_at() const { return mode_at() + 4; }
  size_t sources_at() const { return mode_at() + 8; }
  size_t size(uint32_t count) const { return sources_at() + size_t{count} * kStorage; }
};

SockAddr sockaddr_at(const HeapArray<uint8_t>& bytes, size_t offset) {
  SockAddr address;
  address.resize(kStorage);
  copy_bytes(address.storage(), ByteSpan(bytes.data() + offset, kStorage));
  return address;
}

IpAddress address_of(const SockAddr& address, IpFamily family) {
  return family == IpFamily::V4 ? endpoint_from_inet(address).address : endpoint_from_inet6(address).address;
}

}  // namespace

Result<> set_ipv4_filter(const OptionInput& input) {
  if (static_cast<size_t>(input.length) < sizeof(UserFilter)) return Errno::EINVAL;
  const HeapArray<uint8_t> bytes = TRY(read_all(input));
  const auto user = read_at<UserFilter>(bytes, 0);
  if (user.count > source_limit(input.context, IpFamily::V4)) return Errno::ENOBUFS;
  if (sizeof user + user.count * sizeof(Ipv4Address) > bytes.size()) return Errno::EINVAL;
  auto sources = TRY(HeapArray<IpAddress>::create(input.context.hal(), user.count));
  for (size_t i = 0; i < user.count; ++i)
    sources[i] = IpAddress(read_at<Ipv4Address>(bytes, sizeof user + i * sizeof(Ipv4Address)));
  return set_filter(input, IpAddress(user.group), {.address = user.interface}, user.mode, {sources.data(), sources.size()});
}

Result<> get_ipv4_filter(const OptionOutput& output) {
  if (static_cast<size_t>(output.length) < sizeof(UserFilter)) return Errno::EINVAL;
  const Hal& hal = output.context.hal();
  auto user = TRY(read_user<UserFilter>(hal, output.value));
  Filter filter = TRY(get_filter(output, IpAddress(user.group), {.address = user.interface}, user.count, IpFamily::V4));
  user.mode = static_cast<uint32_t>(filter.mode);
  user.count = filter.count;
  TRY(write_user(hal, output.length_address, static_cast<int>(sizeof user + filter.copied * sizeof(Ipv4Address))));
  TRY(write_user(hal, output.value, user));
  for (size_t i = 0; i < filter.copied; ++i) {
    TRY(write_user(hal, output.value + (sizeof user + i * sizeof(Ipv4Address)), filter.sources[i].v4()));
  }
  return ok();
}

Result<> set_group_filter(const OptionInput& input, IpFamily family) {
  const GroupFilterLayout layout(input.context);
  if (static_cast<size_t>(input.length) < layout.size(0)) return Errno::EINVAL;
  const HeapArray<uint8_t> bytes = TRY(read_all(input));
  const auto count = read_at<uint32_t>(bytes, layout.count_at());
  if (count > source_limit(input.context, family)) return Errno::ENOBUFS;
  if (layout.size(count) > bytes.size()) return Errno::EINVAL;
  const uint16_t wanted = family == IpFamily::V4 ? kFamilyInet : kFamilyInet6;
  const SockAddr group = sockaddr_at(bytes, layout.group_at);
  // ip6_mc_msfilter() does not look at families.
  if (family == IpFamily::V4 && group.family() != wanted) return Errno::EADDRNOTAVAIL;
  auto sources = TRY(HeapArray<IpAddress>::create(input.context.hal(), count));
  for (uint32_t i = 0; i < count; ++i) {
    const SockAddr source = sockaddr_at(bytes, layout.size(i));
    if (family == IpFamily::V4 && source.family() != wanted) return Errno::EADDRNOTAVAIL;
    sources[i] = address_of(source, family);
  }
  return set_filter(input, address_of(group, family), {.index = read_at<uint32_t>(bytes, 0)},
                    read_at<uint32_t>(bytes, layout.mode_at()), {sources.data(), sources.size()});
}

Result<> get_group_filter(const OptionOutput& output, IpFamily family) {
  const GroupFilterLayout layout(output.context);
  const Hal& hal = output.context.hal();
  if (output.length < static_cast<int>(layout.size(0))) return Errno::EINVAL;
  auto head = TRY(HeapArray<uint8_t>::create(hal, layout.size(0)));
  TRY(copy_in(hal, MutableByteSpan(head.data(), head.size()), output.value));
  const SockAddr group = sockaddr_at(head, layout.group_at);
  const bool is_right = group.family() == (family == IpFamily::V4 ? kFamilyInet : kFamilyInet6);
  if (!is_right) return family == IpFamily::V4 ? Errno::EINVAL : Errno::EADDRNOTAVAIL;
  Filter filter = TRY(get_filter(output, address_of(group, family), {.index = read_at<uint32_t>(head, 0)},
                                 read_at<uint32_t>(head, layout.count_at()), family));
  for (uint32_t i = 0; i < filter.copied; ++i) {
    SockAddr source;
    fill_sockaddr(source, {.address = filter.sources[i]}, family);
    source.resize(kStorage);
    TRY(copy_out(hal, output.value + layout.size(i), source.bytes()));
  }
  TRY(write_user(hal, output.length_address, static_cast<int>(layout.size(filter.copied))));
  TRY(write_user(hal, output.value + layout.mode_at(), static_cast<uint32_t>(filter.mode)));
  return write_user(hal, output.value + layout.count_at(), filter.count);
}

}  // namespace lxnet
