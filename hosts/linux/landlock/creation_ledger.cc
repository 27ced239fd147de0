#include "hosts/linux/landlock/creation_ledger.hh"

#include <algorithm>
#include <iterator>

#include "hosts/linux/landlock/domain.hh"

namespace lxnet::host::landlock {
namespace {

// A clone() takes tens of microseconds, a fork() of a large process some milliseconds, and on a busy machine both wait for a
// processor. Who is blocked in it waits for the child of a vfork, as a rule, and not for a little while.
constexpr int kMostPauses = 1000, kPausesForBlocked = 5, kPausesBetweenLists = 50;
constexpr int kEnded = -1;  // in place of a call's number

int depth_of(const std::shared_ptr<Domain>& domain) { return domain == nullptr ? 0 : domain->depth(); }

}  // namespace

void CreationLedger::begin(pid_t creator, int number, const DomainRef& domain) {
  const bool is_late_over =
      !late_.empty() && std::all_of(late_.begin(), late_.end(), [&](const Creator& late) { return is_done(late); });
  if (domain != turn_ || is_late_over) {
    if (unseen_ > 0 || !late_.empty()) settle();
    creators_.clear();
    unseen_ = 0;
    turn_ = domain;
  }
  creators_.push_back({creator, number, domain});
  unseen_++;
}

void CreationLedger::end(pid_t creator) {
  std::erase_if(creators_, [&](const Creator& begun) { return begun.tid == creator; });
  for (Creator& late : late_) {
    if (late.tid == creator) late.number = kEnded;
  }
}

CreationLedger::DomainRef CreationLedger::take_new(pid_t tid) {
  if (auto found = known_.find(tid); found != known_.end()) {
    Known known = std::move(found->second);
    known_.erase(found);
    if (known.start == eyes_.start_of(tid)) return known.domain;
  }
  if (late_.empty() && unseen_ > 0) unseen_--;
  return strictest();
}

// Of those in which the new may have been created.
CreationLedger::DomainRef CreationLedger::strictest() const {
  DomainRef domain = turn_;
  for (const Creator& late : late_) {
    if (depth_of(late.domain) > depth_of(domain)) domain = late.domain;
  }
  return domain;
}

bool CreationLedger::is_done(const Creator& creator) const {
  return creator.number == kEnded || eyes_.look_at(creator.tid, creator.number) == Creating::Done;
}

// The end of a turn: all threads there are have their domain written down. Who has ended is asked before they are listed, for
// whoever ends meanwhile may have created somebody who is not on the list.
void CreationLedger::settle() {
  for (int pauses = 0;; pauses++) {
    const bool is_running = look_at_creators();
    const bool is_last = pauses == kMostPauses || (!is_running && pauses >= kPausesForBlocked);
    if (creators_.empty() || is_last || pauses % kPausesBetweenLists == kPausesBetweenLists - 1) {
      std::vector<Creator> open;
      std::copy_if(late_.begin(), late_.end(), std::back_inserter(open), [&](const Creator& late) { return !is_done(late); });
      const std::vector<ThreadName> threads = eyes_.list_unknown();
      // As many as were begun: then whoever is in clone() yet has only to return from it.
      if (late_.empty() && count_fresh(threads) >= unseen_) creators_.clear();
      if (creators_.empty() || is_last) {
        write_down(threads);
        std::move(creators_.begin(), creators_.end(), std::back_inserter(open));
        late_ = std::move(open);
        return;
      }
    }
    eyes_.pause();
  }
}

// Strikes those out that have ended. Whether one of the others may only lack a processor.
bool CreationLedger::look_at_creators() {
  bool is_running = false;
  std::erase_if(creators_, [&](const Creator& creator) {
    const Creating state = eyes_.look_at(creator.tid, creator.number);
    is_running = is_running || state == Creating::Running;
    return state == Creating::Done;
  });
  return is_running;
}

bool CreationLedger::is_written_down(const ThreadName& thread) const {
  auto found = known_.find(thread.tid);
  return found != known_.end() && found->second.start == thread.start;
}

size_t CreationLedger::count_fresh(const std::vector<ThreadName>& threads) const {
  return static_cast<size_t>(std::count_if(
      threads.begin(), threads.end(), [this](const ThreadName& thread) { return thread.is_ours && !is_written_down(thread); }));
}

void CreationLedger::write_down(const std::vector<ThreadName>& threads) {
  const DomainRef domain = strictest();
  std::unordered_map<pid_t, Known> known;
  for (const ThreadName& thread : threads) {
    known.emplace(thread.tid, is_written_down(thread) ? known_.at(thread.tid) : Known{thread.start, domain});
  }
  known_ = std::move(known);
}

}  // namespace lxnet::host::landlock
