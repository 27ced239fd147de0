// sendfile() and splice() between lxnet's sockets and the files and pipes of the host.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "hosts/packetdrill/machine.hh"

namespace lxnet::packetdrill {

// Each: the bytes moved, or a negative errno.
int64_t send_file(Machine& machine, int to, int from, off_t* offset, size_t size);
int64_t splice(Machine& machine, int from, loff_t* from_offset, int to, loff_t* to_offset, size_t size, unsigned flags);

}  // namespace lxnet::packetdrill
