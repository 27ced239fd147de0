// The sockets of the supervised programs.
//
// A socket of the core is represented in the program by one end of a real socketpair, so that numbers, dup, fork, exec, CLOEXEC
// and fstat are the kernel's own. We keep the other end: when it hangs up, the last copy of the program's end is gone, wherever
// copies went. The program's end is recognised by its socket cookie, which the kernel never gives twice.
//
// An epoll set of the core is represented by an empty one of the kernel's: no call but the kernel's own epoll_pwait can run a
// handler that the call's mask lets through, and it wants an epoll set under that number. We keep a set that watches it, which
// does not keep it open: the kernel drops the entry with the last copy, and sweep() finds that out.
//
// The end itself is never ready natively: nothing to read, and no room to write. So when a program's own ppoll runs natively (to
// take a signal with its mask), or a call reaches the end that nobody serves, it waits and does no harm.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "hal/lxnet.h"
#include "hosts/linux/call.hh"
#include "hosts/linux/event_loop.hh"
#include "hosts/linux/owned_fd.hh"
#include "hosts/linux/proc_file.hh"

namespace lxnet::host {

class RingMappings;

class FileTable {
 public:
  // `on_last_close` takes over the count that the program's descriptors had of the file.
  FileTable(EventLoop& loop, const RingMappings& rings, std::function<void(lxnet_file*)> on_last_close)
      : loop_(loop), rings_(rings), on_last_close_(std::move(on_last_close)) {}

  // The number in the calling program, or a negative errno; on success takes over one count.
  int install(const Call& call, lxnet_file* file, bool is_cloexec);
  int install(const Call& call, std::unique_ptr<TunableFile> tunable, bool is_cloexec);
  // Borrowed, valid until the event loop runs again. Neither: *error = EBADF, or ENOTSOCK for a file that is not ours.
  struct Found {
    lxnet_file* file = nullptr;
    TunableFile* tunable = nullptr;
  };
  Found look_up(const Task& task, int fd, int* error) const;
  lxnet_file* find(const Task& task, int fd, int* error) const { return look_up(task, fd, error).file; }
  // A descriptor for a file that is to come: until then its number is EBADF. `number` is negative when there is none to be had.
  struct Reserved {
    int number = -1;
    uint64_t cookie = 0;
    bool is_cloexec = false;
  };
  Reserved reserve(const Call& call, bool is_cloexec);
  // Whether it is still open in the program, and empty.
  bool is_reserved(const Reserved& reserved) const;
  // Takes over one count of the file if so.
  bool adopt(const Reserved& reserved, lxnet_file* file);
  // By the inode that programs see; null: no socket of ours.
  lxnet_file* find_by_inode(ino_t inode) const;
  // A number installed in this very call becomes EBADF; returns the count it had, null when it is not ours.
  lxnet_file* disown(const Task& task, int fd);
  size_t size() const { return ends_.size() + sets_.size(); }

  // Event loop: closes in the core the sets that the program has closed.
  void sweep();
  size_t set_count() const { return sets_.size(); }
  // Whether the kernel's epoll_pwait may run on what stands for the file.
  bool is_kernels_set(const lxnet_file* file) const;
  // visit(file, the inode that the program sees).
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const auto& [cookie, end] : ends_) {
      if (end->file_ != nullptr) visit(end->file_, end->inode_);
    }
  }

 private:
  class End : public EventSource {
   public:
    End(FileTable& table, lxnet_file* file, std::unique_ptr<TunableFile> tunable)
        : table_(table), file_(file), tunable_(std::move(tunable)) {}
    void on_event(uint32_t events) override;

    FileTable& table_;
    OwnedFd fd_;
    lxnet_file* file_;
    std::unique_ptr<TunableFile> tunable_;
    uint64_t cookie_ = 0;
    ino_t inode_ = 0;
    int number_in_watcher_ = -1;  // of an epoll set: fd_ watches it, under the number it had with us
  };

  int install_end(const Call& call, std::unique_ptr<End> end, bool is_cloexec);
  int install_set(const Call& call, std::unique_ptr<End> end, bool is_cloexec);
  End* find_end(const Task& task, int fd, int* error) const;

  EventLoop& loop_;
  const RingMappings& rings_;
  std::function<void(lxnet_file*)> on_last_close_;
  std::unordered_map<uint64_t, std::unique_ptr<End>> ends_;
  std::vector<std::unique_ptr<End>> sets_;
};

}  // namespace lxnet::host
