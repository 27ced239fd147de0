// TP_STATUS_*: what is known of a frame, in PACKET_AUXDATA and in rings; and whose a ring's frame is.
#pragma once

#include <cstdint>

namespace lxnet {

enum PacketStatus : uint32_t {
  kStatusKernel = 0,
  kStatusUser = 1u << 0,
  kStatusCopy = 1u << 1,
  kStatusLosing = 1u << 2,
  kStatusChecksumNotReady = 1u << 3,
  kStatusVlanValid = 1u << 4,
  kStatusBlockTimeout = 1u << 5,
  kStatusVlanProtocolValid = 1u << 6,
  kStatusChecksumValid = 1u << 7,
  kStatusTcpSegments = 1u << 8,
  kStatusSoftwareStamp = 1u << 29,
};

// Of a frame to be sent.
enum SendStatus : uint32_t { kSendAvailable = 0, kSendRequested = 1, kSendUnderWay = 2, kSendWrongFormat = 4 };

}  // namespace lxnet
