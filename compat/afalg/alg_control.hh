// The control messages of SOL_ALG: what is to be done with the data that comes with them.
#pragma once

#include "compat/afalg/algorithm.hh"
#include "compat/syscalls/control_message.hh"

namespace lxnet {

struct AlgControl {
  bool is_encryption = false;
  uint32_t associated_size = 0;
  bool has_iv = false;
  ByteSpan iv;  // in the reader's buffer
};

// af_alg_cmsg_send() and what its caller asks: EINVAL for anything malformed, unknown or of another size than the algorithm's iv.
// Whoever sends control messages says everything anew: what is left out is zero, and no operation is ALG_OP_DECRYPT.
Result<AlgControl> read_alg_control(ControlReader& reader, size_t iv_size);

}  // namespace lxnet
