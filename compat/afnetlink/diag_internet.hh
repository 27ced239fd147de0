// inet_diag's messages, and what one of them says of a socket.
#pragma once

#include "compat/afnetlink/netlink_message.hh"
#include "stack/socket_diagnosis.hh"
#include "stack/socket_set.hh"

namespace lxnet {

struct DiagSocketId {
  Be16 local_port, remote_port;
  uint8_t local[16], remote[16];
  uint32_t interface;
  uint32_t cookie[2];
};
struct InternetDiagRequest {
  uint8_t family, protocol, extensions, raw_protocol;
  uint32_t states;
  DiagSocketId id;
};
struct InternetDiagMessage {
  uint8_t family, state, timer, retransmissions;
  DiagSocketId id;
  uint32_t expires, receive_queue, send_queue, uid, inode;
};
static_assert(sizeof(DiagSocketId) == 48 && sizeof(InternetDiagRequest) == 56 && sizeof(InternetDiagMessage) == 72);

inline constexpr uint8_t kDiagTcp = 6, kDiagUdp = 17, kDiagUdpLite = 136, kDiagRaw = 255;
inline constexpr uint8_t kDiagListening = 10;

// A socket that a request found: the fixed part of its message, and what filters and attributes ask beside it.
struct DiagFinding {
  Flow flow;
  DemuxDescription seen;
  SocketDiagnosis told;
  InternetDiagMessage message;
  uint32_t mark;
};

uint64_t diag_cookie(const Flow& flow);
DiagFinding examine_for_diag(SyscallContext& context, Flow flow, const DemuxDescription& seen);
Result<> write_diag(SyscallContext& context, NetlinkWriter& writer, uint16_t type, uint16_t flags, uint8_t extensions,
                    const DiagFinding& finding);

}  // namespace lxnet
