// EpollSet: an epoll instance. EpollItem: one descriptor it watches.
//
// An item waits on its file's WaitQueue for good, so a set costs nothing while nothing happens: a wake-up appends the item to the
// ready list, and epoll_wait looks at that list alone. Level-triggered items return to its tail after they were reported.
//
// The ready list belongs to who has entries_mutex_. A wake-up takes no lock: it pushes the item onto a stack, and whoever next
// has entries_mutex_ moves the stack to the list's end, oldest first.
//
// Locks, outermost first: entries_mutex_ (a TaskMutex: items, the ready list, and the copying of events to the user), the file's
// WaitQueue, the set's own wait queues. A set that watches sets has ranks above theirs.
#pragma once

#include "base/siphash.hh"
#include "compat/epoll/watch_account.hh"
#include "compat/syscalls/descriptors.hh"
#include "compat/syscalls/foreign_waiter.hh"
#include "compat/syscalls/task_mutex.hh"
#include "hal/hash_table.hh"

namespace lxnet {

// EPOLL_CTL_*.
enum class EpollOperation : int { Add = 1, Remove = 2, Modify = 3 };

inline constexpr PollEvents kEpollExclusive = 1u << 28;
inline constexpr PollEvents kEpollWakeUp = 1u << 29;
inline constexpr PollEvents kEpollOneShot = 1u << 30;
inline constexpr PollEvents kEpollEdgeTriggered = 1u << 31;
inline constexpr PollEvents kEpollPrivate = kEpollExclusive | kEpollWakeUp | kEpollOneShot | kEpollEdgeTriggered;

struct EpollEvent {
  PollEvents events = 0;
  uint64_t data = 0;
};

class EpollSet;

// What an item is keyed by: a file of ours or of the host's, and the number it was added under.
struct EpollTarget {
  Ref<File> file;
  lxnet_foreign_file* foreign = nullptr;
  int fd = -1;

  const void* identity() const { return file ? static_cast<const void*>(file.get()) : static_cast<const void*>(foreign); }
};

struct EpollItem : Waiter, FileWatcher, lxnet_poll_waiter {
  EpollItem(EpollSet& owner, const EpollEvent& wanted, Mode mode);

  EpollSet& set;
  HashLink key_link;                      // in the set's items
  ListLink ready_link;                    // on the ready list, or on a scan's list
  EpollItem* newly_ready_next = nullptr;  // on the stack of wake-ups
  uint32_t is_newly_ready = 0;            // atomic: it is on that stack
  File* file = nullptr;                   // not counted: file_gone() comes before it dies
  lxnet_foreign_file* foreign = nullptr;  // counted
  int fd = -1;
  EpollEvent event;  // its events are atomic: a wake-up reads them
};

class EpollSet final : public File {
 public:
  // ENOMEM. Its entries count against the calling user.
  static Result<Ref<File>> create(SyscallContext& context);
  static EpollSet* from(File& file) { return file.kind() == FileKind::Epoll ? static_cast<EpollSet*>(&file) : nullptr; }

  Result<> add(SyscallContext& context, const EpollTarget& target, const EpollEvent& event);
  Result<> modify(SyscallContext& context, const EpollTarget& target, const EpollEvent& event);
  Result<> remove(SyscallContext& context, const EpollTarget& target);
  // epoll_wait(): stores up to `capacity` events; 0 after the timeout, which Duration::max() has none of; EINTR.
  Result<int64_t> wait(SyscallContext& context, UserAddress events, int capacity, Duration timeout);

  Result<size_t> read(SyscallContext&, IoSink&) override { return Errno::EINVAL; }
  Result<size_t> write(SyscallContext&, IoSource&) override { return Errno::EINVAL; }
  PollEvents poll(Entry& entry) override;
  WaitQueue& wait_queue() override { return outer_waiters_; }
  Result<int64_t> ioctl(SyscallContext& context, uint32_t command, UserAddress argument) override;

