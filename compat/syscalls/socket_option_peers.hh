// What the rows of SOL_SOCKET do that concern who is at the other end.
#pragma once

#include "compat/syscalls/option_table.hh"

namespace lxnet {

// SO_PEERCRED, SO_PEERGROUPS, SO_PEERPIDFD.
Result<> get_peer_credentials(const OptionOutput& output);
Result<> get_peer_groups(const OptionOutput& output);
Result<> get_peer_process(const OptionOutput& output);

// sk_may_scm_recv(): who hands credentials along with data.
bool carries_credentials(const SocketFile& socket);

// SO_PASSCRED, SO_PASSPIDFD, SO_PASSRIGHTS: sockets that carry such things. EOPNOTSUPP elsewhere.
Result<> set_pass_credentials(SyscallContext& context, SocketFile& socket, int value);
Result<int> get_pass_credentials(SyscallContext& context, SocketFile& socket);
Result<> set_pass_process(SyscallContext& context, SocketFile& socket, int value);
Result<int> get_pass_process(SyscallContext& context, SocketFile& socket);
Result<> set_pass_rights(SyscallContext& context, SocketFile& socket, int value);
Result<int> get_pass_rights(SyscallContext& context, SocketFile& socket);

// SO_INQ: each receive tells how many bytes are left.
Result<> set_report_unread(const OptionInput& input);

}  // namespace lxnet
