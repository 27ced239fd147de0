// What an entry of a submission queue asks for, by its own fields, and whether lxnet can do it for a socket.
#pragma once

#include <cstdint>

#include "hosts/linux/uring/abi.hh"

namespace lxnet::host::uring {

enum class Verdict : uint8_t {
  Left,     // nothing of a socket's, or nothing valid: the kernel says what is wrong with it
  Served,   // if the descriptor is lxnet's
  Refused,  // if the descriptor is lxnet's: EINVAL, as of a kernel that does not know it
};
Verdict judge(const io_uring_sqe& entry);

// Whether `fd` of the entry names the file that it acts on.
bool has_file(const io_uring_sqe& entry);
bool is_linked(const io_uring_sqe& entry);
bool is_cancel(const io_uring_sqe& entry);
// Of an entry that the kernel does: whether it ends with exactly one completion.
bool completes_once(const io_uring_sqe& entry);

}  // namespace lxnet::host::uring
