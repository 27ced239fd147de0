// Combining the filters of a group's askers, and what of it has changed.
#include "stack/igmp/group.hh"

namespace lxnet {

InterfaceGroup::~InterfaceGroup() {
  while (GroupSource* source = sources_.take_front()) dispose(hal_, source);
}

GroupSource* InterfaceGroup::find_source(const IpAddress& address) const {
  for (GroupSource& source : sources_) {
    if (source.address == address) return &source;
  }
  return nullptr;
}

bool InterfaceGroup::accepts(const IpAddress& address) const {
  if (users_ == 0) return false;
  if (address.is_unspecified()) return true;
  const GroupSource* source = find_source(address);
  if (source == nullptr || !source->is_used()) return exclude_users_ != 0;
  return source->include_users != 0 || source->exclude_users != exclude_users_;
}

bool InterfaceGroup::is_listed(const GroupSource& source) const {
  if (mode() == FilterMode::Include) return source.include_users != 0;
  return source.exclude_users == exclude_users_ && source.include_users == 0;
}

size_t InterfaceGroup::listed_count() const {
  size_t count = 0;
  for (const GroupSource& source : sources_) count += is_listed(source) ? 1 : 0;
  return count;
}

void InterfaceGroup::add_user(FilterMode mode) {
  ++users_;
  if (mode == FilterMode::Exclude) ++exclude_users_;
}

void InterfaceGroup::remove_user(FilterMode mode) {
  ASSERT(users_ != 0 && (mode == FilterMode::Include || exclude_users_ != 0));
  --users_;
  if (mode == FilterMode::Exclude) --exclude_users_;
}

Result<> InterfaceGroup::add_source(FilterMode mode, const IpAddress& address) {
  GroupSource* source = find_source(address);
  if (source == nullptr) {
    source = construct<GroupSource>(hal_, address);
    if (source == nullptr) return Errno::ENOBUFS;
    sources_.push_back(*source);
  }
  ++(mode == FilterMode::Include ? source->include_users : source->exclude_users);
  return ok();
}

void InterfaceGroup::remove_source(FilterMode mode, const IpAddress& address) {
  GroupSource* source = find_source(address);
  ASSERT(source != nullptr && source->is_used());
  --(mode == FilterMode::Include ? source->include_users : source->exclude_users);
}

void InterfaceGroup::begin_change() {
  mode_before_ = mode();
  for (GroupSource& source : sources_) source.was_listed = is_listed(source);
}

// RFC 3376, 5.1: a change of mode is told with the whole new list; under the same mode only what was added and taken away is.
bool InterfaceGroup::end_change(uint8_t robustness) {
  const bool has_mode_changed = mode() != mode_before_;
  if (has_mode_changed) mode_reports_left = robustness;
  bool has_changed = has_mode_changed;
  for (GroupSource& source : sources_) {
    if (has_mode_changed) {
      source.reports_left = 0;
    } else if (is_listed(source) != source.was_listed) {
      source.reports_left = robustness;
      has_changed = true;
    }
    source.was_listed = is_listed(source);
  }
  return has_changed;
}

void InterfaceGroup::report_all(uint8_t robustness) {
  const bool excludes = mode() == FilterMode::Exclude;
  if (excludes) mode_reports_left = robustness;
  for (GroupSource& source : sources_) source.reports_left = !excludes && is_listed(source) ? robustness : uint8_t{0};
}

void InterfaceGroup::change_reported() {
  if (mode_reports_left != 0) --mode_reports_left;
  for (GroupSource& source : sources_) {
    if (source.reports_left != 0) --source.reports_left;
  }
}

bool InterfaceGroup::has_change_to_report() const {
  if (mode_reports_left != 0) return true;
  for (const GroupSource& source : sources_) {
    if (source.reports_left != 0) return true;
  }
  return false;
}

void InterfaceGroup::forget_unused() {
  for (GroupSource* source = sources_.front(); source != nullptr;) {
    GroupSource* next = sources_.next(*source);
    if (!source->is_used() && source->reports_left == 0) {
      sources_.remove(*source);
      dispose(hal_, source);
    }
    source = next;
  }
}

}  // namespace lxnet
