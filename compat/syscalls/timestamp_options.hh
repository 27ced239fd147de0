// SO_TIMESTAMPING, SO_TXTIME, SO_ZEROCOPY: what is told of packets after they were sent, and when they are to be sent.
#pragma once

#include "compat/syscalls/option_table.hh"

namespace lxnet {

// SO_TIMESTAMPING_OLD and _NEW differ in the layout of the control messages, which is the socket's for all its stamps.
Result<> set_timestamping_old(const OptionInput& input);
Result<> set_timestamping_new(const OptionInput& input);
Result<> get_timestamping_old(const OptionOutput& output);
Result<> get_timestamping_new(const OptionOutput& output);

Result<> set_transmit_time(const OptionInput& input);
Result<> get_transmit_time(const OptionOutput& output);

Result<> set_zero_copy(SyscallContext& context, SocketFile& socket, int value);

// SO_MAX_PACING_RATE: bytes a second, in as many bits as the caller has room for.
Result<> set_pacing_rate(const OptionInput& input);
Result<> get_pacing_rate(const OptionOutput& output);

}  // namespace lxnet
