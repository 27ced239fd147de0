// The life of a File, and the calls of lxnet.h that hold counts of one.
#include "compat/syscalls/file.hh"

#include "compat/syscalls/compat_state.hh"
#include "hal/memory.hh"

namespace lxnet {

void File::destroy(File* file) {
  Entry entry(file->stack_);
  file->tell_watchers(entry);
  if (AsyncOwner* owner = file->async_owner()) {
    owner->leave(file->wait_queue());
    dispose(file->hal(), owner);
  }
  file->released(entry);
  file->dispose_self();
}

// Of several who ask at once one makes it.
Result<AsyncOwner*> File::find_or_make_async_owner() {
  if (AsyncOwner* present = async_owner()) return present;
  auto* made = construct<AsyncOwner>(hal(), hal());
  if (made == nullptr) return Errno::ENOMEM;
  AsyncOwner* present = nullptr;
  if (__atomic_compare_exchange_n(&async_owner_, &present, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) return made;
  dispose(hal(), made);
  return present;
}

Result<> File::set_owner(int32_t kind, int32_t id) {
  if (!AsyncOwner::may_be(hal(), kind, id)) return Errno::ESRCH;
  TRY(find_or_make_async_owner())->set_owner(wait_queue(), kind, id);
  return ok();
}

Result<> File::set_signal(int32_t signo) {
  TRY(find_or_make_async_owner())->set_signal(signo);
  return ok();
}

Result<> File::set_async(bool is_async, int32_t fd) {
  if (is_async) {
    TRY(find_or_make_async_owner())->enable(wait_queue(), fd);
  } else if (AsyncOwner* owner = async_owner()) {
    owner->disable(wait_queue());
  }
  set_status_flags(kOpenAsync, is_async ? uint32_t{kOpenAsync} : 0);
  return ok();
}

Mutex& File::watch_mutex() const { return CompatState::of(stack_).watch_mutexes.of(this); }

bool File::has_watchers() {
  MutexLock lock(watch_mutex());
  return !watchers_.is_empty();
}

void File::tell_watchers(Entry& entry) {
  if (!__atomic_load_n(&was_watched_, __ATOMIC_RELAXED) || !has_watchers()) return;
  TaskMutexLock lifetime(CompatState::of(stack_).watch_lifetime, entry);
  for (;;) {
    FileWatcher* watcher = nullptr;
    {
      MutexLock lock(watch_mutex());
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
