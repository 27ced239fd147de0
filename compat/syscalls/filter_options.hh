// SO_ATTACH_FILTER and its kin: classic BPF programs on sockets and on SO_REUSEPORT groups.
#pragma once

#include "compat/syscalls/option_table.hh"

namespace lxnet {

// struct sock_fprog. EINVAL: not one, or a program that may not run; EFAULT; EPERM: SO_LOCK_FILTER.
Result<> attach_filter(const OptionInput& input);
// The program alone, for whoever else takes one. The same errors.
Result<Ref<BpfProgram>> take_filter(const OptionInput& input);
Result<> detach_filter(SyscallContext& context, SocketFile& socket, int value);
Result<> lock_filter(SyscallContext& context, SocketFile& socket, int value);
// SO_GET_FILTER: the length is counted in instructions.
Result<> get_filter(const OptionOutput& output);
Result<> attach_group_filter(const OptionInput& input);
Result<> detach_group_filter(SyscallContext& context, SocketFile& socket, int value);
// SO_ATTACH_BPF and SO_ATTACH_REUSEPORT_EBPF take a descriptor of a program, of which there are none here: EBADF for one that is
// not open, EINVAL for any other.
Result<> attach_descriptor(const OptionInput& input);

}  // namespace lxnet
