// Users and what they watch.
#include "compat/epoll/watch_account.hh"

#include "compat/syscalls/compat_state.hh"

namespace lxnet {

Result<> WatchAccount::charge(int64_t limit) {
  if (__atomic_fetch_add(&watches_, int64_t{1}, __ATOMIC_RELAXED) < limit) return ok();
  discharge();
  return Errno::ENOSPC;
}

Result<> WatchAccounts::install(CompatState& state, const Hal& hal) {
  WatchAccounts* accounts = construct<WatchAccounts>(hal, hal);
  if (accounts == nullptr) return Errno::ENOMEM;
  state.watch_accounts = accounts;
  state.destroy_watch_accounts = [](const Hal& owner, void* gone) { dispose(owner, static_cast<WatchAccounts*>(gone)); };
  return ok();
}

WatchAccounts& WatchAccounts::of(CompatState& state) { return *static_cast<WatchAccounts*>(state.watch_accounts); }

WatchAccount* WatchAccounts::find_locked(uint32_t uid) {
  for (WatchAccount& account : accounts_) {
    if (account.uid_ == uid) return &account;
  }
  return nullptr;
}

Result<WatchAccount*> WatchAccounts::hold(uint32_t uid) {
  MutexLock lock(mutex_);
  WatchAccount* account = find_locked(uid);
  if (account == nullptr) {
    account = construct<WatchAccount>(hal_);
    if (account == nullptr) return Errno::ENOMEM;
    account->uid_ = uid;
    accounts_.push_back(*account);
  }
  ++account->holders_;
  return account;
}

void WatchAccounts::release(WatchAccount& account) {
  MutexLock lock(mutex_);
  if (--account.holders_ != 0) return;
  accounts_.remove(account);
  dispose(hal_, &account);
}

}  // namespace lxnet
