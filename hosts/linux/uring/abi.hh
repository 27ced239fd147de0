// What Linux has added to io_uring since the headers of the build machine, under its own names.
#pragma once

#include <linux/io_uring.h>

#include <cstdint>

namespace lxnet::host::uring {

inline constexpr uint8_t kOpReadMultishot = 49, kOpBind = 56, kOpListen = 57, kOpRecvZc = 58;

inline constexpr uint32_t kNopInjectResult = 1u << 0;   // sqe->rw_flags of a NOP (6.10): sqe->len is its result
inline constexpr uint32_t kNopUnknownFlag = 1u << 31;   // what no kernel knows: EINVAL
inline constexpr uint32_t kMsgRingFlagsPass = 1u << 1;  // sqe->msg_ring_flags (6.3): sqe->file_index is the completion's flags

inline constexpr uint16_t kAcceptDontWait = 1u << 1, kAcceptPollFirst = 1u << 2;  // sqe->ioprio of ACCEPT (6.10)

inline constexpr uint32_t kRegisterResizeRings = 33, kPbufRingMmap = 1;

// The answer of a request that ends by being cancelled.
inline constexpr int32_t kCanceled = -125;

}  // namespace lxnet::host::uring
