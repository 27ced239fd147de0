#include "hosts/linux/listener.hh"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <cstring>

// Linux 6.6; the headers of the build machine may be older.
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif

namespace lxnet::host {

Listener::Listener(EventLoop& loop, OwnedFd fd, std::function<void(Listener&, const seccomp_notif&)> on_notice)
    : loop_(loop), fd_(std::move(fd)), on_notice_(std::move(on_notice)) {
  // Runs the supervisor on the caller's processor at once. An older kernel refuses, and is only slower.
  ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
  loop_.add(fd_.get(), EPOLLIN, this);
}

Listener::~Listener() { loop_.remove(fd_.get(), this); }

void Listener::on_event(uint32_t events) {
  if (events & EPOLLIN) {
    // A newer kernel's struct may be longer than ours and demands zeroed room for all of it.
    union {
      seccomp_notif notice;
      char room[256];
    };
    std::memset(room, 0, sizeof room);
    if (::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_RECV, &notice) == 0) on_notice_(*this, notice);
  } else if (events & EPOLLHUP) {
    has_ended_ = true;
    loop_.remove(fd_.get(), this);
  }
}

bool Listener::is_valid(uint64_t id) const { return ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0; }

bool Listener::answer(uint64_t id, int64_t value) const {
  seccomp_notif_resp response = {.id = id, .val = 0, .error = 0, .flags = 0};
  if (value < 0 && value >= -4095) {
    response.error = static_cast<int32_t>(value);
  } else {
    response.val = value;
  }
  return ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response) == 0;
}

bool Listener::continue_natively(uint64_t id) const {
  seccomp_notif_resp response = {.id = id, .val = 0, .error = 0, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
  return ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response) == 0;
}

int Listener::add_fd(uint64_t id, int fd, bool is_cloexec) const {
  return install({.id = id,
                  .flags = 0,
                  .srcfd = static_cast<uint32_t>(fd),
                  .newfd = 0,
                  .newfd_flags = is_cloexec ? uint32_t{O_CLOEXEC} : 0});
}

int Listener::put_fd(uint64_t id, int fd, int number, bool is_cloexec) const {
  return install({.id = id,
                  .flags = SECCOMP_ADDFD_FLAG_SETFD,
                  .srcfd = static_cast<uint32_t>(fd),
                  .newfd = static_cast<uint32_t>(number),
                  .newfd_flags = is_cloexec ? uint32_t{O_CLOEXEC} : 0});
}

int Listener::install(seccomp_notif_addfd request) const {
  const int number = ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &request);
  return number >= 0 ? number : -errno;
}

}  // namespace lxnet::host
