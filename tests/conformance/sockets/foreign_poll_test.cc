// Polling what is no socket: descriptors that are open to nothing, files that forget a change when they are asked, and waiters
// that share a pipe's events.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/conformance/sockets/posix.hh"

namespace conformance {
namespace {

long add_to(int set, int fd, uint32_t events) {
  epoll_event event{.events = events, .data = {.fd = fd}};
  return answer(::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
}
uint32_t events_of(int set, int milliseconds) {
  epoll_event event{};
  return ::epoll_wait(set, &event, 1, milliseconds) == 1 ? event.events : 0;
}

TEST(PathDescriptorTest, IsOpenToNoCall) {
  const Fd path(::open("/", O_PATH)), set(::epoll_create1(0)), socket(::socket(AF_INET, SOCK_DGRAM, 0));
  ASSERT_GE(path, 0);
  EXPECT_EQ(add_to(set, path, EPOLLIN), -EBADF);
  EXPECT_EQ(add_to(path, set, EPOLLIN), -EBADF);
  char byte;
  EXPECT_EQ(answer(::recv(path, &byte, 1, 0)), -EBADF);
  EXPECT_EQ(answer(::listen(path, 1)), -EBADF);
  pollfd polled{.fd = path, .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&polled, 1, 0), 1);
  EXPECT_EQ(polled.revents, POLLNVAL);
}

TEST(ExclusiveTest, OneEventOfAPipeWakesOneOfTheSetsThatWait) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd reader(ends[0]), writer(ends[1]);
  constexpr int kWaiters = 3;
  pid_t waiters[kWaiters];
  int woken[2];
  ASSERT_EQ(::pipe(woken), 0);
  for (pid_t& pid : waiters) {
    pid = ::fork();
    if (pid != 0) continue;
    const Fd set(::epoll_create1(0));
    const bool added = add_to(set, reader, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE) == 0;
    char ready = added ? 'r' : '?';
    if (::write(woken[1], &ready, 1) != 1) ::_exit(1);
    const bool waited = events_of(set, 30000) == EPOLLIN;
    char done = 'w';
    ::_exit(waited && ::write(woken[1], &done, 1) == 1 ? 0 : 1);
  }
  const Fd news(woken[0]);
  ::close(woken[1]);
  char said;
  for (int i = 0; i < kWaiters; i++) {
    ASSERT_EQ(::read(news, &said, 1), 1);
    ASSERT_EQ(said, 'r');
  }
  // Asleep in epoll_wait, all of them: nothing says so but their state.
  for (pid_t pid : waiters) {
    const std::string file = "/proc/" + std::to_string(pid) + "/stat";
    for (char state = 'R'; state != 'S';) {
      const Fd stat(::open(file.c_str(), O_RDONLY));
      char text[512] = {};
      ASSERT_GT(::read(stat, text, sizeof text - 1), 0);
      state = std::strrchr(text, ')')[2];
      ::sched_yield();
    }
  }
  ::usleep(20000);  // from written to asleep in the right call
  for (int round = 0; round < kWaiters; round++) {
    ASSERT_EQ(::write(writer, "x", 1), 1);
    ASSERT_EQ(::read(news, &said, 1), 1);
    pollfd more{.fd = news, .events = POLLIN, .revents = 0};
    EXPECT_EQ(round + 1 < kWaiters ? ::poll(&more, 1, 50) : 0, 0) << "a second waiter woke";
    ASSERT_EQ(::read(reader, &said, 1), 1);
  }
  for (pid_t pid : waiters) {
    int status = -1;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
  }
}

TEST(MountsTest, AChangeIsToldOnceThoughThePollThatTellsForgetsIt) {
  if (::unshare(CLONE_NEWNS) != 0) GTEST_SKIP() << "mounting needs root";
  ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  const Fd mounts(::open("/proc/self/mounts", O_RDONLY)), set(::epoll_create1(0));
  ASSERT_EQ(add_to(set, mounts, EPOLLPRI), 0);
  EXPECT_EQ(events_of(set, 0), 0u);
  ASSERT_EQ(::mount("none", "/tmp", "tmpfs", 0, nullptr), 0);
  EXPECT_EQ(events_of(set, 5000), static_cast<uint32_t>(EPOLLPRI | EPOLLERR));
  EXPECT_EQ(events_of(set, 0), 0u);
  ASSERT_EQ(::umount("/tmp"), 0);
  EXPECT_EQ(events_of(set, 5000), static_cast<uint32_t>(EPOLLPRI | EPOLLERR));
  EXPECT_EQ(events_of(set, 0), 0u);
}

}  // namespace
}  // namespace conformance
