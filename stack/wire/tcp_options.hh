// TCP options: what a segment may say besides its header (RFC 9293 3.2, 7323, 2018, 7413, 2385, 5482, 5925).
//
// Rule kept: which lengths are believed, what is ignored and where parsing stops is Linux's (tcp_parse_options): an option of the
// wrong length is skipped by its length, a length below two or past the end ends parsing without an error, an MSS of zero says
// nothing, of two options of one kind the last one counts, and options that belong to a SYN are ignored elsewhere. The caller
// still decides whether it believes them at all (its sysctls and what the handshake agreed).
//
// emit() writes Linux's order and alignment (tcp_options_write), so that a trace of this stack looks like one of Linux:
// MD5, MSS, [SACK-permitted or NOP NOP] + timestamps, SACK-permitted alone, window scale, SACK blocks, fast-open cookie.
// Parsed but never sent: user timeout, TCP-AO. Not known: multipath TCP, accurate ECN.
#pragma once

#include <optional>

#include "base/bytes.hh"
#include "base/seqnum.hh"
#include "stack/wire/tcp.hh"

namespace lxnet {

enum class TcpOptionKind : uint8_t {
  EndOfList = 0,
  NoOperation = 1,
  MaximumSegmentSize = 2,
  WindowScale = 3,
  SackPermitted = 4,
  Sack = 5,
  Timestamps = 8,
  Md5Signature = 19,
  UserTimeout = 28,
  Authentication = 29,
  FastOpenCookie = 34,
  Experimental = 254,  // with a 16-bit magic number behind its length (RFC 6994)
};

struct TcpTimestamps {
  uint32_t value = 0;       // TSval
  uint32_t echo_reply = 0;  // TSecr

  bool operator==(const TcpTimestamps&) const = default;
};

// [left, right) of the sequence space, as the peer wrote it: nothing says that left is before right.
struct SackBlock {
  SeqNum left = {};
  SeqNum right = {};

  bool operator==(const SackBlock&) const = default;
};

struct TcpFastOpenCookie {
  static constexpr size_t kMinSize = 4;
  static constexpr size_t kMaxSize = 16;
  enum class Form : uint8_t { Assigned, Experimental };  // option kind 34, or 254 with the magic number 0xF989

  Form form = Form::Assigned;
  uint8_t size = 0;  // 0: a cookie is asked for
  uint8_t bytes[kMaxSize] = {};

  bool is_request() const { return size == 0; }
  ByteSpan span() const { return ByteSpan(bytes, size); }
  bool operator==(const TcpFastOpenCookie& other) const;
};

// RFC 5482: minutes or seconds in 15 bits.
struct TcpUserTimeout {
  enum class Unit : uint8_t { Seconds, Minutes };
  Unit unit = Unit::Seconds;
  uint16_t value = 0;

  bool operator==(const TcpUserTimeout&) const = default;
};

// RFC 5925. The MAC stays where it is: in the segment.
struct TcpAuthentication {
  uint8_t key_id = 0;
  uint8_t receive_next_key_id = 0;
  ByteSpan mac = {};
};

struct TcpOptions {
  static constexpr size_t kMaxSackBlocks = 4;
  static constexpr size_t kMd5Size = 16;
  static constexpr uint8_t kMaxWindowScale = 14;  // RFC 7323, 2.3: a larger one is read as this

  std::optional<TcpTimestamps> timestamps;
  uint8_t sack_count = 0;
  bool sack_permitted = false;
  std::optional<uint16_t> maximum_segment_size;  // never 0
  std::optional<uint8_t> window_scale;           // 0 to 14
  std::optional<TcpUserTimeout> user_timeout;
  SackBlock sack[kMaxSackBlocks];
  std::optional<TcpFastOpenCookie> fast_open;
  ByteSpan md5_signature = {};  // 16 bytes in the segment, or empty
  std::optional<TcpAuthentication> authentication;

  std::span<const SackBlock> sack_blocks() const { return {sack, sack_count}; }

  // `options` is what TcpHeader::options_in() gave; `flags` are the segment's. Never fails: what cannot be read is not there.
  static TcpOptions parse(ByteSpan options, TcpFlags flags);

  // A multiple of four. The caller sees to it that it is at most TcpHeader::kMaxOptionsSize.
  size_t encoded_size() const;
  // The NOPs that fill up to the multiple of four are part of it.
  void emit(MutableByteSpan to) const;
};

// The layout nearly every segment of an established connection has: NOP NOP timestamps, twelve bytes and no more.
// Anything else is nullopt, and TcpOptions::parse()'s business.
std::optional<TcpTimestamps> parse_aligned_timestamps(ByteSpan options);

// RFC 2385: an MD5 signature and a TCP-AO MAC both, or either one twice, or an MD5 option of another length than 18, is an attack
// or a mistake; Linux drops the segment (tcp_parse_auth_options).
struct TcpSignatures {
  ByteSpan md5 = {};                                     // 16 bytes, or empty
  std::optional<TcpAuthentication> authentication = {};  // at most one of the two
};
Result<TcpSignatures> parse_tcp_signatures(ByteSpan options);

}  // namespace lxnet
