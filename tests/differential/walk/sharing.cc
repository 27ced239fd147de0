#include "tests/differential/walk/sharing.hh"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace walk {
namespace {

// Beyond the numbers of the walk's own descriptors.
constexpr int kAbove = 100;

int lift(int fd) {
  const int lifted = fcntl(fd, F_DUPFD, kAbove);
  close(fd);
  return lifted;
}

}  // namespace

void Sharing::fork(const std::function<void()>& flush) {
  if (has_other()) return;
  flush();
  int down[2], up[2];
  if (pipe(down) != 0 || pipe(up) != 0) abort();
  const int ends[] = {lift(down[0]), lift(down[1]), lift(up[0]), lift(up[1])};
  child_ = ::fork();
  if (child_ < 0) abort();
  is_child_ = child_ == 0;
  in_ = is_child_ ? ends[0] : ends[2];
  out_ = is_child_ ? ends[3] : ends[1];
  close(is_child_ ? ends[1] : ends[3]);
  close(is_child_ ? ends[2] : ends[0]);
}

void Sharing::take_turn(bool is_childs, const std::function<void()>& step, const std::function<void()>& flush) {
  if (!has_other()) {
    if (!is_childs) step();
    return;
  }
  char token = 0;
  if (is_childs == is_child_) {
    step();
    flush();
    if (write(out_, &token, 1) != 1) _exit(4);
    return;
  }
  ssize_t size;
  while ((size = read(in_, &token, 1)) < 0 && errno == EINTR) {
  }
  if (size != 1) _exit(5);
}

void Sharing::leave(const std::function<void()>& flush) {
  if (is_child_) {
    flush();
    _exit(0);
  }
  if (child_ == 0) return;
  int status = 0;
  while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = 0;
  close(in_);
  close(out_);
}

}  // namespace walk
