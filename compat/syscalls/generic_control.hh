// SOL_SOCKET's control messages, which every family that carries packets understands the same way.
#pragma once

#include "compat/syscalls/control_message.hh"
#include "compat/syscalls/socket_file.hh"

namespace lxnet {

// Linux's __sock_cmsg_send(). EPERM, EINVAL.
Result<> decode_generic_control(SyscallContext& context, const SocketOptionSet& options, const ControlMessage& message,
                                SendControl& control);

// struct sock_extended_err.
struct UserExtendedError {
  uint32_t error;
  uint8_t origin, type, code, padding;
  uint32_t info, data;

  static UserExtendedError of(const ExtendedError& error) {
    return {static_cast<uint32_t>(error.error), error.origin, error.type, error.code, 0, error.info, error.data};
  }
};

// Who SCM_CREDENTIALS says one is.
struct ClaimedIdentity {
  int32_t pid;
  uint32_t uid, gid;
};
// scm_check_creds(): what the caller could make itself be, or may claim.
Result<> check_claimed_identity(SyscallContext& context, const ClaimedIdentity& claimed);
// scm_send() of families that carry credentials and no descriptors; whom nobody is told of.
Result<> check_claims(SyscallContext& context, ControlReader& reader);

// Linux's sock_recv_cmsgs(): time stamps, the count of drops, the mark and the priority of a received packet. The first: the
// stamps alone.
void encode_timestamp_control(const SocketOptionSet& options, const ReceiveRequest& request, ControlWriter& writer);
void encode_generic_control(const SocketOptionSet& options, const ReceiveRequest& request, ControlWriter& writer);

}  // namespace lxnet
