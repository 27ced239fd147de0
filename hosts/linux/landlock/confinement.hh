// What programs forbid themselves by Landlock, at lxnet's sockets: the kernel confines the program's threads in all else, but
// these sockets it never sees used.
//
// Each thread (task.hh) has its domain (domain.hh), which its restrict_self changes and its children are born with
// (creation_ledger.hh). Why so: docs/decisions/0010-landlock-is-asked-of-the-kernel.md.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>

#include "hal/hal.h"
#include "hosts/linux/call.hh"
#include "hosts/linux/landlock/creation_ledger.hh"

namespace lxnet::host {

class Listener;
class TaskTable;

namespace landlock {

class Confinement {
 public:
  explicit Confinement(TaskTable& tasks);

  // The thread's first notice has come.
  void adopt(Task& task);
  // A notice of a thread that was creating another.
  void note_call(Task& task);
  void note_death(Task& task) { note_call(task); }
  // Before clone() and its kin go on.
  void note_creation(const Call& call);
  // landlock_create_ruleset and landlock_restrict_self: the answer, where they are not to go on natively.
  std::optional<int64_t> note_ruleset(const Call& call) const;
  std::optional<int64_t> note_restriction(const Call& call);

 private:
  CreationLedger& ledger_of(const Listener* listener);

  CreationLedger::Eyes eyes_;
  std::shared_ptr<Domain> root_;
  std::unordered_map<const Listener*, CreationLedger> ledgers_;
};

// Fills in what hal.h has for it.
void add_confinement(lxnet_hal& hal);

// landlock_create_ruleset's answer to a wish for more than kNewestAbi knows, where the kernel would grant it: EINVAL, E2BIG.
struct RulesetAttributes;
std::optional<int> refuse_unknown(const RulesetAttributes& known, bool has_more);

}  // namespace landlock
}  // namespace lxnet::host
