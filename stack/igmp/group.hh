// InterfaceGroup: one group an interface listens to, for all who asked for it together.
//
// Each asker has a filter: EXCLUDE and the sources it does not want, or INCLUDE and the only ones it wants. RFC 3376 (and RFC
// 3810), section 3.2: if any asker excludes, the interface excludes what all excluders exclude and nobody includes; else it
// includes what anybody includes. Only counts are kept, so a change of one asker costs its own sources and not everybody's.
#pragma once

#include "base/list.hh"
#include "base/time.hh"
#include "hal/hash_table.hh"
#include "hal/memory.hh"
#include "stack/igmp/socket_groups.hh"

namespace lxnet {

struct GroupSource {
  explicit GroupSource(const IpAddress& of) : address(of) {}

  IpAddress address;
  uint32_t include_users = 0, exclude_users = 0;
  uint8_t reports_left = 0;  // of a change to this source: ALLOW or BLOCK, by whether it is wanted now
  bool was_listed = false;   // in the interface's list before the change under way
  bool is_queried = false;   // a group-and-source query waits for its answer
  ListLink link;

  bool is_used() const { return include_users != 0 || exclude_users != 0; }
};

class InterfaceGroup {
 public:
  InterfaceGroup(const Hal& hal, uint32_t interface_index, const IpAddress& group)
      : hal_(hal), interface_index_(interface_index), address_(group) {}
  ~InterfaceGroup();

  uint32_t interface_index() const { return interface_index_; }
  const IpAddress& address() const { return address_; }
  uint32_t users() const { return users_; }
  FilterMode mode() const { return exclude_users_ != 0 ? FilterMode::Exclude : FilterMode::Include; }
  bool accepts(const IpAddress& source) const;
  // In the list that belongs to mode().
  bool is_listed(const GroupSource& source) const;
  size_t listed_count() const;

  // One asker more or less, without sources; change its filter with the calls below. ENOMEM never.
  void add_user(FilterMode mode);
  void remove_user(FilterMode mode);
  // One asker's source more or less under its mode. ENOBUFS: no memory, nothing changed.
  Result<> add_source(FilterMode mode, const IpAddress& source);
  void remove_source(FilterMode mode, const IpAddress& source);

  // Brackets a change: what differs afterwards is reported `robustness` times. Whether there is something to report.
  void begin_change();
  bool end_change(uint8_t robustness);
  // Everything is to be told, as to routers that know nothing of the group.
  void report_all(uint8_t robustness);
  // A state-change report has gone out.
  void change_reported();
  bool has_change_to_report() const;
  // Frees the sources nobody uses and nothing more is to be said of.
  void forget_unused();

  List<GroupSource, &GroupSource::link>& sources() { return sources_; }
  const List<GroupSource, &GroupSource::link>& sources() const { return sources_; }

  uint8_t mode_reports_left = 0;  // TO_EX or TO_IN, which say all that the sources' would
  // Reports of versions 1 and 2, and answers to queries for this group.
  Instant report_at = Instant::never();
  uint8_t unsolicited_left = 0;
  bool is_last_reporter = false;
  bool answers_sources = false;  // report_at is for a group-and-source query

  HashLink table_link;
  ListLink order_link;

 private:
  GroupSource* find_source(const IpAddress& address) const;

  const Hal& hal_;
  uint32_t interface_index_;
  IpAddress address_;
  uint32_t users_ = 0, exclude_users_ = 0;
  FilterMode mode_before_ = FilterMode::Include;
  List<GroupSource, &GroupSource::link> sources_;
};

}  // namespace lxnet
