#include "hosts/linux/foreign_file.hh"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/magic.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "hal/lxnet.h"
#include "hosts/linux/call_table.hh"
#include "hosts/linux/signal_file.hh"
#include "hosts/linux/user_memory.hh"

namespace lxnet::host {
namespace {

constexpr uint32_t kReading = EPOLLIN | EPOLLPRI | EPOLLRDNORM | EPOLLRDBAND | EPOLLMSG | EPOLLRDHUP;
constexpr uint32_t kWriting = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
constexpr uint32_t kChange = EPOLLPRI | EPOLLERR;  // what files of /proc say of a change
constexpr int64_t kRestartSys = -512;

long compare(int type, uint64_t first, uint64_t second) {
  return ::syscall(SYS_kcmp, ::getpid(), ::getpid(), type, first, second);
}

}  // namespace

ForeignFile::ForeignFile(ForeignTable& table, Key key, OwnedFd fd) : table_(table), key_(key), fd_(std::move(fd)) {
  table_.files_.emplace(key_, this);
}

ForeignFile::~ForeignFile() {
  if (signals_) table_.signal_files_--;
  auto [first, last] = table_.files_.equal_range(key_);
  table_.files_.erase(std::find_if(first, last, [this](const auto& entry) { return entry.second == this; }));
}

ForeignFile::Side::~Side() {
  if (set_.is_open()) file_.table_.loop_.remove(heard_fd_, this);
}

int64_t ForeignFile::Side::open(uint32_t events, Hears hears) {
  int fd = file_.fd_.get();
  OwnedFd set(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event = {.events = events, .data = {}};
  if (::epoll_ctl(set.get(), EPOLL_CTL_ADD, fd, &event) != 0) return -errno;
  set_ = std::move(set);
  heard_fd_ = hears == Hears::FromSet ? set_.get() : fd;
  return file_.table_.loop_.add(heard_fd_, (hears == Hears::FromSet ? uint32_t{EPOLLIN} : events) | EPOLLET, this);
}

uint32_t ForeignFile::Side::bits() const {
  epoll_event event = {};
  return set_.is_open() && ::epoll_wait(set_.get(), &event, 1, 0) == 1 ? event.events : 0;
}

void ForeignFile::Side::on_event(uint32_t events) {
  if (file_.signals_) return;  // of our own signals
  file_.tell(file_.is_on_proc_ ? events : bits());
}

// An inode may be open many times, and all eventfds and their like share one.
bool ForeignFile::is_same_file(int fd) const {
  if (fd_.is_open()) return compare(KCMP_FILE, static_cast<uint64_t>(fd), static_cast<uint64_t>(fd_.get())) == 0;
  kcmp_epoll_slot slot = {
      .efd = static_cast<uint32_t>(reading_.set().get()), .tfd = static_cast<uint32_t>(number_in_set_), .toff = 0};
  return compare(KCMP_EPOLL_TFD, static_cast<uint64_t>(fd), reinterpret_cast<uint64_t>(&slot)) == 0;
}

void ForeignFile::release() {
  if (--holders_ == 0 && !is_on_proc_) fd_.close();
  drop_if_unused();
}

void ForeignFile::unwatch() {
  watchers_--;
  drop_if_unused();
}

void ForeignFile::drop_if_unused() {
  if (holders_ == 0 && watchers_ == 0) delete this;
}

int64_t ForeignFile::start_watching() {
  if (reading_.is_open()) return 0;
  // Mounts, swaps and tunables forget a change with the first poll that tells of it, so the loop must hear it at first hand, and
  // it is kept until a call asks. Such a file stays open while it is watched.
  struct statfs where;
  bool is_on_proc = ::fstatfs(fd_.get(), &where) == 0 && where.f_type == PROC_SUPER_MAGIC;
  number_in_set_ = fd_.get();
  int64_t error =
      is_on_proc ? reading_.open(kReading | kWriting, Side::Hears::AtFirstHand) : reading_.open(kReading, Side::Hears::FromSet);
  is_on_proc_ = is_on_proc && error == 0;
  return error != 0 || is_on_proc ? error : writing_.open(kWriting, Side::Hears::FromSet);
}

void ForeignFile::become_signal_file(uint64_t signals) {
  signals_ = signals;
  table_.signal_files_++;
}

uint32_t ForeignFile::signal_bits() {
  Fiber* fiber = table_.fibers_.current();
  if (fiber == nullptr || fiber->call == nullptr) return 0;
  if (fd_.is_open()) {
    signals_ = signals_of_signalfd(fd_.get()).value_or(0);
  } else if (!is_watching_anything(reading_.set().get())) {
    return 0;
  }
  Task& task = *fiber->call->task;
  std::optional<ProcessStatus> status = read_process_status_at(task.status_fd());
  if (!status) return 0;
  uint64_t waiting = (status->pending | status->shared_pending) & *signals_;
  if (uint64_t fresh = table_.take_fresh(task, *status, *signals_)) table_.tell_signals(fresh, this);
  return waiting != 0 ? uint32_t{EPOLLIN} : 0;
}

uint32_t ForeignFile::poll_bits() {
  if (signals_) return signal_bits();
  return reading_.bits() | writing_.bits() | std::exchange(told_once_, 0);
}

int64_t ForeignFile::poll(lxnet_poll_waiter* waiter) {
  // Watched before it is looked at, so that no change is missed.
  if (int64_t error = start_watching(); error != 0) return error;
  if (waiter != nullptr && std::find(waiters_.begin(), waiters_.end(), waiter) == waiters_.end()) waiters_.push_back(waiter);
  return poll_bits();
}

void ForeignFile::cancel(lxnet_poll_waiter* waiter) {
  auto found = std::find(waiters_.begin(), waiters_.end(), waiter);
  if (found != waiters_.end()) waiters_.erase(found);
}

void ForeignFile::tell(uint32_t bits) {
  if (is_on_proc_) told_once_ |= bits & kChange;
  watch();  // a waiter may let go of the file
  for (Fiber* fiber : blocked_) table_.fibers_.unpark(fiber);
  tell_waiters(bits);
  unwatch();
}

// As the kernel wakes a queue: all that share the event, and of those that do not the first that takes it.
void ForeignFile::tell_waiters(uint32_t bits) {
  std::vector<lxnet_poll_waiter*> waiters = waiters_;
  std::stable_partition(waiters.begin(), waiters.end(), [](auto* waiter) { return lxnet_foreign_is_exclusive(waiter) == 0; });
  for (lxnet_poll_waiter* waiter : waiters) {
    // An earlier one may have cancelled it.
    if (std::find(waiters_.begin(), waiters_.end(), waiter) == waiters_.end()) continue;
    if (lxnet_foreign_ready(waiter, bits) != 0) return;
  }
}

int64_t ForeignFile::wait_until_ready(uint32_t events) {
  while (start_watching() == 0 && (poll_bits() & (events | EPOLLERR | EPOLLHUP)) == 0) {
    if (::fcntl(fd_.get(), F_GETFL) & O_NONBLOCK) return -EAGAIN;
    Fiber* self = table_.fibers_.current();
    blocked_.push_back(self);
    int answer = table_.fibers_.park(INT64_MAX, true);
    blocked_.erase(std::find(blocked_.begin(), blocked_.end(), self));
    if (answer == LXNET_PARK_INTERRUPTED) return kRestartSys;
  }
  return 0;
}

uint32_t ForeignFile::traits() const {
  const int flags = ::fcntl(fd_.get(), F_GETFL);
  if (flags < 0 || (flags & O_PATH) != 0) return 0;
  uint32_t traits = 0;
  if ((flags & O_ACCMODE) != O_WRONLY) traits |= LXNET_FOREIGN_READABLE;
  if ((flags & O_ACCMODE) != O_RDONLY) traits |= LXNET_FOREIGN_WRITABLE;
  struct stat status = {};
  if (::fstat(fd_.get(), &status) == 0 && S_ISFIFO(status.st_mode)) traits |= LXNET_FOREIGN_PIPE;
  return traits;
}

int64_t ForeignFile::read(void* to, size_t size, int64_t* offset) {
  if (offset == nullptr) {
    if (int64_t error = wait_until_ready(EPOLLIN); error != 0) return error;
  }
  ssize_t done = offset == nullptr ? ::read(fd_.get(), to, size) : ::pread(fd_.get(), to, size, *offset);
  if (done < 0) return -errno;
  if (offset != nullptr) *offset += done;
  return done;
}

int64_t ForeignFile::write(const void* from, size_t size, int64_t* offset) {
  if (offset == nullptr) {
    if (int64_t error = wait_until_ready(EPOLLOUT); error != 0) return error;
    // A pipe that is writable takes a page without blocking us, and as one of its own.
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    if (size != page && (traits() & LXNET_FOREIGN_PIPE) != 0) return append_pages(static_cast<const char*>(from), size);
    if (reading_.is_open()) size = std::min(size, page);
  }
  ssize_t done = offset == nullptr ? ::write(fd_.get(), from, size) : ::pwrite(fd_.get(), from, size, *offset);
  if (done < 0) return -errno;
  if (offset != nullptr) *offset += done;
  return done;
}

// As spliced bytes enter a pipe: in pages of their own, whose rest nothing later is put into, as far as there is room. They are
// written to a pipe of ours, and tee() gives them to this one.
int64_t ForeignFile::append_pages(const char* from, size_t size) {
  ForeignTable::ScratchPipe* scratch = table_.scratch_pipe();
  if (scratch == nullptr) return -ENOMEM;
  size_t done = 0;
  while (done < size) {
    const ssize_t piece = ::write(scratch->writer.get(), from + done, size - done);
    if (piece <= 0) return -EIO;
    const ssize_t there = ::tee(scratch->reader.get(), fd_.get(), static_cast<size_t>(piece), SPLICE_F_NONBLOCK);
    const int error = errno;
    scratch->drop(static_cast<size_t>(piece));
    if (there < 0) return done != 0 ? static_cast<int64_t>(done) : -error;
    done += static_cast<size_t>(there);
    if (there < piece) break;
  }
  return static_cast<int64_t>(done);
}

int64_t ForeignFile::seek(int64_t position) {
  const off_t at = position < 0 ? ::lseek(fd_.get(), 0, SEEK_CUR) : ::lseek(fd_.get(), position, SEEK_SET);
  return at < 0 ? -errno : at;
}

// tee() puts the same bytes into a pipe of ours, and there they are read.
int64_t ForeignFile::peek(void* to, size_t size) {
  ForeignTable::ScratchPipe* scratch = table_.scratch_pipe();
  if (scratch == nullptr) return -ENOMEM;
  const ssize_t there = ::tee(fd_.get(), scratch->writer.get(), size, SPLICE_F_NONBLOCK);
  if (there <= 0) return there < 0 ? -errno : 0;
  size_t read = 0;
  while (read < static_cast<size_t>(there)) {
    const ssize_t piece = ::read(scratch->reader.get(), static_cast<char*>(to) + read, static_cast<size_t>(there) - read);
    if (piece <= 0) return -EIO;
    read += static_cast<size_t>(piece);
  }
  return there;
}

void ForeignTable::ScratchPipe::drop(size_t size) {
  char bytes[4096];
  while (size > 0) {
    const ssize_t piece = ::read(reader.get(), bytes, std::min(size, sizeof bytes));
    if (piece <= 0) return;
    size -= static_cast<size_t>(piece);
  }
}

ForeignTable::ScratchPipe* ForeignTable::scratch_pipe() {
  if (!scratch_.reader.is_open()) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return nullptr;
    scratch_ = {OwnedFd(ends[0]), OwnedFd(ends[1])};
    constexpr int kManyBuffers = 1 << 20;  // tee() copies no more buffers than fit
    ::fcntl(ends[1], F_SETPIPE_SZ, kManyBuffers);
  }
  return &scratch_;
}

void ForeignTable::look_for_signals(Task& task) {
  if (signal_files_ == 0) return;
  std::optional<ProcessStatus> status = read_process_status_at(task.status_fd());
  if (status) note_signals(task, *status);
}

void ForeignTable::note_signals(Task& task, const ProcessStatus& status) {
  if (signal_files_ == 0) return;
  if (uint64_t fresh = take_fresh(task, status, status.blocked)) tell_signals(fresh);
}

uint64_t ForeignTable::take_fresh(Task& task, const ProcessStatus& status, uint64_t which) {
  auto take = [which](uint64_t& told, uint64_t waiting) {
    uint64_t fresh = waiting & which & ~told;
    told = (told & ~which) | (waiting & which);
    return fresh;
  };
  return take(task.told_signals, status.pending) | take(told_shared_[status.tgid], status.shared_pending);
}

void ForeignTable::tell_signals(uint64_t signals, const ForeignFile* known) {
  std::vector<ForeignFile*> hearers;
  for (const auto& [key, file] : files_) {
    if (file != known && file->signals_ && (*file->signals_ & signals) != 0) hearers.push_back(file);
  }
  for (ForeignFile* file : hearers) file->tell(EPOLLIN);
}

// The kernel, too, wakes who polls it for the process, whether there is anything new or not.
void ForeignFile::change_signals(Task& task, uint64_t signals) {
  if (!signals_) return;
  signals_ = signals;
  std::optional<ProcessStatus> status = read_process_status_at(task.status_fd());
  if (status && ((status->pending | status->shared_pending) & signals) != 0) tell(EPOLLIN);
}

void ForeignTable::note_signal_mask(const Call& call) {
  const __u64* arguments = call.notice.data.args;
  uint64_t signals = 0;
  constexpr uint64_t kFlags = O_CLOEXEC | O_NONBLOCK;
  const bool has_flags = std::strcmp(call.row.name, "signalfd4") == 0;
  if (signal_files_ == 0 || arguments[2] != sizeof signals || (has_flags && (arguments[3] & ~kFlags) != 0)) return;
  if (copy_from_task(call.tid(), &signals, arguments[1], sizeof signals) != 0) return;
  OwnedFd fd(call.task->copy_fd(static_cast<int>(arguments[0])));
  struct stat status = {};
  if (!fd.is_open() || ::fstat(fd.get(), &status) != 0) return;
  if (ForeignFile* file = find(fd.get(), {status.st_dev, status.st_ino})) file->change_signals(*call.task, signals);
}

ForeignFile* ForeignTable::find(int fd, const ForeignFile::Key& key) {
  auto [first, last] = files_.equal_range(key);
  auto found = std::find_if(first, last, [fd](const auto& entry) { return entry.second->is_same_file(fd); });
  return found == last ? nullptr : found->second;
}

ForeignFile* ForeignTable::find_or_create(OwnedFd fd) {
  struct stat status = {};
  ::fstat(fd.get(), &status);
  ForeignFile::Key key(status.st_dev, status.st_ino);
  if (ForeignFile* file = find(fd.get(), key)) {
    if (!file->fd_.is_open()) file->fd_ = std::move(fd);
    file->hold();
    return file;
  }
  auto* file = new ForeignFile(*this, key, std::move(fd));
  bool is_anonymous = (status.st_mode & S_IFMT) == 0;  // eventfds, signalfds and their like
  if (std::optional<uint64_t> signals = is_anonymous ? signals_of_signalfd(file->fd_.get()) : std::nullopt) {
    file->become_signal_file(*signals);
  }
  return file;
}

}  // namespace lxnet::host
