// The two processes of a walk that forks: both go through the same steps, and one waits while it is the other's turn.
#pragma once

#include <sys/types.h>

#include <functional>

namespace walk {

class Sharing {
 public:
  bool is_child() const { return is_child_; }
  bool has_other() const { return is_child_ || child_ > 0; }
  // `flush` writes what a process has of the log before the other goes on.
  void fork(const std::function<void()>& flush);
  // Runs `step` if it is this process's turn, and otherwise waits for its end. Without a child its steps are left out.
  void take_turn(bool is_childs, const std::function<void()>& step, const std::function<void()>& flush);
  // The child ends; the other waits for that.
  void leave(const std::function<void()>& flush);

 private:
  pid_t child_ = 0;
  bool is_child_ = false;
  int in_ = -1, out_ = -1;
};

}  // namespace walk
