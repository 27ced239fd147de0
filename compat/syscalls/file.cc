// The life of a File, and the calls of lxnet.h that hold counts of one.
#include "compat/syscalls/file.hh"

#include "compat/syscalls/compat_state.hh"

namespace lxnet {

File::File(Stack& stack, FileKind kind)
    : stack_(stack), kind_(kind), async_owner_(stack.hal()), watch_mutex_(stack.hal(), LockRank::EpollSet) {}

void File::destroy(File* file) {
  Entry entry(file->stack_);
  file->tell_watchers(entry);
  file->async_owner_.leave(file->wait_queue());
  file->released(entry);
  file->dispose_self();
}

bool File::has_watchers() {
  MutexLock lock(watch_mutex_);
  return !watchers_.is_empty();
}

void File::tell_watchers(Entry& entry) {
  if (!__atomic_load_n(&was_watched_, __ATOMIC_RELAXED) || !has_watchers()) return;
  TaskMutexLock lifetime(CompatState::of(stack_).watch_lifetime, entry);
  for (;;) {
    FileWatcher* watcher = nullptr;
    {
      MutexLock lock(watch_mutex_);
      watcher = watchers_.take_front();
    }
    if (watcher == nullptr) return;
    watcher->file_gone(*watcher, entry);
  }
}

uint32_t File::status_flags() const { return __atomic_load_n(&status_flags_, __ATOMIC_RELAXED); }

void File::set_status_flags(uint32_t mask, uint32_t flags) {
  uint32_t old = __atomic_load_n(&status_flags_, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(&status_flags_, &old, (old & ~mask) | (flags & mask), true, __ATOMIC_RELAXED,
                                      __ATOMIC_RELAXED)) {
  }
}

}  // namespace lxnet

extern "C" {

void lxnet_file_ref(lxnet_file* file) { lxnet::File::from_c(file)->ref(); }

void lxnet_file_unref(lxnet_file* file) {
  lxnet::File* object = lxnet::File::from_c(file);
  if (object->unref()) lxnet::File::destroy(object);
}

uint32_t lxnet_file_poll(lxnet_file* file) {
  lxnet::File* object = lxnet::File::from_c(file);
  lxnet::Entry entry(object->stack());
  return object->poll(entry);
}

}  // extern "C"
