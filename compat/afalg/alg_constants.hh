// <linux/if_alg.h>, under our names.
#pragma once

#include <cstdint>

namespace lxnet {

inline constexpr int kAlgLevel = 279;  // SOL_ALG

enum AlgOption : int {
  kAlgSetKey = 1,
  kAlgSetIv = 2,
  kAlgSetOperation = 3,
  kAlgSetAssociatedLength = 4,
  kAlgSetTagSize = 5,
  kAlgSetEntropy = 6,
  kAlgSetKeyBySerial = 7,
};

inline constexpr uint32_t kAlgDecrypt = 0, kAlgEncrypt = 1;  // ALG_OP_*

// struct sockaddr_alg_new up to salg_name, which is as long as the address says.
struct AlgAddressHead {
  uint16_t family;
  char type[14];
  uint32_t features;
  uint32_t mask;
};
static_assert(sizeof(AlgAddressHead) == 24);

// CRYPTO_ALG_KERN_DRIVER_ONLY: implementations that only a kernel can offer. Ours all are not.
inline constexpr uint32_t kAlgKernelDriverOnly = 0x1000;

}  // namespace lxnet
