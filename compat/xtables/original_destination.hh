// SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST: where the peer of a redirected connection meant to go.
#pragma once

#include "compat/syscalls/option_table.hh"
#include "stack/ip_address.hh"

namespace lxnet {

// ENOPROTOOPT: no TCP; EINVAL: no room for the address; ENOENT: no such connection is followed.
Result<> get_original_destination(const OptionOutput& output, IpFamily family);

}  // namespace lxnet
