// What crypto/crypto_user.c lets an administrator do with a registry: make instances of templates, delete them, and change
// priorities. Whatever was made of an algorithm that goes or changes leaves the list with it, and is made anew when it is asked
// for.
#include "compat/afalg/algorithm_registry.hh"

namespace lxnet {

Result<> AlgorithmRegistry::change(Entry& entry, const AlgorithmChange& change) {
  TaskMutexLock lock(mutex_, entry);
  if (change.what == AlgorithmChange::What::Add) return add_locked(change);
  if (change.what == AlgorithmChange::What::Update && change.priority.has_value() && change.driver[0] == '\0')
    return Errno::EINVAL;
  ListedAlgorithm* found = find_match_locked(change, Match::Driver);
  if (found == nullptr) return Errno::ENOENT;
  if (change.what == AlgorithmChange::What::Delete) return delete_locked(*found);
  remove_dependents_locked(*found);
  if (change.priority.has_value()) found->priority = static_cast<int>(*change.priority);
  return ok();
}

// crypto_alg_match().
ListedAlgorithm* AlgorithmRegistry::find_match_locked(const AlgorithmChange& change, Match match) {
  const AlgorithmFilter filter{change.type, change.mask};
  for (ListedAlgorithm& listed : entries_) {
    if (!filter.accepts(listed.flags())) continue;
    if (change.driver[0] != '\0' ? NameView::of(change.driver) == listed.driver
                                 : match == Match::DriverOrName && NameView::of(change.name) == listed.name) {
      return &listed;
    }
  }
  return nullptr;
}

Result<> AlgorithmRegistry::add_locked(const AlgorithmChange& change) {
  const bool is_exact = change.driver[0] != '\0';
  if (change.priority.has_value() && !is_exact) return Errno::EINVAL;
  if (find_match_locked(change, is_exact ? Match::Driver : Match::DriverOrName) != nullptr) return Errno::EEXIST;
  constexpr uint32_t kLarval = 0x10, kDead = 0x20;
  const AlgorithmFilter filter{change.type & ~(kLarval | kDead), change.mask & ~(kLarval | kDead)};
  const Algorithm& row = *TRY(get_once_locked(NameView::of(is_exact ? change.driver : change.name), filter, 0));
  if (change.priority.has_value()) ListedAlgorithm::of(row).priority = static_cast<int>(*change.priority);
  return ok();
}

Result<> AlgorithmRegistry::delete_locked(ListedAlgorithm& listed) {
  if (!listed.is_instance) return Errno::EINVAL;
  if (listed.references() > 1) return Errno::EBUSY;
  remove_dependents_locked(listed);
  entries_.remove(listed);
  drop_algorithm(hal_, listed);
  return ok();
}

// Those somebody uses live on unlisted.
void AlgorithmRegistry::remove_dependents_locked(const ListedAlgorithm& part) {
  const auto find = [&]() NO_THREAD_SAFETY_ANALYSIS -> ListedAlgorithm* {
    for (ListedAlgorithm& listed : entries_) {
      if (listed.parts[0] == &part || listed.parts[1] == &part) return &listed;
    }
    return nullptr;
  };
  while (ListedAlgorithm* dependent = find()) {
    remove_dependents_locked(*dependent);
    entries_.remove(*dependent);
    drop_algorithm(hal_, *dependent);
  }
}

}  // namespace lxnet
