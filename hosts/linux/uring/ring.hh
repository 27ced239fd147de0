// What is known of a program's ring, and the chains of its entries that lxnet serves.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include "hosts/linux/call.hh"
#include "hosts/linux/fiber.hh"
#include "hosts/linux/owned_fd.hh"
#include "hosts/linux/uring/buffer_groups.hh"
#include "hosts/linux/uring/request.hh"
#include "hosts/linux/uring/ring_view.hh"

namespace lxnet::host::uring {

struct Ring;

// Entries that are linked, or one that stands alone. Runs on a fiber of its own.
struct Chain {
  Chain(const Call& its_call, std::shared_ptr<Ring> its_ring) : call(its_call), ring(std::move(its_ring)) {
    call.serves_ring = true;
    process = call.task->process();
  }

  Call call;  // the io_uring_enter() that brought it; its notice is answered once the chain is no longer live
  pid_t process = 0;
  std::shared_ptr<Ring> ring;
  std::vector<Request> requests;
  Fiber* fiber = nullptr;
  size_t current = 0;   // the request under way
  bool is_live = true;  // its call is not answered yet, and entries can still be changed to tell what became of them
  bool is_cancelled = false;
  bool has_ended = false, has_failed = false;
  bool is_left = false;         // the kernel is to do it after all
  bool is_draining = false;     // waits for all that came before it
  bool holds_others = false;    // IOSQE_IO_DRAIN: what comes after it waits for it
  bool wants_number = false;    // will make a descriptor, and needs a call of the process to put one there
  bool waits_for_it = false;    // and cannot go on without
  std::vector<bool> is_posted;  // of the first `current`: nothing more is to be told
};

struct Ring {
  Ring(uint64_t its_inode, const Geometry& its_geometry) : inode(its_inode), geometry(its_geometry) {}

  const uint64_t inode;
  const Geometry geometry;
  BufferGroups buffers;
  std::list<std::shared_ptr<Chain>> chains;  // that have not ended, in the order they came

  // Watches the ring without keeping it open (see FileTable).
  OwnedFd watcher;
  int number_in_watcher = -1;

  // Its memory, for a moment after each call: making it costs more than a call, and keeping it would keep the ring open.
  std::unique_ptr<RingView> view;
  int64_t viewed = 0;

  // Entries that now say something else to the kernel, until it has passed them.
  struct Rewritten {
    uint32_t position, slot;
    RingView::Words written, original;
  };
  std::vector<Rewritten> rewritten;
  uint32_t scanned = 0;                // up to here entries were looked at
  std::map<pid_t, uint32_t> entering;  // by thread: how far the kernel gets with calls that may be under way

  // The kernel's own requests: how many completions they owe, as far as that can be counted.
  bool is_counted = true, is_entered = false;
  uint32_t owed = 0, posted = 0, first_tail = 0;
  // `told`: entries by which the kernel only tells a result of ours, and has not yet.
  bool owes(uint32_t completion_tail, size_t told) const {
    const uint32_t done = completion_tail - first_tail - posted;
    return !is_counted || static_cast<int32_t>(owed - static_cast<uint32_t>(told) - done) > 0;
  }
  bool holds_others() const {
    for (const auto& chain : chains) {
      if (chain->holds_others) return true;
    }
    return false;
  }
};

}  // namespace lxnet::host::uring
