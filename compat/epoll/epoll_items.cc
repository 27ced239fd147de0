// Which descriptors a set watches: adding, changing and removing them, and forgetting those whose file is gone.
#include "compat/epoll/epoll_set.hh"
#include "compat/syscalls/compat_state.hh"

namespace lxnet {

EpollItem::EpollItem(EpollSet& owner, const EpollEvent& wanted, Mode mode)
    : Waiter(&EpollSet::wake_item, ~0u, mode),
      FileWatcher{},
      lxnet_poll_waiter{&EpollSet::wake_foreign, mode == Mode::Exclusive},
      set(owner),
      event(wanted) {
  FileWatcher::file_gone = &EpollSet::file_gone;
}

Result<Ref<File>> EpollSet::create(SyscallContext& context) {
  lxnet_credentials credentials{};
  context.hal().credentials(credentials);
  WatchAccounts& accounts = WatchAccounts::of(CompatState::of(context.stack()));
  WatchAccount* account = TRY(accounts.hold(credentials.uid));
  EpollSet* set = construct<EpollSet>(context.hal(), context.stack(), *account);
  if (set == nullptr) {
    accounts.release(*account);
    return Errno::ENOMEM;
  }
  return Ref<File>::adopt(set);
}

EpollSet::~EpollSet() { WatchAccounts::of(CompatState::of(stack())).release(account_); }

EpollSet::EpollSet(Stack& stack, WatchAccount& account)
    : File(stack, FileKind::Epoll),
      entries_mutex_(stack.hal(), LockRank::EpollSet),
      items_(stack.hal()),
      waiters_(stack.hal(), LockRank::EpollWaiters),
      outer_waiters_(stack.hal(), LockRank::EpollWaiters),
      account_(account) {
  stack.hal().random_bytes(mutable_bytes_of(hash_key_));
}

uint64_t EpollSet::hash_of(const void* identity, int fd) const {
  const struct {
    const void* identity;
    uint64_t fd;
  } key{identity, static_cast<uint32_t>(fd)};
  return siphash_1_3(hash_key_, key);
}

EpollItem* EpollSet::find_item(const void* identity, int fd) {
  for (EpollItem* item = items_.first(hash_of(identity, fd)); item != nullptr; item = items_.next(*item)) {
    const void* own = item->file != nullptr ? static_cast<const void*>(item->file) : static_cast<const void*>(item->foreign);
    if (own == identity && item->fd == fd) return item;
  }
  return nullptr;
}

Result<> EpollSet::add(SyscallContext& context, const EpollTarget& target, const EpollEvent& event) {
  EpollSet* inner = target.file ? from(*target.file) : nullptr;
  if (inner == nullptr && !is_watched()) return insert(context, target, event);
  // Nested sets: nobody else may change their shape between the check and the insertion.
  TaskMutexLock shape(CompatState::of(stack()).watch_lifetime, context.entry());
  if (inner != nullptr) {
    TRY(check_nesting(context.entry(), *inner));
    raise_ranks(inner->depth_ + 1);
  }
  TRY(insert(context, target, event));
  auto checked = check_paths(context.entry(), target);
  if (!checked.is_ok()) TRY(erase(context, target));
  return checked;
}

bool EpollSet::is_watched() {
  MutexLock lock(watch_mutex());
  return !watchers().is_empty();
}

Result<> EpollSet::insert(SyscallContext& context, const EpollTarget& target, const EpollEvent& event) {
  TaskMutexLock lock(entries_mutex_, context.entry());
  if (find_item(target.identity(), target.fd) != nullptr) return Errno::EEXIST;
  TRY(account_.charge(stack().tunables().values().epoll_max_user_watches));
  auto inserted = insert_counted(context, target, event);
  if (!inserted.is_ok()) account_.discharge();
  return inserted;
}

Result<> EpollSet::insert_counted(SyscallContext& context, const EpollTarget& target, const EpollEvent& event) {
  const bool is_exclusive = (event.events & kEpollExclusive) != 0;
  EpollItem* item = construct<EpollItem>(hal(), *this, event, is_exclusive ? Waiter::Mode::Exclusive : Waiter::Mode::Shared);
  if (item == nullptr) return Errno::ENOMEM;
  item->fd = target.fd;
  item->event.events |= kPollError | kPollHangUp;
  auto inserted = items_.insert(*item, hash_of(target.identity(), target.fd));
  if (!inserted.is_ok()) {
    dispose(hal(), item);
    return inserted.error();
  }
  attach(context.entry(), *item, target);
  return ok();
}

// From here on wake-ups reach the item; what is ready already is queued now.
void EpollSet::attach(Entry& entry, EpollItem& item, const EpollTarget& target) {
  if (target.file) {
    item.file = target.file.get();
    {
      MutexLock lock(item.file->watch_mutex());
      item.file->add_watcher(item);
    }
    item.file->wait_queue().add(item);
  } else {
    item.foreign = target.foreign;
    // An entry does not keep its file open.
    const lxnet_hal& table = hal().table();
    (table.foreign_watch != nullptr ? table.foreign_watch : table.foreign_ref)(hal().context(), item.foreign);
  }
  queue_if_ready(entry, item);
}

Result<> EpollSet::modify(SyscallContext& context, const EpollTarget& target, const EpollEvent& event) {
  TaskMutexLock lock(entries_mutex_, context.entry());
  EpollItem* item = find_item(target.identity(), target.fd);
  if (item == nullptr) return Errno::ENOENT;
  if ((item->event.events & kEpollExclusive) != 0) return Errno::EINVAL;
  item->event.data = event.data;
  set_events(*item, event.events | kPollError | kPollHangUp);
  queue_if_ready(context.entry(), *item);
  return ok();
}

Result<> EpollSet::remove(SyscallContext& context, const EpollTarget& target) {
  if (!target.file || from(*target.file) == nullptr) return erase(context, target);
  TaskMutexLock shape(CompatState::of(stack()).watch_lifetime, context.entry());
  return erase(context, target);
}

Result<> EpollSet::erase(SyscallContext& context, const EpollTarget& target) {
  TaskMutexLock lock(entries_mutex_, context.entry());
  EpollItem* item = find_item(target.identity(), target.fd);
  if (item == nullptr) return Errno::ENOENT;
  destroy_item(*item);
  return ok();
}

void EpollSet::destroy_item(EpollItem& item) {
  if (item.file != nullptr) {
    item.file->wait_queue().remove(item);
    MutexLock lock(item.file->watch_mutex());
    if (item.watch_link.is_linked()) item.file->watchers().remove(item);
  } else {
    const lxnet_hal& table = hal().table();
    table.foreign_poll_cancel(hal().context(), item.foreign, &item);
    (table.foreign_unwatch != nullptr ? table.foreign_unwatch : table.foreign_unref)(hal().context(), item.foreign);
  }
  collect_newly_ready();  // no wake-up reaches it any more, and this one may have come with the last
  if (item.ready_link.is_linked()) item.ready_link.unlink();
  items_.remove(item);
  account_.discharge();
  dispose(hal(), &item);
}

// The watched file's last descriptor is closed: it leaves every set by itself. The file has taken the watcher off its list.
void EpollSet::file_gone(FileWatcher& watcher, Entry& entry) {
  auto& item = static_cast<EpollItem&>(watcher);
  EpollSet& set = item.set;
  TaskMutexLock lock(set.entries_mutex_, entry);
  set.destroy_item(item);
}

void EpollSet::released(Entry& entry) {
  TaskMutexLock lifetime(CompatState::of(stack()).watch_lifetime, entry);
  TaskMutexLock lock(entries_mutex_, entry);
  items_.for_each([this](EpollItem& item) NO_THREAD_SAFETY_ANALYSIS { destroy_item(item); });
}

PollEvents EpollSet::poll_item(Entry& entry, EpollItem& item) {
  PollEvents now = 0;
  if (item.file != nullptr) {
    now = item.file->poll(entry);
  } else {
    const int64_t answer = hal().table().foreign_poll(hal().context(), item.foreign, &item);
    now = answer < 0 ? 0 : static_cast<PollEvents>(answer);
  }
  return now & item.event.events;
}

}  // namespace lxnet
