#include "hosts/linux/file_table.hh"

#include <errno.h>
#include <linux/kcmp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "hosts/linux/call_table.hh"
#include "hosts/linux/ring_mapping.hh"

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

// 0: `fd` is the file that the watcher's entry is for; -ENOENT: there is no entry any more; other values: another file.
int compare_with_entry(int fd, int watcher, int number) {
  kcmp_epoll_slot slot = {.efd = static_cast<uint32_t>(watcher), .tfd = static_cast<uint32_t>(number), .toff = 0};
  long order = ::syscall(SYS_kcmp, ::getpid(), ::getpid(), KCMP_EPOLL_TFD, fd, &slot);
  return order < 0 ? -errno : static_cast<int>(order);
}

// Epoll sets are files without a type, as all that the kernel makes without a name.
bool may_be_set(int fd) {
  struct stat status;
  return ::fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) == 0;
}

}  // namespace

int FileTable::install(const Call& call, lxnet_file* file, bool is_cloexec) {
  auto end = std::make_unique<End>(*this, file, nullptr);
  bool is_set = std::string_view(call.row.name).starts_with("epoll_create");
  return is_set ? install_set(call, std::move(end), is_cloexec) : install_end(call, std::move(end), is_cloexec);
}

int FileTable::install_set(const Call& call, std::unique_ptr<End> end, bool is_cloexec) {
  OwnedFd set(::epoll_create1(EPOLL_CLOEXEC)), watcher(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event nothing = {};
  if (::epoll_ctl(watcher.get(), EPOLL_CTL_ADD, set.get(), &nothing) != 0) return -ENFILE;
  // A kernel that cannot compare files.
  if (compare_with_entry(set.get(), watcher.get(), set.get()) != 0) return install_end(call, std::move(end), is_cloexec);
  int number = call.listener.add_fd(call.notice.id, set.get(), is_cloexec);
  if (number == -ENOENT || number == -EINPROGRESS) return -EMFILE;
  if (number < 0) return number;
  end->fd_ = std::move(watcher);
  end->number_in_watcher_ = set.get();
  sets_.push_back(std::move(end));
  return number;
}

void FileTable::sweep() {
  for (size_t i = 0; i < sets_.size();) {
    End& end = *sets_[i];
    if (compare_with_entry(end.fd_.get(), end.fd_.get(), end.number_in_watcher_) != -ENOENT) {
      i++;
      continue;
    }
    lxnet_file* file = end.file_;
    sets_.erase(sets_.begin() + static_cast<std::ptrdiff_t>(i));
    if (file != nullptr) on_last_close_(file);
  }
}

bool FileTable::is_kernels_set(const lxnet_file* file) const {
  return std::any_of(sets_.begin(), sets_.end(), [file](const auto& end) { return end->file_ == file; });
}

int FileTable::install(const Call& call, std::unique_ptr<TunableFile> tunable, bool is_cloexec) {
  return install_end(call, std::make_unique<End>(*this, nullptr, std::move(tunable)), is_cloexec);
}

FileTable::Reserved FileTable::reserve(const Call& call, bool is_cloexec) {
  auto end = std::make_unique<End>(*this, nullptr, nullptr);
  const End& there = *end;
  const int number = install_end(call, std::move(end), is_cloexec);
  if (number < 0) return {};
  return {.number = number, .cookie = there.cookie_, .is_cloexec = is_cloexec};
}

bool FileTable::is_reserved(const Reserved& reserved) const {
  const auto found = reserved.number < 0 ? ends_.end() : ends_.find(reserved.cookie);
  return found != ends_.end() && found->second->file_ == nullptr;
}

bool FileTable::adopt(const Reserved& reserved, lxnet_file* file) {
  if (!is_reserved(reserved)) return false;
  ends_.find(reserved.cookie)->second->file_ = file;
  return true;
}

lxnet_file* FileTable::find_by_inode(ino_t inode) const {
  lxnet_file* found = nullptr;
  for_each([&](lxnet_file* file, ino_t its_inode) {
    if (its_inode == inode) found = file;
  });
  return found;
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
  if (lxnet_file* mapped = cookie == 0 ? rings_.find(copy.get()) : nullptr; mapped != nullptr) {
    found = std::find_if(ends_.begin(), ends_.end(), [&](const auto& entry) { return entry.second->file_ == mapped; });
  }
  if (found != ends_.end()) return found->second.get();
  if (cookie != 0) *error = ENOTSOCK;
  if (cookie != 0 || sets_.empty() || !may_be_set(copy.get())) return nullptr;
  for (const auto& end : sets_) {
    if (compare_with_entry(copy.get(), end->fd_.get(), end->number_in_watcher_) == 0) return end.get();
  }
  return nullptr;
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
