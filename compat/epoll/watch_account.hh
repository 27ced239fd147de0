// WatchAccount: how many entries all epoll sets of one user hold together, against fs.epoll.max_user_watches.
#pragma once

#include "base/list.hh"
#include "hal/memory.hh"
#include "hal/mutex.hh"

namespace lxnet {

class CompatState;

class WatchAccount {
 public:
  // ENOSPC when the user watches `limit` already.
  Result<> charge(int64_t limit);
  void discharge() { __atomic_fetch_sub(&watches_, int64_t{1}, __ATOMIC_RELAXED); }

 private:
  friend class WatchAccounts;

  ListLink link_;
  uint32_t uid_ = 0;
  uint32_t holders_ = 0;  // sets; under the accounts' mutex
  int64_t watches_ = 0;   // atomic
};

// A stack's accounts: one for each user that has a set.
class WatchAccounts {
 public:
  explicit WatchAccounts(const Hal& hal) : hal_(hal), mutex_(hal, LockRank::EpollSet) {}
  ~WatchAccounts() { ASSERT(accounts_.is_empty()); }

  static Result<> install(CompatState& state, const Hal& hal);
  static WatchAccounts& of(CompatState& state);

  // ENOMEM. Given back with release().
  Result<WatchAccount*> hold(uint32_t uid);
  void release(WatchAccount& account);

 private:
  WatchAccount* find_locked(uint32_t uid) REQUIRES(mutex_);

  const Hal& hal_;
  Mutex mutex_;
  List<WatchAccount, &WatchAccount::link_> accounts_ GUARDED_BY(mutex_);
};

}  // namespace lxnet
