// Expressions that read and write the packet's bytes: payload and exthdr.
#pragma once

#include "stack/nft/expression.hh"

namespace lxnet {

enum class NftBase : uint8_t { Link, Network, Transport, Inner };
enum class NftChecksum : uint8_t { None, Internet, Sctp };

struct NftPayload : NftExpression {
  NftBase base = NftBase::Link;
  uint8_t to = 0, size = 0;
  uint16_t offset = 0;
};
struct NftPayloadSet : NftExpression {
  NftBase base = NftBase::Link;
  NftChecksum checksum = NftChecksum::None;
  uint8_t from = 0, size = 0, checksum_offset = 0;
  uint16_t offset = 0;
  bool has_pseudo_header = false;  // the transport's checksum covers what is written
};

enum class NftHeaderOp : uint8_t { Ipv6, TcpOption, Ipv4Option, SctpChunk };
struct NftHeaderOption : NftExpression {
  uint8_t type = 0, offset = 0, size = 0, flags = 0;
  uint8_t to = 0, from = 0;
  NftHeaderOp op = NftHeaderOp::Ipv6;
};

void evaluate_payload(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_payload_set(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_ipv6_header(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_ipv4_option(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_tcp_option(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_tcp_option_set(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_tcp_option_strip(NftExpression& self, NftRegisters& registers, const NftPacket& packet);
void evaluate_sctp_chunk(NftExpression& self, NftRegisters& registers, const NftPacket& packet);

}  // namespace lxnet
