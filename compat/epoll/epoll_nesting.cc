// Sets that watch sets: no cycles, and no deeper than Linux allows. All of it under CompatState::watch_lifetime, which keeps the
// shape.
#include "compat/epoll/epoll_set.hh"

namespace lxnet {
namespace {

constexpr unsigned kMaxNesting = 4;  // EP_MAX_NESTS

}  // namespace

// As ep_loop_check(): the levels below the inner set, the link itself, and the levels above this one.
Result<> EpollSet::check_nesting(Entry& entry, EpollSet& inner) {
  const unsigned below = inner.levels_below(entry, *this);
  if (below > kMaxNesting || below + 1 + levels_above() > kMaxNesting) return Errno::ELOOP;
  return ok();
}

// More than kMaxNesting when `forbidden` is among them.
unsigned EpollSet::levels_below(Entry& entry, const EpollSet& forbidden) {
  if (this == &forbidden) return kMaxNesting + 1;
  TaskMutexLock lock(entries_mutex_, entry);
  unsigned levels = 0;
  items_.for_each([&](EpollItem& item) {
    EpollSet* below = item.file == nullptr || levels > kMaxNesting ? nullptr : from(*item.file);
    if (below == nullptr) return;
    const unsigned through = below->levels_below(entry, forbidden) + 1;
    if (through > levels) levels = through;
  });
  return levels;
}

// A set's watchers are sets, and they change only under watch_lifetime: no other lock is needed to walk up.
unsigned EpollSet::levels_above() NO_THREAD_SAFETY_ANALYSIS {
  unsigned levels = 0;
  for (FileWatcher& watcher : watchers()) {
    const unsigned through = static_cast<EpollItem&>(watcher).set.levels_above() + 1;
    if (through > levels) levels = through;
  }
  return levels;
}

// The locks of an outer set are taken inside a wake-up of an inner one.
void EpollSet::raise_ranks(unsigned depth) NO_THREAD_SAFETY_ANALYSIS {
  if (depth <= depth_) return;
  depth_ = depth;
  const auto ready = static_cast<uint8_t>(static_cast<unsigned>(LockRank::EpollReady) + 2 * depth);
  ready_mutex_.set_rank(static_cast<LockRank>(ready));
  waiters_.set_rank(static_cast<LockRank>(ready + 1));
  outer_waiters_.set_rank(static_cast<LockRank>(ready + 1));
  for (FileWatcher& watcher : watchers()) static_cast<EpollItem&>(watcher).set.raise_ranks(depth + 1);
}

}  // namespace lxnet
