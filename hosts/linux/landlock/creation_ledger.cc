#include "hosts/linux/landlock/creation_ledger.hh"

#include <algorithm>
#include <iterator>

#include "hosts/linux/landlock/domain.hh"

namespace lxnet::host::landlock {
namespace {

// A clone() takes tens of microseconds, a fork() of a large process some milliseconds. Who is blocked in it waits for the child
// of a vfork, as a rule, and not for a little while.
constexpr int kMostPauses = 100, kPausesForBlocked = 5;
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

// The end of a turn: all threads there are have their domain written down. Who has ended is asked before, for whoever ends
// meanwhile may have created somebody who is not on the list.
void CreationLedger::settle() {
  wait_for_creators();
  std::vector<Creator> open;
  std::copy_if(late_.begin(), late_.end(), std::back_inserter(open), [&](const Creator& late) { return !is_done(late); });
  const size_t fresh = write_down(eyes_.list_unknown());
  // As many as were begun: then whoever is in clone() yet has only to return from it.
  const bool is_complete = late_.empty() && fresh >= unseen_;
  if (!is_complete) std::move(creators_.begin(), creators_.end(), std::back_inserter(open));
  late_ = std::move(open);
}

void CreationLedger::wait_for_creators() {
  for (int pauses = 0; pauses < kMostPauses; pauses++) {
    bool is_running = false;
    std::erase_if(creators_, [&](const Creator& creator) {
      const Creating state = eyes_.look_at(creator.tid, creator.number);
      is_running = is_running || state == Creating::Running;
      return state == Creating::Done;
    });
    if (creators_.empty() || (!is_running && pauses >= kPausesForBlocked)) return;
    eyes_.pause();
  }
}

// How many of ours are new.
size_t CreationLedger::write_down(const std::vector<ThreadName>& threads) {
  const DomainRef domain = strictest();
  std::unordered_map<pid_t, Known> known;
  size_t fresh = 0;
  for (const ThreadName& thread : threads) {
    auto found = known_.find(thread.tid);
    const bool is_old = found != known_.end() && found->second.start == thread.start;
    known.emplace(thread.tid, is_old ? found->second : Known{thread.start, domain});
    if (!is_old && thread.is_ours) fresh++;
  }
  known_ = std::move(known);
  return fresh;
}

}  // namespace lxnet::host::landlock
