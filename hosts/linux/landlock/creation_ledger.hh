// Which domain a thread was born in: its creator's at that moment, which no system call tells of.
//
// So every clone() and fork() is noticed, and goes on natively. The rule that makes it exact:
//
//   threads of one domain at a time are creating others. Whoever is seen for the first time was created since the last change of
//   turns, and so in the domain whose turn it is, whatever became of its creator and whatever flags the clone() had.
//
// Before a turn changes, what was begun has ended, and all threads there are have been written down. A creator that takes long
// (its clone() waits for memory of its own making, or for a child of vfork) would hold up the others: then turns overlap, and who
// is new meanwhile gets the domain of the more rulesets.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

namespace lxnet::host::landlock {

class Domain;

// A thread by its number and, as numbers come again, by when it began.
struct ThreadName {
  pid_t tid = 0;
  uint64_t start = 0;    // clock ticks since the machine's
  bool is_ours = false;  // in the tree of supervised processes, as far as can be told
};

// What a creator is doing. Running: nobody can tell.
enum class Creating : uint8_t { Done, Running, Blocked };

class CreationLedger {
 public:
  using DomainRef = std::shared_ptr<Domain>;

  // Where the ledger looks.
  struct Eyes {
    // `number`: of the system call it began with.
    std::function<Creating(pid_t tid, int number)> look_at;
    // Threads that no task stands for.
    std::function<std::vector<ThreadName>()> list_unknown;
    std::function<uint64_t(pid_t tid)> start_of;
    std::function<void()> pause;  // some microseconds
  };

  CreationLedger(const Eyes& eyes, DomainRef root) : eyes_(eyes), turn_(std::move(root)) {}

  // A thread in `domain` is about to create another.
  void begin(pid_t creator, int number, const DomainRef& domain);
  // It has made another call since, or ended.
  void end(pid_t creator);
  // Of a thread that is seen for the first time.
  DomainRef take_new(pid_t tid);

 private:
  struct Creator {
    pid_t tid;
    int number;
    DomainRef domain;
  };
  struct Known {
    uint64_t start;
    DomainRef domain;
  };

  void settle();
  bool look_at_creators();
  bool is_written_down(const ThreadName& thread) const;
  size_t count_fresh(const std::vector<ThreadName>& threads) const;
  void write_down(const std::vector<ThreadName>& threads);
  bool is_done(const Creator& creator) const;
  DomainRef strictest() const;

  const Eyes& eyes_;
  DomainRef turn_;
  std::vector<Creator> creators_;  // whose clone() may not have ended
  size_t unseen_ = 0;              // begun this turn, and nobody new was seen for it
  std::vector<Creator> late_;      // of earlier turns, and not known to have ended
  std::unordered_map<pid_t, Known> known_;
};

}  // namespace lxnet::host::landlock
