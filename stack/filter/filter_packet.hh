// FilterPacket: a packet at a hook, as rules see it.
//
// What matches ask of its headers is read here and nowhere else. A packet that ends where a rule wants to look, or that looks
// like an attack, is broken: it is dropped whatever the rules say (Linux's hotdrop).
#pragma once

#include "base/bytes.hh"
#include "netdev/packet.hh"
#include "stack/filter/filter_hook.hh"
#include "stack/interface.hh"

namespace lxnet {

struct FilterPacket {
  FilterPacket(Entry& entry, Packet& packet, IpFamily family, FilterHook hook, const Interface* input, const Interface* output);

  // IPv6: looks for the transport's header behind the extension headers, once. False: there is none to be found, and where not
  // even a fragment's offset explains that, the packet is broken.
  bool find_transport();
  // The first bytes of the transport header. False: the packet is shorter, and broken for it.
  template <typename T>
  bool read_transport(T& header) {
    if (packet.read(transport_offset, mutable_bytes_of(header)) == sizeof header) return true;
    is_broken = true;
    return false;
  }

  IpAddress source_address() const { return address_of(source); }
  IpAddress destination_address() const { return address_of(destination); }
  // After the header was changed behind its back (NAT).
  void read_header();

  Entry& entry;
  Packet& packet;  // its front at the IP header
  IpFamily family;
  FilterHook hook;
  const Interface* input;               // null: it does not come in
  const Interface* output;              // null: not known yet
  const IpAddress* next_hop = nullptr;  // beside output, on the way out
  char input_name[Interface::kNameSize] = {}, output_name[Interface::kNameSize] = {};
  // As on the wire; IPv4 in the first word.
  uint32_t source[4] = {}, destination[4] = {};
  uint8_t protocol = 0;          // IPv4: of the header. IPv6: of the transport, once it is found
  uint8_t time_to_live = 0;      // or hop limit
  uint8_t type_of_service = 0;   // or traffic class
  uint16_t fragment_offset = 0;  // IPv4: in units of eight bytes; IPv6: in bytes
  uint32_t transport_offset = 0;
  bool is_broken = false;
  // A target changed what routes are chosen by: the mark, or of the header the type of service, of IPv6 the hop limit too.
  bool is_routed_differently = false;
  // Of what is ours, at OUTPUT: whose business routes are (mangle) says that the packet is to have another.
  bool wants_other_route = false;
  // Which zone of connections it is looked for in, and for which directions that counts (the target CT).
  static constexpr uint8_t kZoneOriginal = 1, kZoneReply = 2;
  uint16_t zone = 0;
  uint8_t zone_directions = 0;
  // What a rule said that is to be sent in answer to a packet it dropped: a number of REJECT's, or a code of ICMP's for
  // what cannot be reached beyond those, or none.
  static constexpr int kNoAnswer = -1, kAnswerCode = 0x100;
  int answer = kNoAnswer;

 private:
  IpAddress address_of(const uint32_t (&words)[4]) const;

  bool has_looked_ = false, has_found_ = false;
};

}  // namespace lxnet
