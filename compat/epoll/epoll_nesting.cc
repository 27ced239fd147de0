// Sets that watch sets: no cycles, no deeper than Linux allows, and not too many ways for one wake-up to spread. All of it under
// CompatState::watch_lifetime, which keeps the shape. A walk comes to each set once, however many ways lead there.
#include "compat/epoll/epoll_set.hh"
#include "compat/syscalls/compat_state.hh"

namespace lxnet {
namespace {

constexpr unsigned kMaxNesting = 4;  // EP_MAX_NESTS
// How many ways of each length may lead up from one file; the shortest, a set that nobody watches, is free.
constexpr uint32_t kPathLimits[kMaxNesting + 1] = {UINT32_MAX, 500, 100, 50, 10};

struct PathCount {
  uint32_t of_length[kMaxNesting + 1] = {};
};

}  // namespace

bool EpollSet::enter_walk() {
  const uint64_t current = CompatState::of(stack()).nesting_walk;
  if (walk_ == current) return false;
  walk_ = current;
  walked_levels_ = 0;
  return true;
}

// As ep_loop_check(): the levels below the inner set, the link itself, and the levels above this one.
Result<> EpollSet::check_nesting(Entry& entry, EpollSet& inner) {
  uint64_t& walk = CompatState::of(stack()).nesting_walk;
  ++walk;
  const unsigned below = inner.levels_below(entry, *this);
  ++walk;
  if (below > kMaxNesting || below + 1 + levels_above() > kMaxNesting) return Errno::ELOOP;
  return ok();
}

// More than kMaxNesting when `forbidden` is among them.
unsigned EpollSet::levels_below(Entry& entry, const EpollSet& forbidden) {
  if (this == &forbidden) return kMaxNesting + 1;
  if (!enter_walk()) return walked_levels_;
  TaskMutexLock lock(entries_mutex_, entry);
  unsigned levels = 0;
  items_.for_each([&](EpollItem& item) {
    EpollSet* below = item.file == nullptr || levels > kMaxNesting ? nullptr : from(*item.file);
    if (below == nullptr) return;
    const unsigned through = below->levels_below(entry, forbidden) + 1;
    if (through > levels) levels = through;
  });
  return walked_levels_ = levels;
}

// A set's watchers are sets, and they change only under watch_lifetime: no other lock is needed to walk up.
unsigned EpollSet::levels_above() NO_THREAD_SAFETY_ANALYSIS {
  if (!enter_walk()) return walked_levels_;
  unsigned levels = 0;
  for (FileWatcher& watcher : watchers()) {
    const unsigned through = static_cast<EpollItem&>(watcher).set.levels_above() + 1;
    if (through > levels) levels = through;
  }
  return walked_levels_ = levels;
}

// ---- paths

// As reverse_path_check_proc(): every way from a file to a set that nobody watches.
struct EpollSet::PathWalk {
  static bool count(File& file, PathCount& paths, unsigned length) NO_THREAD_SAFETY_ANALYSIS {
    if (length > kMaxNesting) return false;
    for (FileWatcher& watcher : file.watchers()) {
      EpollSet& set = static_cast<EpollItem&>(watcher).set;
      if (set.watchers().is_empty()) {
        if (++paths.of_length[length] > kPathLimits[length]) return false;
      } else if (!count(set, paths, length + 1)) {
        return false;
      }
    }
    return true;
  }

  static bool are_few(File& file) {
    PathCount paths;
    MutexLock lock(file.watch_mutex());
    return count(file, paths, 0);
  }
};

// After an entry came to a set that is watched itself, or whose target is a set: EINVAL when that made too many ways. Ways from
// the host's own files are not known here and not counted.
Result<> EpollSet::check_paths(Entry& entry, const EpollTarget& target) {
  if (!target.file) return ok();
  ++CompatState::of(stack()).nesting_walk;
  EpollSet* inner = from(*target.file);
  const bool are_few = inner != nullptr ? inner->has_few_paths_from(entry) : PathWalk::are_few(*target.file);
  return are_few ? Result<>(ok()) : Result<>(Errno::EINVAL);
}

bool EpollSet::has_few_paths_from(Entry& entry) {
  if (!enter_walk()) return true;
  TaskMutexLock lock(entries_mutex_, entry);
  bool are_few = true;
  items_.for_each([&](EpollItem& item) {
    if (item.file == nullptr || !are_few) return;
    EpollSet* below = from(*item.file);
    are_few = below != nullptr ? below->has_few_paths_from(entry) : PathWalk::are_few(*item.file);
  });
  return are_few;
}

// The locks of an outer set are taken inside a wake-up of an inner one.
void EpollSet::raise_ranks(unsigned depth) NO_THREAD_SAFETY_ANALYSIS {
  if (depth <= depth_) return;
  depth_ = depth;
  const auto rank = static_cast<LockRank>(static_cast<unsigned>(LockRank::EpollWaiters) + depth);
  waiters_.set_rank(rank);
  outer_waiters_.set_rank(rank);
  for (FileWatcher& watcher : watchers()) static_cast<EpollItem&>(watcher).set.raise_ranks(depth + 1);
}

}  // namespace lxnet
