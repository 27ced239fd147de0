// ReportWriter: group records into IGMPv3 or MLDv2 reports, as many packets as it takes (RFC 3376, 4.2; RFC 3810, 5.2).
//
// A list of excluded sources that does not fit is cut, which asks for too much and never for too little (RFC 3376, 4.2.16); other
// lists go on in the next packet.
#pragma once

#include "stack/igmp/group.hh"
#include "stack/interface.hh"
#include "stack/wire/group_record.hh"

namespace lxnet {

// An IGMP or MLD message leaves with what both protocols demand: router alert, TTL 1, a source of the link.
void send_igmp(Entry& entry, const Interface& interface, Ref<Packet> message, Ipv4Address destination);
// The checksum is filled in.
void send_mld(Entry& entry, const Interface& interface, Ref<Packet> message, const Ipv6Address& destination);

class ReportWriter {
 public:
  ReportWriter(Entry& entry, Ref<Interface> interface, IpFamily family)
      : entry_(entry), interface_(std::move(interface)), is_v4_(family == IpFamily::V4) {}
  ~ReportWriter() { send(); }
  ReportWriter(const ReportWriter&) = delete;

  // One record with the sources of the group that `is_included(const GroupSource&)`.
  template <typename Predicate>
  void add(GroupRecordType type, const InterfaceGroup& group, Predicate&& is_included) {
    if (!begin_record(type, group.address())) return;
    const bool may_cut = type == GroupRecordType::ModeIsExclude || type == GroupRecordType::ChangeToExcludeMode;
    for (const GroupSource& source : group.sources()) {
      if (!is_included(source)) continue;
      if (room_ < address_size()) {
        if (may_cut) break;
        send();
        if (!begin_record(type, group.address())) return;
      }
      add_source(source.address);
    }
  }

 private:
  size_t address_size() const { return is_v4_ ? 4 : 16; }
  bool begin_packet();
  bool begin_record(GroupRecordType type, const IpAddress& group);
  void add_source(const IpAddress& source);
  void send();

  Entry& entry_;
  Ref<Interface> interface_;
  bool is_v4_;
  Ref<Packet> packet_;
  size_t room_ = 0;
  uint16_t record_count_ = 0;
  size_t record_at_ = 0;  // of the record being written, from the packet's front
};

}  // namespace lxnet
