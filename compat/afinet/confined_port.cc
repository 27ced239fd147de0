// The order is that of Linux's current_check_access_socket() (security/landlock/net.c): length, AF_UNSPEC, family, port. Other
// sockets than TCP's, listen(), and connecting by MSG_FASTOPEN are not asked about, as in Linux.
#include "compat/afinet/confined_port.hh"

namespace lxnet {
namespace {

size_t least_size(uint16_t family) { return family == kFamilyInet6 ? kInet6AddressOldSize : sizeof(UserInetAddress); }

bool has_port(uint16_t family) { return family == kFamilyInet || family == kFamilyInet6 || family == kFamilyUnspecified; }

Result<> check_address(const InetSocketFile& file, const SockAddr& address) {
  const uint16_t family = address.family();
  if (address.size() < least_size(family)) return Errno::EINVAL;
  if (family != kFamilyUnspecified) return family == file.address_family() ? ok() : Result<>(Errno::EINVAL);
  // It passes for AF_INET, where it is the address of none.
  return endpoint_from_inet(address).address.is_unspecified() ? ok() : Result<>(Errno::EAFNOSUPPORT);
}

}  // namespace

Result<> check_confined_port(SyscallContext& context, const InetSocketFile& file, const SockAddr& address, int use) {
  if (!context.hal().has_confinement() || !file.is_stream()) return ok();
  if (address.size() < sizeof(uint16_t) || !has_port(address.family())) return ok();
  // To be connected no more is always allowed; what it means to bind AF_INET6 to it the protocol says.
  const bool is_none = address.family() == kFamilyUnspecified;
  if (is_none && (use == LXNET_PORT_CONNECT || file.is_v6())) return ok();
  // sin_port and sin6_port stand in the same place.
  const bool is_whole = address.size() >= sizeof(UserInetAddress);
  const int answer = context.hal().check_port(use, is_whole ? address.as<UserInetAddress>().port.get() : uint16_t{0});
  if (answer == LXNET_PORT_UNCONFINED) return ok();
  TRY(check_address(file, address));
  return answer == LXNET_PORT_DENIED ? Result<>(Errno::EACCES) : ok();
}

}  // namespace lxnet
