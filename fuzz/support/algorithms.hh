// AF_ALG on the one stack, with all implementations the processor can run.
#pragma once

#include "fuzz/support/calls.hh"

namespace lxnet::fuzz {

inline bool serve_algorithms() {
  if (lxnet_enable_afalg(host().c_stack()) != 0) return false;
#if defined(LXNET_ACCELERATES_AFALG)
  if (lxnet_enable_afalg_x86(host().c_stack()) != 0) return false;
#endif
  return true;
}

}  // namespace lxnet::fuzz
