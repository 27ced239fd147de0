// Two processes that share descriptors: a child comes by fork() in the middle of a walk, makes some of the steps, each with its
// own copies, and leaves; what is closed is closed for good only when the last copy is. Beside it, who is signalled for a
// descriptor.
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>
#include <utility>

#include "tests/differential/walk/generator.hh"

namespace walk {

void Generator::sharing_step() {
  if (choose_.one_in(has_child_ ? 60 : 12)) return has_child_ ? child_leaves() : child_comes();
  const size_t first = out_.size();
  const bool is_childs = has_child_ && choose_.one_in(2);
  if (is_childs) swap_slots();
  choose_.one_in(12) ? own(any_slot()) : choose_.one_in(12) ? close(any_slot()) : step();
  if (!is_childs) return;
  swap_slots();
  for (size_t i = first; i < out_.size(); ++i) out_[i].is_childs = true;
}

void Generator::child_comes() {
  has_child_ = true;
  std::copy(std::begin(slots_), std::end(slots_), std::begin(other_slots_));
  add({kFork, "fork"});
}

void Generator::child_leaves() {
  has_child_ = false;
  add({kLeave, "leave"});
}

void Generator::swap_slots() { std::swap_ranges(std::begin(slots_), std::end(slots_), std::begin(other_slots_)); }

void Generator::own(int slot) {
  const int dice = choose_.below(6);
  if (dice < 2) {
    const Argument owner = choose_.one_in(4) ? number(choose_.of({0, -1, 999999})) : Argument{ArgumentKind::OwnPid};
    return add({SYS_fcntl, "fcntl", {slot_argument(slot), number(F_SETOWN), owner}});
  }
  if (dice < 3)
    return add(
        {SYS_fcntl, "fcntl", {slot_argument(slot), number(F_SETSIG), number(choose_.of({0, SIGIO, SIGUSR1, SIGUSR1, 65, -1}))}});
  const int flags = choose_.one_in(3) ? O_NONBLOCK : O_NONBLOCK | O_ASYNC;
  add({SYS_fcntl, "fcntl", {slot_argument(slot), number(F_SETFL), number(flags)}});
}

}  // namespace walk
