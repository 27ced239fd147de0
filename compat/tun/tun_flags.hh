// linux/if_tun.h: the flags of TUNSETIFF and the commands of a tun file.
#pragma once

#include <cstdint>

namespace lxnet {

enum TunFlags : uint32_t {
  kTunTun = 0x1,
  kTunTap = 0x2,
  kTunDeferred = 0x10,   // IFF_NAPI: what is written may be put together with what follows, as it always is here
  kTunFragments = 0x20,  // IFF_NAPI_FRAGS
  kTunNoCarrier = 0x40,
  kTunManyQueues = 0x100,
  kTunAttachQueue = 0x200,
  kTunDetachQueue = 0x400,
  kTunPersist = 0x800,
  kTunNoInformation = 0x1000,
  kTunNoFilter = 0x1000,  // in TUNGETIFF's answer: the same bit, and it is always set
  kTunOneQueue = 0x2000,
  kTunHeader = 0x4000,
  kTunExclusive = 0x8000,
  // What TUNSETIFF sets and TUNGETIFF shows.
  kTunFeatures = kTunDeferred | kTunFragments | kTunManyQueues | kTunNoInformation | kTunOneQueue | kTunHeader,
};

// TUN_F_*: what the reader can finish by itself.
enum TunOffload : uint32_t {
  kOffloadChecksum = 0x1,
  kOffloadTcp4 = 0x2,
  kOffloadTcp6 = 0x4,
  kOffloadTcpEcn = 0x8,
  kOffloadUdpFragments = 0x10,
  kOffloadUdp4 = 0x20,
  kOffloadUdp6 = 0x40,
};

enum TunCommand : uint32_t {
  kTunSetNoChecksum = 0x400454c8,
  kTunSetInterface = 0x400454ca,
  kTunSetPersist = 0x400454cb,
  kTunSetOwner = 0x400454cc,
  kTunSetLink = 0x400454cd,
  kTunSetGroup = 0x400454ce,
  kTunGetFeatures = 0x800454cf,
  kTunSetOffload = 0x400454d0,
  kTunSetTxFilter = 0x400454d1,
  kTunGetInterface = 0x800454d2,
  kTunGetSendBuffer = 0x800454d3,
  kTunSetSendBuffer = 0x400454d4,
  kTunGetHeaderSize = 0x800454d7,
  kTunSetHeaderSize = 0x400454d8,
  kTunSetQueue = 0x400454d9,
  kTunSetIndex = 0x400454da,
  kTunSetLittleEndian = 0x400454dc,
  kTunGetLittleEndian = 0x800454dd,
  kTunSetCarrier = 0x400454e2,
};

}  // namespace lxnet