 private:
  friend struct EpollItem;
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  using ReadyList = List<EpollItem, &EpollItem::ready_link>;
  // A scan's items: those it has not come to, and those that it told and that stay ready.
  struct Scan {
    ReadyList rest, told;
  };
  // struct epoll_params.
  struct alignas(8) BusyPoll {
    uint32_t micros = 0;
    uint16_t budget = 0;
    uint8_t prefer = 0, padding = 0;
  };

  EpollSet(Stack& stack, WatchAccount& account);
  ~EpollSet() override;
  void released(Entry& entry) override;
  void dispose_self() override { dispose(hal(), this); }

  // epoll_items.cc
  Result<> erase(SyscallContext& context, const EpollTarget& target);
  Result<> insert(SyscallContext& context, const EpollTarget& target, const EpollEvent& event);
  Result<> insert_counted(SyscallContext& context, const EpollTarget& target, const EpollEvent& event) REQUIRES(entries_mutex_);
  bool is_watched();
  EpollItem* find_item(const void* identity, int fd) REQUIRES(entries_mutex_);
  uint64_t hash_of(const void* identity, int fd) const;
  void attach(Entry& entry, EpollItem& item, const EpollTarget& target) REQUIRES(entries_mutex_);
  void destroy_item(EpollItem& item) REQUIRES(entries_mutex_);
  static void file_gone(FileWatcher& watcher, Entry& entry);
  PollEvents poll_item(Entry& entry, EpollItem& item);

  // epoll_ready.cc
  static bool wake_item(Waiter& waiter, PollEvents events);
  static bool wake_foreign(lxnet_poll_waiter* waiter, PollEvents events);
  bool item_became_ready(EpollItem& item, PollEvents events);
  void queue_if_ready(Entry& entry, EpollItem& item) REQUIRES(entries_mutex_);
  bool has_ready() const;
  bool push_newly_ready(EpollItem& item);
  void collect_newly_ready() REQUIRES(entries_mutex_);
  void set_events(EpollItem& item, PollEvents events) REQUIRES(entries_mutex_);
  Result<int64_t> report_ready(SyscallContext& context, UserAddress events, int capacity);
  Result<bool> report_item(SyscallContext& context, Scan& scan, EpollItem& item, UserAddress to) REQUIRES(entries_mutex_);
  void begin_scan(Scan& scan) REQUIRES(entries_mutex_);
  void end_scan(Scan& scan) REQUIRES(entries_mutex_);
  void wake_waiters();

  // epoll_ioctl.cc
  BusyPoll get_busy_poll() const;

  // epoll_nesting.cc
  Result<> check_nesting(Entry& entry, EpollSet& inner);
  Result<> check_paths(Entry& entry, const EpollTarget& target);
  bool has_few_paths_from(Entry& entry);
  struct PathWalk;
  unsigned levels_below(Entry& entry, const EpollSet& forbidden);
  unsigned levels_above();
  void raise_ranks(unsigned depth);
  // Whether a walk comes here for the first time.
  bool enter_walk();

  TaskMutex entries_mutex_;
  HashTable<EpollItem, &EpollItem::key_link> items_ GUARDED_BY(entries_mutex_);

  ReadyList ready_ GUARDED_BY(entries_mutex_);
  uint32_t may_be_ready_ = 0;         // atomic; written under entries_mutex_: something is on the list, or a scan holds it
  EpollItem* newly_ready_ = nullptr;  // atomic: the stack of wake-ups

  WaitQueue waiters_;        // tasks in epoll_wait
  WaitQueue outer_waiters_;  // poll, select, and sets that watch this one
  SipKey hash_key_;
  WatchAccount& account_;
  BusyPoll busy_poll_;  // atomic
  // All below: under CompatState::watch_lifetime.
  unsigned depth_ = 0;          // levels of sets below this one, at the most
  uint64_t walk_ = 0;           // the last walk that came here
  unsigned walked_levels_ = 0;  // and what it found
};

// lxnet_enable_epoll() in lxnet.h registers the calls.

}  // namespace lxnet
