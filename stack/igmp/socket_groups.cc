// Joining, leaving and filtering on behalf of sockets.
#include <algorithm>

#include "stack/igmp/memberships.hh"
#include "stack/stack.hh"

namespace lxnet {

Result<uint32_t> Memberships::find_interface(Entry& entry, const IpAddress& group, const GroupInterface& on) const {
  InterfaceRegistry& registry = stack_.interfaces();
  if (on.index != 0) {
    const Ref<Interface> interface = registry.find(on.index);
    if (!interface) return Errno::ENODEV;
    return on.index;
  }
  if (!on.address.is_unspecified()) {
    const Ref<Interface> interface = registry.find_by_local_address(on.address);
    if (!interface) return Errno::ENODEV;
    return interface->index();
  }
  auto route = stack_.routes().lookup(entry, {.source = IpAddress::any(group.family()), .destination = group});
  if (!route.is_ok()) return Errno::ENODEV;
  return route.take().output->index();
}

SocketGroup* Memberships::find_membership(const SocketGroups& groups, const IpAddress& group, uint32_t interface_index) const {
  for (SocketGroup& membership : groups) {
    if (membership.group == group && membership.interface_index == interface_index) return &membership;
  }
  return nullptr;
}

bool Memberships::has_joined(const SocketGroups& groups, const IpAddress& group, uint32_t interface_index) {
  MutexLock lock(mutex_);
  for (const SocketGroup& membership : groups) {
    if (membership.group == group && (interface_index == 0 || membership.interface_index == interface_index)) return true;
  }
  return false;
}

uint32_t Memberships::source_limit(const IpAddress& group) const {
  const TunableValues& tunables = stack_.tunables().values();
  return static_cast<uint32_t>(std::max(group.is_v4() ? tunables.igmp_max_msf : tunables.mld_max_msf, 0));
}

Result<> Memberships::join(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on) {
  return join_as(entry, groups, group, on, FilterMode::Exclude);
}

Result<> Memberships::join_as(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on,
                              FilterMode mode) {
  if (!group.is_multicast()) return Errno::EINVAL;
  // IPv6 looks at what was joined before it looks for an interface.
  if (!group.is_v4() && has_joined(groups, group, on.index)) return Errno::EADDRINUSE;
  const uint32_t index = TRY(find_interface(entry, group, on));
  MutexLock lock(mutex_);
  int32_t count = 0;
  for (const SocketGroup& membership : groups) {
    if (membership.group == group && membership.interface_index == index) return Errno::EADDRINUSE;
    count += membership.group.is_v4() ? 1 : 0;
  }
  if (group.is_v4() && count >= stack_.tunables().values().igmp_max_memberships) return Errno::ENOBUFS;
  SocketGroup* membership = construct<SocketGroup>(stack_.hal(), group, index, mode);
  if (membership == nullptr) return group.is_v4() ? Errno::ENOBUFS : Errno::ENOMEM;
  auto found = find_or_create_group(index, group);
  if (!found.is_ok()) {
    dispose(stack_.hal(), membership);
    return found.error();
  }
  membership->asked_address = on.address;
  groups.push_back(*membership);
  InterfaceGroup& joined = *found.take();
  const uint32_t before = joined.users();
  joined.begin_change();
  joined.add_user(mode);
  finish_change(entry, joined, before);
  return ok();
}

// Takes the membership's part out of the interface's group; the membership itself goes.
void Memberships::end_membership(Entry& entry, SocketGroups& groups, SocketGroup& membership) {
  InterfaceGroup* group = find_group(membership.interface_index, membership.group);
  // The interface may have gone before, and its groups with it.
  if (group != nullptr && group->users() != 0) {
    const uint32_t before = group->users();
    group->begin_change();
    for (uint32_t i = 0; i < membership.source_count; ++i) group->remove_source(membership.mode, membership.sources[i]);
    group->remove_user(membership.mode);
    finish_change(entry, *group, before);
  }
  groups.remove(membership);
  dispose(stack_.hal(), &membership);
}

Result<> Memberships::leave(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on) {
  if (!group.is_multicast() && !group.is_v4()) return Errno::EINVAL;
  uint32_t index = on.index;
  // An interface that IPv4 can find is the one meant; else the address counts as it was given to join it.
  if (group.is_v4() && index == 0) {
    auto found = find_interface(entry, group, on);
    if (!found.is_ok() && on.address.is_unspecified()) return Errno::ENODEV;
    if (found.is_ok()) index = found.take();
  }
  MutexLock lock(mutex_);
  for (SocketGroup& membership : groups) {
    if (!(membership.group == group)) continue;
    if (index != 0 && membership.interface_index != index) continue;
    if (index == 0 && !on.address.is_unspecified() && !(membership.asked_address == on.address)) continue;
    end_membership(entry, groups, membership);
    return ok();
  }
  return Errno::EADDRNOTAVAIL;
}

void Memberships::leave_all(Entry& entry, SocketGroups& groups) {
  if (groups.is_empty()) return;
  MutexLock lock(mutex_);
  while (!groups.is_empty()) end_membership(entry, groups, *groups.first_);
}

Result<> Memberships::join_source(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on,
                                  const IpAddress& source) {
  const Result<> joined = join_as(entry, groups, group, on, FilterMode::Include);
  if (!joined.is_ok() && !joined.is_error(Errno::EADDRINUSE)) return joined.error();
  return change_source(entry, groups, group, on, source, FilterMode::Include, SourceChange::Add);
}

Result<> Memberships::leave_source(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on,
                                   const IpAddress& source) {
  return change_source(entry, groups, group, on, source, FilterMode::Include, SourceChange::Remove);
}

Result<> Memberships::block_source(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on,
                                   const IpAddress& source) {
  return change_source(entry, groups, group, on, source, FilterMode::Exclude, SourceChange::Add);
}

Result<> Memberships::unblock_source(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on,
                                     const IpAddress& source) {
  return change_source(entry, groups, group, on, source, FilterMode::Exclude, SourceChange::Remove);
}

Result<> Memberships::change_source(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on,
                                    const IpAddress& source, FilterMode mode, SourceChange change) {
  if (!group.is_multicast()) return Errno::EINVAL;
  const uint32_t index = TRY(find_interface(entry, group, on));
  MutexLock lock(mutex_);
  SocketGroup* membership = find_membership(groups, group, index);
  if (membership == nullptr) return Errno::EINVAL;
  if (membership->mode != mode) {
    // Only a filter without sources may change its mode.
    if (!membership->sources.is_empty()) return Errno::EINVAL;
    TRY(replace_filter(entry, *membership, mode, {}, 0));
  }
  if (change == SourceChange::Add) return insert_source(entry, *membership, source);
  return erase_source(entry, groups, *membership, source);
}

Result<> Memberships::insert_source(Entry& entry, SocketGroup& membership, const IpAddress& source) {
  const uint32_t count = membership.source_count;
  if (count >= source_limit(membership.group)) return Errno::ENOBUFS;
  const std::span<const IpAddress> sources(membership.sources.data(), count);
  if (std::find(sources.begin(), sources.end(), source) != sources.end()) return Errno::EADDRNOTAVAIL;
  auto created = HeapArray<IpAddress>::create(stack_.hal(), count + 1);
  if (!created.is_ok()) return Errno::ENOBUFS;
  HeapArray<IpAddress> larger = created.take();
  std::copy(sources.begin(), sources.end(), larger.begin());
  larger[count] = source;
  InterfaceGroup* group = find_group(membership.interface_index, membership.group);
  if (group != nullptr) {
    group->begin_change();
    TRY(group->add_source(membership.mode, source));
  }
  membership.sources = std::move(larger);
  membership.source_count = count + 1;
  if (group != nullptr) finish_change(entry, *group, group->users());
  return ok();
}

Result<> Memberships::erase_source(Entry& entry, SocketGroups& groups, SocketGroup& membership, const IpAddress& source) {
  const std::span<IpAddress> sources(membership.sources.data(), membership.source_count);
  const auto found = std::find(sources.begin(), sources.end(), source);
  if (found == sources.end()) return Errno::EADDRNOTAVAIL;
  if (sources.size() == 1 && membership.mode == FilterMode::Include) {
    end_membership(entry, groups, membership);
    return ok();
  }
  std::copy(found + 1, sources.end(), found);
  --membership.source_count;
  InterfaceGroup* group = find_group(membership.interface_index, membership.group);
  if (group == nullptr) return ok();
  group->begin_change();
  group->remove_source(membership.mode, source);
  finish_change(entry, *group, group->users());
  return ok();
}

// The new filter's sources are added before the old one's go, so that a failure leaves things as they were.
Result<> Memberships::replace_filter(Entry& entry, SocketGroup& membership, FilterMode mode, HeapArray<IpAddress> sources,
                                     uint32_t count) {
  InterfaceGroup* group = find_group(membership.interface_index, membership.group);
  if (group != nullptr && group->users() != 0) {
    const uint32_t before = group->users();
    group->begin_change();
    for (uint32_t i = 0; i < count; ++i) {
      if (group->add_source(mode, sources[i]).is_ok()) continue;
      while (i-- != 0) group->remove_source(mode, sources[i]);
      group->forget_unused();
      return Errno::ENOBUFS;
    }
    for (uint32_t i = 0; i < membership.source_count; ++i) group->remove_source(membership.mode, membership.sources[i]);
    group->add_user(mode);
    group->remove_user(membership.mode);
    finish_change(entry, *group, before);
  }
  membership.mode = mode;
  membership.sources = std::move(sources);
  membership.source_count = count;
  return ok();
}

Result<> Memberships::set_filter(Entry& entry, SocketGroups& groups, const IpAddress& group, const GroupInterface& on,
                                 FilterMode mode, std::span<const IpAddress> sources) {
  if (!group.is_multicast()) return Errno::EINVAL;
  const uint32_t index = TRY(find_interface(entry, group, on));
  if (sources.empty() && mode == FilterMode::Include) return leave(entry, groups, group, {.index = index});
  if (sources.size() > source_limit(group)) return Errno::ENOBUFS;
  MutexLock lock(mutex_);
  SocketGroup* membership = find_membership(groups, group, index);
  if (membership == nullptr) return Errno::EINVAL;
  HeapArray<IpAddress> copy;
  if (!sources.empty()) {
    auto created = HeapArray<IpAddress>::create(stack_.hal(), sources.size());
    if (!created.is_ok()) return Errno::ENOBUFS;
    copy = created.take();
    std::copy(sources.begin(), sources.end(), copy.begin());
  }
  return replace_filter(entry, *membership, mode, std::move(copy), static_cast<uint32_t>(sources.size()));
}

Result<uint32_t> Memberships::get_filter(Entry& entry, const SocketGroups& groups, const IpAddress& group,
                                         const GroupInterface& on, FilterMode& mode, std::span<IpAddress> sources) {
  if (!group.is_multicast()) return Errno::EINVAL;
  const uint32_t index = TRY(find_interface(entry, group, on));
  MutexLock lock(mutex_);
  const SocketGroup* membership = find_membership(groups, group, index);
  if (membership == nullptr) return Errno::EADDRNOTAVAIL;
  mode = membership->mode;
  for (size_t i = 0; i < sources.size() && i < membership->source_count; ++i) sources[i] = membership->sources[i];
  return membership->source_count;
}

bool Memberships::is_wanted(const SocketGroups& groups, const IpAddress& group, const IpAddress& source, uint32_t interface_index,
                            bool otherwise) const {
  if (groups.is_empty()) return otherwise;
  MutexLock lock(mutex_);
  for (const SocketGroup& membership : groups) {
    if (!(membership.group == group)) continue;
    if (group.is_v4() && membership.interface_index != interface_index) continue;
    const std::span<const IpAddress> sources(membership.sources.data(), membership.source_count);
    const bool is_named = std::find(sources.begin(), sources.end(), source) != sources.end();
    return is_named == (membership.mode == FilterMode::Include);
  }
  return otherwise;
}

}  // namespace lxnet
