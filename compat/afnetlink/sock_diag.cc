#include "compat/afnetlink/sock_diag.hh"

#include "compat/syscalls/sockaddr.hh"

namespace lxnet {

// struct sock_diag_req begins every request: the family says whose it is.
Result<> handle_sock_diag(SyscallContext& context, const NetlinkRequest& request, NetlinkOutput& output) {
  if (request.header.type == kDiagOld) return diag_tcp_of_old(context, request, output);
  if (request.header.type != kDiagByFamily && request.header.type != kDiagDestroy) return Errno::EINVAL;
  if (request.payload.size() < 2) return Errno::EINVAL;
  switch (request.payload[0]) {
    case kFamilyInet:
    case kFamilyInet6:
      return diag_internet(context, request, output);
    case kFamilyUnix:
      if (request.header.type == kDiagDestroy) return Errno::EOPNOTSUPP;
      return diag_unix(context, request, output);
    default:
      return request.payload[0] >= 46 /* AF_MAX */ ? Errno::EINVAL : Errno::ENOENT;
  }
}

}  // namespace lxnet
