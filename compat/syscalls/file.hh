// File: what a descriptor of lxnet's refers to; the host's table holds counts of it (lxnet_file in lxnet.h is a File).
//
// Sockets of every family and epoll sets derive from it. The last count gone closes it: released() runs in a task, with no lock
// held.
#pragma once

#include "base/list.hh"
#include "base/ref.hh"
#include "compat/syscalls/async_owner.hh"
#include "compat/syscalls/context.hh"
#include "stack/wait_queue.hh"

namespace lxnet {

// O_*, in the numbers of the x86 and generic tables (they agree on these).
enum OpenFlags : uint32_t {
  kOpenReadWrite = 02,
  kOpenAppend = 02000,
  kOpenNonBlock = 04000,
  kOpenDirect = 040000,
  kOpenNoAccessTime = 01000000,
  kOpenAsync = 020000,
  kOpenCloseOnExec = 02000000,
};

enum class FileKind : uint8_t { Socket, Epoll, Device };

// Somebody who keys a table by this file and must forget it when it goes: an epoll set's entry.
struct FileWatcher {
  ListLink watch_link;
  // The file's last descriptor is gone, and the watcher already off its list. Runs in a task, under CompatState::watch_lifetime.
  void (*file_gone)(FileWatcher& watcher, Entry& entry) = nullptr;
};

class File : public RefCounted<File> {
 public:
  static void destroy(File* file);
  static File* from_c(lxnet_file* file) { return reinterpret_cast<File*>(file); }
  lxnet_file* to_c() { return reinterpret_cast<lxnet_file*>(this); }

  FileKind kind() const { return kind_; }
  Stack& stack() const { return stack_; }
  const Hal& hal() const { return stack_.hal(); }

  // O_NONBLOCK and O_ASYNC. A host that keeps them itself (hal.h: file_flags) is asked each time.
  uint32_t status_flags() const;
  bool is_nonblocking() const { return (status_flags() & kOpenNonBlock) != 0; }
  void set_status_flags(uint32_t mask, uint32_t flags);
  // Null while nobody has asked for signals: most files never have one.
  AsyncOwner* async_owner() const { return __atomic_load_n(&async_owner_, __ATOMIC_ACQUIRE); }
  // F_SETOWN (AsyncOwner::set_owner). ESRCH, ENOMEM.
  Result<> set_owner(int32_t kind, int32_t id);
  // F_SETSIG. ENOMEM.
  Result<> set_signal(int32_t signo);
  // O_ASYNC for the descriptor `fd`. ENOMEM.
  Result<> set_async(bool is_async, int32_t fd);
  // Somebody found no room to send: SIGIO is to tell of the next there is.
  void note_no_room() {
    if (AsyncOwner* owner = async_owner()) owner->note_no_room();
  }

  virtual Result<size_t> read(SyscallContext& context, IoSink& sink) = 0;
  virtual Result<size_t> write(SyscallContext& context, IoSource& source) = 0;
  virtual PollEvents poll(Entry& entry) = 0;
  virtual WaitQueue& wait_queue() = 0;
  // ENOTTY for a command it does not know; ENOIOCTLCMD does not exist here.
  virtual Result<int64_t> ioctl(SyscallContext& context, uint32_t command, UserAddress argument) = 0;

  // Watchers are added and removed under this lock; close tells each, once. Files are watched seldom, so that several share one
  // (CompatState).
  Mutex& watch_mutex() const;
  List<FileWatcher, &FileWatcher::watch_link>& watchers() REQUIRES(watch_mutex()) { return watchers_; }
  void add_watcher(FileWatcher& watcher) REQUIRES(watch_mutex()) {
    watchers_.push_back(watcher);
    __atomic_store_n(&was_watched_, true, __ATOMIC_RELAXED);
  }

 protected:
  File(Stack& stack, FileKind kind) : kind_(kind), stack_(stack) {}
  virtual ~File() = default;
  // Without this the destructor would need a global operator delete, which a kernel does not have.
  static void operator delete(void*, size_t) {}
  // The last count is gone: close, then dispose().
  virtual void released(Entry& entry) = 0;
  virtual void dispose_self() = 0;

 private:
  Result<AsyncOwner*> find_or_make_async_owner();
  bool has_watchers();
  void tell_watchers(Entry& entry);

  FileKind kind_;
  bool was_watched_ = false;  // atomic: most files never are, and their end takes no lock
  Stack& stack_;
  AsyncOwner* async_owner_ = nullptr;  // atomic; made once
  List<FileWatcher, &FileWatcher::watch_link> watchers_ GUARDED_BY(watch_mutex());
  uint32_t status_flags_ = kOpenReadWrite;  // atomic
};

}  // namespace lxnet
