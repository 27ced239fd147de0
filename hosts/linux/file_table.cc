#include "hosts/linux/file_table.hh"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <utility>

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

namespace lxnet::host {
namespace {

// Zero when the descriptor is not a socket.
uint64_t socket_cookie(int fd) {
  uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  return ::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

// More than the smallest send buffer lets a writable socket hold. And whoever is blocked on it natively, because another thread
// put it under a number that was something else a moment before, is not blocked for good: EAGAIN, after a tick.
void make_unready(int fd) {
  timeval tick = {.tv_sec = 0, .tv_usec = 1};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof tick);
  int smallest = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest);
  static const char kFilling[2048] = {};
  ::send(fd, kFilling, sizeof kFilling, MSG_DONTWAIT);
}

}  // namespace

int FileTable::install(const Call& call, lxnet_file* file, bool is_cloexec) {
  return install_end(call, std::make_unique<End>(*this, file, nullptr), is_cloexec);
}

int FileTable::install(const Call& call, std::unique_ptr<TunableFile> tunable, bool is_cloexec) {
  return install_end(call, std::make_unique<End>(*this, nullptr, std::move(tunable)), is_cloexec);
}

int FileTable::install_end(const Call& call, std::unique_ptr<End> end, bool is_cloexec) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -ENFILE;
  OwnedFd ours(ends[0]), program_end(ends[1]);
  make_unready(program_end.get());
  uint64_t cookie = socket_cookie(program_end.get());
  int number = call.listener.add_fd(call.notice.id, program_end.get(), is_cloexec);
  // The program is being killed; nobody will see the answer.
  if (number == -ENOENT || number == -EINPROGRESS) return -EMFILE;
  if (number < 0) return number;
  int our_end = ours.get();
  struct stat status = {};
  ::fstat(program_end.get(), &status);
  end->fd_ = std::move(ours);
  end->cookie_ = cookie;
  end->inode_ = status.st_ino;
  // Level-triggered and hang-up only: a copy that was closed before this line is heard of too.
  loop_.add(our_end, 0, end.get());
  ends_.emplace(cookie, std::move(end));
  return number;
}

FileTable::End* FileTable::find_end(const Task& task, int fd, int* error) const {
  OwnedFd copy(task.copy_fd(fd));
  if (!copy.is_open()) {
    // A process that forbids looking into it (it is not dumpable) keeps what the kernel gives it.
    *error = copy.get() == -EBADF ? EBADF : ENOTSOCK;
    return nullptr;
  }
  uint64_t cookie = socket_cookie(copy.get());
  // Opened with O_PATH a descriptor names a file and is open to none of our calls.
  if (cookie == 0) *error = errno == EBADF ? EBADF : ENOTSOCK;
  auto found = cookie == 0 ? ends_.end() : ends_.find(cookie);
  if (found == ends_.end()) {
    if (cookie != 0) *error = ENOTSOCK;
    return nullptr;
  }
  return found->second.get();
}

FileTable::Found FileTable::look_up(const Task& task, int fd, int* error) const {
  End* end = find_end(task, fd, error);
  if (end == nullptr) return {};
  if (end->file_ == nullptr) *error = end->tunable_ != nullptr ? ENOTSOCK : EBADF;
  return {end->file_, end->tunable_.get()};
}

lxnet_file* FileTable::disown(const Task& task, int fd) {
  int error = 0;
  End* end = find_end(task, fd, &error);
  return end == nullptr ? nullptr : std::exchange(end->file_, nullptr);
}

void FileTable::End::on_event(uint32_t) {
  FileTable& table = table_;
  lxnet_file* file = file_;
  table.loop_.remove(fd_.get(), this);
  table.ends_.erase(cookie_);  // and *this
  if (file != nullptr) table.on_last_close_(file);
}

}  // namespace lxnet::host
