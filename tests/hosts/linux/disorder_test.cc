// Programs whose threads and processes work against each other, while another program on the same network goes on undisturbed.

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "tests/hosts/linux/supervised.hh"

namespace lxnet::test {
namespace {

// Echoes over TCP, checks every byte, and fails if anything is wrong with it. Ends when `over` has a byte.
pid_t start_bystander(int over) {
  pid_t pid = ::fork();
  if (pid != 0) return pid;
  int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in name = {};
  socklen_t size = sizeof name;
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK_THAT(::bind(listener, reinterpret_cast<sockaddr*>(&name), size) == 0 && ::listen(listener, 1) == 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size);
  int client = ::socket(AF_INET, SOCK_STREAM, 0);
  CHECK_THAT(::connect(client, reinterpret_cast<sockaddr*>(&name), size) == 0);
  int server = ::accept(listener, nullptr, nullptr);
  std::string sent(700, 'a'), got(700, '\0');
  unsigned rounds = 0;
  for (pollfd set = {over, POLLIN, 0}; ::poll(&set, 1, 0) == 0; rounds++) {
    for (char& c : sent) c = static_cast<char>('a' + (rounds + static_cast<unsigned>(&c - sent.data())) % 26);
    CHECK_THAT(::send(client, sent.data(), sent.size(), 0) == static_cast<ssize_t>(sent.size()));
    CHECK_THAT(::recv(server, got.data(), got.size(), MSG_WAITALL) == static_cast<ssize_t>(got.size()) && sent == got);
    ::usleep(500);
  }
  CHECK_THAT(rounds > 0);
  ::_exit(std::min(program_failures, 99));
}

// Runs `disorder` beside a bystander.
void expect_undisturbed(const std::function<void()>& disorder) {
  expect_same([&] {
    int over[2];
    CHECK_THAT(::pipe(over) == 0);
    pid_t bystander = start_bystander(over[0]);
    ::usleep(20'000);
    disorder();
    int status = 0;
    CHECK_THAT(::write(over[1], "x", 1) == 1 && ::waitpid(bystander, &status, 0) == bystander && status == 0);
  });
}

struct Chaos {
  std::atomic<bool> is_over{false};
  static constexpr int kFirst = 40, kCount = 24;  // descriptors that everybody uses and closes
};
Chaos chaos;

// Blocks, whatever is done with it, for two milliseconds at most; what it accepts does too.
int impatient_socket(int type) {
  int fd = ::socket(AF_INET, type, 0);
  timeval limit = {0, 2000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return fd;
}

int some_fd(unsigned* seed) { return Chaos::kFirst + ::rand_r(seed) % Chaos::kCount; }

void do_something(unsigned* seed) {
  int fd = some_fd(seed), other = some_fd(seed);
  char bytes[300];
  sockaddr_in name = {};
  socklen_t size = sizeof name;
  epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {}};
  switch (::rand_r(seed) % 16) {
    case 0:
      ::close(fd);
      break;
    case 1:
      if (int made = impatient_socket(::rand_r(seed) % 2 ? SOCK_STREAM : SOCK_DGRAM); made >= 0) ::dup2(made, fd), ::close(made);
      break;
    case 2:
      ::dup2(fd, other);
      break;
    case 3:
      name.sin_family = AF_INET;
      name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      ::bind(fd, reinterpret_cast<sockaddr*>(&name), size);
      ::listen(fd, 3);
      break;
    case 4:
      if (::getsockname(other, reinterpret_cast<sockaddr*>(&name), &size) == 0) {
        ::connect(fd, reinterpret_cast<sockaddr*>(&name), size);
      }
      break;
    case 5:
      if (int made = ::accept4(fd, nullptr, nullptr, 0); made >= 0 && made < Chaos::kFirst) ::dup2(made, other), ::close(made);
      break;
    case 6:
      ::send(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
      break;
    case 7:
      ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
      break;
    case 8:
      ::shutdown(fd, ::rand_r(seed) % 3);
      break;
    case 9:
      if (int made = ::epoll_create1(0); made >= 0) ::dup2(made, fd), ::close(made);
      break;
    case 10:
      ::epoll_ctl(fd, 1 + ::rand_r(seed) % 3, other, &event);
      break;
    case 11:
      ::epoll_wait(fd, &event, 1, 1);
      break;
    case 12: {
      pollfd set[2] = {{fd, POLLIN, 0}, {other, POLLOUT, 0}};
      ::poll(set, 2, 1);
      break;
    }
    case 13:
      ::recv(fd, bytes, sizeof bytes, 0);
      break;
    case 14:
      ::sendto(fd, bytes, 20, MSG_DONTWAIT | MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&name), size);
      break;
    default:
      ::syscall(SYS_close_range, fd, fd + 2, 0);
  }
}

TEST(Disorder, ThreadsCloseWhatOthersUse) {
  expect_undisturbed([] {
    std::vector<pthread_t> threads(6);
    chaos.is_over = false;
    auto work = [](void* seed) -> void* {
      auto own = static_cast<unsigned>(reinterpret_cast<uintptr_t>(seed));
      while (!chaos.is_over) do_something(&own);
      return nullptr;
    };
    for (size_t i = 0; i < threads.size(); i++) ::pthread_create(&threads[i], nullptr, work, reinterpret_cast<void*>(i + 1));
    ::usleep(700'000);
    chaos.is_over = true;
    for (pthread_t thread : threads) ::pthread_join(thread, nullptr);
    for (int fd = Chaos::kFirst; fd < Chaos::kFirst + Chaos::kCount; fd++) ::close(fd);
    int fd = bound_socket();
    CHECK_THAT(fd >= 0 && fd < Chaos::kFirst);
  });
}

TEST(Disorder, ProcessesOfManyThreadsAreKilledAtRandom) {
  expect_undisturbed([] {
    std::srand(11);
    for (int round = 0; round < 25; round++) {
      pid_t child = ::fork();
      if (child == 0) {
        auto work = [](void* seed) -> void* {
          auto own = static_cast<unsigned>(reinterpret_cast<uintptr_t>(seed));
          for (;;) do_something(&own);
        };
        for (int i = 0; i < 4; i++) {
          pthread_t thread;
          ::pthread_create(&thread, nullptr, work, reinterpret_cast<void*>(static_cast<uintptr_t>(round * 10 + i)));
        }
        for (;;) ::pause();
      }
      ::usleep(static_cast<useconds_t>(std::rand() % 20'000));
      ::kill(child, SIGKILL);
      int status = 0;
      CHECK_THAT(::waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    }
  });
}

// A tree of processes, each of which makes sockets, forks two more and does not wait for them.
void be_a_bomb(int depth) {
  for (int forks = 0; forks < 2 && depth > 0;) {
    const bool is_child = ::fork() == 0;
    forks = is_child ? 0 : forks + 1;
    if (is_child) depth--;
  }
  int fd = bound_socket();
  char byte;
  send_to_port(fd, port_of(fd), "x");
  CHECK_THAT(::recv(fd, &byte, 1, 0) == 1);
  ::_exit(program_failures);
}

TEST(Disorder, AForkBombWithinItsLimit) {
  expect_undisturbed([] {
    // Orphans come to us, so that it is known when the last has ended.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (::fork() == 0) be_a_bomb(7);
    int bad = 0, ended = 0;
    for (int status; ended < 255 && ::waitpid(-1, &status, 0) > 0; ended++) bad += status != 0;
    CHECK_THAT(ended == 255 && bad == 0);
  });
}

TEST(Disorder, AFilterOfTheProgramsOwnHoldsToo) {
  expect_undisturbed([] {
    // getpeername fails with EXDEV, and everything else is as before: also for a child and after an exec.
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpeername, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog program = {.len = 4, .filter = code};
    pid_t child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      CHECK_THAT(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
      int fd = bound_socket();
      sockaddr_in name = {};
      socklen_t size = sizeof name;
      CHECK_THAT(::getpeername(fd, reinterpret_cast<sockaddr*>(&name), &size) == -1 && errno == EXDEV);
      send_to_port(fd, port_of(fd), "x");
      char byte;
      CHECK_THAT(::recv(fd, &byte, 1, 0) == 1);
      // What ends the program for a call ends it here too.
      code[2] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
      code[1].k = SYS_listen;
      pid_t victim = ::fork();
      if (victim == 0) {
        CHECK_THAT(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
        ::listen(fd, 1);
        ::_exit(0);
      }
      int status = 0;
      ::waitpid(victim, &status, 0);
      CHECK_THAT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
      ::_exit(program_failures);
    }
    int status = 0;
    CHECK_THAT(::waitpid(child, &status, 0) == child && status == 0);
  });
}

}  // namespace
}  // namespace lxnet::test
