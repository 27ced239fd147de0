#include "hosts/linux/foreign_file.hh"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/uio.h>

#include <algorithm>

#include "hal/lxnet.h"

namespace lxnet::host {
namespace {

constexpr uint32_t kAllEvents = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;
constexpr int64_t kRestart = -512;  // ERESTARTSYS

uint32_t poll_bits(int fd) {
  // All bits that a poll method may report.
  pollfd request = {.fd = fd, .events = 0x3ff | POLLRDHUP, .revents = 0};
  ::poll(&request, 1, 0);
  return static_cast<uint16_t>(request.revents);
}

}  // namespace

ForeignFile::~ForeignFile() {
  if (is_watched_) loop_.remove(fd_.get(), this);
}

int ForeignFile::watch() {
  if (is_watched_) return 0;
  int error = loop_.add(fd_.get(), kAllEvents, this);
  is_watched_ = error == 0;
  return error;
}

int64_t ForeignFile::poll(lxnet_poll_waiter* waiter) {
  // Watched before it is looked at, so that no change is missed.
  if (int error = watch(); error != 0) return error;
  if (waiter != nullptr) waiters_.push_back(waiter);
  return poll_bits(fd_.get());
}

void ForeignFile::cancel(lxnet_poll_waiter* waiter) {
  auto found = std::find(waiters_.begin(), waiters_.end(), waiter);
  if (found != waiters_.end()) waiters_.erase(found);
}

void ForeignFile::on_event(uint32_t) {
  uint32_t bits = poll_bits(fd_.get());
  ref();  // a waiter may let go of the file
  for (Fiber* fiber : blocked_) fibers_.unpark(fiber);
  std::vector<lxnet_poll_waiter*> waiters = waiters_;
  for (lxnet_poll_waiter* waiter : waiters) {
    // An earlier one may have cancelled it.
    if (std::find(waiters_.begin(), waiters_.end(), waiter) != waiters_.end()) lxnet_foreign_ready(waiter, bits);
  }
  unref();
}

int64_t ForeignFile::wait_until_ready(short events) {
  for (;;) {
    if (watch() != 0 || (poll_bits(fd_.get()) & (static_cast<uint32_t>(events) | POLLERR | POLLHUP)) != 0) return 0;
    if (::fcntl(fd_.get(), F_GETFL) & O_NONBLOCK) return -EAGAIN;
    Fiber* self = fibers_.current();
    blocked_.push_back(self);
    int answer = fibers_.park(INT64_MAX, true);
    blocked_.erase(std::find(blocked_.begin(), blocked_.end(), self));
    if (answer == LXNET_PARK_INTERRUPTED) return kRestart;
  }
}

int64_t ForeignFile::read(void* to, size_t size, int64_t* offset) {
  if (offset == nullptr) {
    if (int64_t error = wait_until_ready(POLLIN); error != 0) return error;
  }
  ssize_t done = offset == nullptr ? ::read(fd_.get(), to, size) : ::pread(fd_.get(), to, size, *offset);
  if (done < 0) return -errno;
  if (offset != nullptr) *offset += done;
  return done;
}

int64_t ForeignFile::write(const void* from, size_t size, int64_t* offset) {
  if (offset == nullptr) {
    if (int64_t error = wait_until_ready(POLLOUT); error != 0) return error;
    // A pipe that is writable takes this much without blocking us.
    if (is_watched_) size = std::min<size_t>(size, 4096);
  }
  ssize_t done = offset == nullptr ? ::write(fd_.get(), from, size) : ::pwrite(fd_.get(), from, size, *offset);
  if (done < 0) return -errno;
  if (offset != nullptr) *offset += done;
  return done;
}

}  // namespace lxnet::host
