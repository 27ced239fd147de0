// Open files of the program that are not lxnet's, as the core sees them: passed over AF_UNIX, polled, read and written.
//
// A file is one object however often it is asked for, because an epoll set finds its entries by file. Its counts are of two
// kinds. A holder keeps the file open: we have a copy of the descriptor. A watcher does not, as an entry of Linux's epoll does
// not: epoll sets of our own tell its events, which the kernel drops by itself when the program's last copy is closed. There is
// one set for reading and one for writing, so that who waits for one does not hear of the other.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "hal/hal.h"
#include "hosts/linux/call.hh"
#include "hosts/linux/event_loop.hh"
#include "hosts/linux/fiber.hh"
#include "hosts/linux/owned_fd.hh"
#include "hosts/linux/process_status.hh"
#include "hosts/linux/task.hh"

namespace lxnet::host {

class ForeignTable;

class ForeignFile {
 public:
  using Key = std::pair<dev_t, ino_t>;

  ForeignFile(ForeignTable& table, Key key, OwnedFd fd);
  ~ForeignFile();

  void hold() { holders_++; }
  void release();
  void watch() { watchers_++; }
  void unwatch();
  int install(const Call& call, bool is_cloexec) const { return call.listener.add_fd(call.notice.id, fd_.get(), is_cloexec); }

  // Poll bits now; a waiter is told of changes until it is cancelled. -EPERM for what is always ready.
  int64_t poll(lxnet_poll_waiter* waiter);
  void cancel(lxnet_poll_waiter* waiter);

  uint32_t traits() const;
  // Wait, on the caller's fiber, as the file's own O_NONBLOCK says. Bytes or a negative errno.
  int64_t read(void* to, size_t size, int64_t* offset);
  int64_t write(const void* from, size_t size, int64_t* offset);
  int64_t seek(int64_t position);
  // Of a pipe: what comes next and stays there. Does not wait.
  int64_t peek(void* to, size_t size);

 private:
  friend class ForeignTable;

  // The kernel's wake-ups for some of the events.
  class Side : public EventSource {
   public:
    enum class Hears : uint8_t { FromSet, AtFirstHand };

    explicit Side(ForeignFile& file) : file_(file) {}
    ~Side() override;
    bool is_open() const { return set_.is_open(); }
    int64_t open(uint32_t events, Hears hears);
    uint32_t bits() const;
    const OwnedFd& set() const { return set_; }
    void on_event(uint32_t events) override;

   private:
    ForeignFile& file_;
    OwnedFd set_;
    int heard_fd_ = -1;
  };

  bool is_same_file(int fd) const;
  int64_t append_pages(const char* from, size_t size);
  void become_signal_file(uint64_t signals);
  int64_t start_watching();
  uint32_t poll_bits();
  uint32_t signal_bits();
  void change_signals(Task& task, uint64_t signals);
  void tell(uint32_t bits);
  void tell_waiters(uint32_t bits);
  int64_t wait_until_ready(uint32_t events);
  void drop_if_unused();

  ForeignTable& table_;
  Key key_;
  OwnedFd fd_;                            // open while there are holders
  Side reading_{*this}, writing_{*this};  // opened when first polled; of a file in /proc the first is for all events
  int number_in_set_ = -1;
  bool is_on_proc_ = false;          // see start_watching()
  std::optional<uint64_t> signals_;  // of a signalfd: which it reports
  uint32_t told_once_ = 0;           // of a file in /proc: events that the kernel will not tell again
  uint32_t holders_ = 1, watchers_ = 0;
  std::vector<lxnet_poll_waiter*> waiters_;
  std::vector<Fiber*> blocked_;
};

class ForeignTable {
 public:
  ForeignTable(EventLoop& loop, FiberScheduler& fibers) : loop_(loop), fibers_(fibers) {}
  // With one hold for the caller; `fd` is a copy of ours.
  ForeignFile* find_or_create(OwnedFd fd);
  // Before a call of the thread: what came to wait for it since the last look.
  void look_for_signals(Task& task);
  void note_signals(Task& task, const ProcessStatus& status);
  // Before a signalfd that is open is given another mask by the kernel.
  void note_signal_mask(const Call& call);
  // Empty between calls: where peek() looks at what is in another pipe, and what becomes pages of another. Null when there is
  // none to be had.
  struct ScratchPipe {
    OwnedFd reader, writer;
    void drop(size_t size);
  };
  ScratchPipe* scratch_pipe();
  void forget_process(pid_t process) { told_shared_.erase(process); }
  // The same with what is known of the thread. Whoever polls a signalfd for what is new is told.

 private:
  friend class ForeignFile;
  // All, or those among `which`, that wait for the thread or its process and were not told of yet; they are from now on.
  uint64_t take_fresh(Task& task, const ProcessStatus& status, uint64_t which);
  void tell_signals(uint64_t signals, const ForeignFile* known = nullptr);
  // Null when there is none yet.
  ForeignFile* find(int fd, const ForeignFile::Key& key);
  EventLoop& loop_;
  FiberScheduler& fibers_;
  std::multimap<ForeignFile::Key, ForeignFile*> files_;
  std::map<pid_t, uint64_t> told_shared_;  // of a process: its signals that who polls a signalfd was told of
  size_t signal_files_ = 0;                // how many of them are signalfds
  ScratchPipe scratch_{OwnedFd(-1), OwnedFd(-1)};
};

}  // namespace lxnet::host
