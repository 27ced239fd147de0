// The options of an IPv4 header (RFC 791, 1108, 2113; CIPSO as far as it is refused).
//
// Ipv4Options is a copy of a header's options together with where the interesting ones are, checked as Linux checks them
// (__ip_options_compile), so that forwarding, answering and fragmenting need not look at unchecked bytes again. Positions count
// from the first byte of the IPv4 header, as an ICMP parameter problem's pointer does; 0 says that the option is not there.
//
// Rule kept: checking reserves the room for what this host is to record (the pointers advance), recording fills it in. So a host
// that records nothing sends zeros, never what it found there. CIPSO labels are refused as by a Linux that knows no domain of
// them.
#pragma once

#include <optional>

#include "stack/wire/ipv4.hh"

namespace lxnet {

enum class Ipv4OptionKind : uint8_t {
  EndOfList = 0,
  NoOperation = 1,
  RecordRoute = 7,
  Timestamp = 68,
  Security = 130,
  LooseSourceRoute = 131,
  CommercialSecurity = 134,
  StreamId = 136,
  StrictSourceRoute = 137,
  RouterAlert = 148,
};

// Bit 7 of the kind: the option goes into every fragment.
constexpr bool is_copied_on_fragmentation(Ipv4OptionKind kind) { return (static_cast<uint8_t>(kind) & 0x80) != 0; }

// How a timestamp option is filled.
enum class Ipv4TimestampFlag : uint8_t { TimeOnly = 0, AddressAndTime = 1, Prespecified = 3 };

// May the user who set the options put in what this stack does not know?
enum class Ipv4OptionsPrivilege : uint8_t { Ordinary, RawNetwork };

class Ipv4Options {
 public:
  static constexpr size_t kMaxSize = Ipv4Header::kMaxOptionsSize;

  Ipv4Options() = default;

  // Of a packet that arrived, once: room is reserved for what this host records. EINVAL: wrong; `bad_position` is what a
  // parameter problem is to point at.
  static Result<Ipv4Options> from_packet(ByteSpan options, uint8_t& bad_position);
  // Of the same packet after record() has been written back into it: what to forward, to answer or to show. EINVAL: wrong.
  static Result<Ipv4Options> from_recorded(ByteSpan options);
  // As setsockopt(IP_OPTIONS) gives them: padded to a multiple of four, a source route split into its first hop, which becomes
  // the destination, and the rest. EINVAL: wrong, or too long.
  static Result<Ipv4Options> from_user(ByteSpan options, Ipv4OptionsPrivilege privilege);
  // What an answer to the packet from `source` carries: the record route and the timestamp with a place for this host, and the
  // source route turned round. EINVAL: a list has room for part of an entry.
  Result<Ipv4Options> make_reply(Ipv4Address source) const;
  // The bytes as from_user() was given them, padding included: what getsockopt(IP_OPTIONS) says.
  Ipv4Options as_set_by_user() const;

  ByteSpan bytes() const { return ByteSpan(data_, size_); }
  size_t size() const { return size_; }
  bool is_empty() const { return size_ == 0; }

  bool has_source_route() const { return source_route_ != 0; }
  bool is_strict_route() const { return is_strict_route_; }
  uint8_t source_route_position() const { return source_route_; }
  bool has_router_alert() const { return router_alert_ != 0; }
  bool has_record_route() const { return record_route_ != 0; }
  bool has_timestamp() const { return timestamp_ != 0; }
  bool needs_recording() const { return records_address_ || stamps_address_ || stamps_time_; }

  // Set by the user, or turned round for a reply: where the packet goes first instead of to its destination.
  Ipv4Address first_hop() const { return first_hop_; }
  // The address a prespecified timestamp is meant for. Unless it is this host's, nothing is stamped: call skip_timestamp().
  std::optional<Ipv4Address> prespecified_address() const;
  void skip_timestamp();

  // Fills the reserved room: `own` is the address a received packet came to, or the one a packet of this host leaves from.
  void record(Ipv4Address own, uint32_t milliseconds_since_midnight);
  // A forwarded packet's record route shows the address it leaves from.
  void record_departure(Ipv4Address own);

  // Puts the final destination behind the hops of a source route that this host sends.
  void finish_source_route(Ipv4Address destination);
  // The hop at the pointer of a received source route, or `skipped` hops further. nullopt: it is used up. EINVAL: it has room for
  // part of an address, at source_route_position() + 2.
  Result<std::optional<Ipv4Address>> next_hop(uint8_t skipped = 0) const;
  // A packet on its way to `hop`: this host's address takes its place, and the pointer moves behind it.
  void advance_source_route(Ipv4Address hop, Ipv4Address own);

  // Fragments after the first carry only what is to be copied: the rest becomes NOPs, and there is nothing to record.
  void keep_for_fragments();

 private:
  friend class Ipv4OptionsCompiler;

  uint8_t* at(uint8_t position) { return data_ + (position - sizeof(Ipv4Header)); }
  const uint8_t* at(uint8_t position) const { return data_ + (position - sizeof(Ipv4Header)); }
  uint8_t* append(ByteSpan option);
  Result<> reply_with_record_route(const Ipv4Options& received);
  Result<> reply_with_timestamp(const Ipv4Options& received);
  void reply_with_source_route(const Ipv4Options& received, Ipv4Address source);
  void pad();

  uint8_t data_[kMaxSize] = {};
  uint8_t size_ = 0;  // a multiple of 4
  uint8_t source_route_ = 0;
  uint8_t record_route_ = 0;
  uint8_t timestamp_ = 0;
  uint8_t router_alert_ = 0;
  bool is_strict_route_ = false;
  bool records_address_ = false;
  bool stamps_address_ = false;
  bool stamps_time_ = false;
  bool is_prespecified_ = false;
  Ipv4Address first_hop_;
};

}  // namespace lxnet
