// Descriptors are the kernel's own: numbers, copies, inheritance, limits and types.

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "tests/hosts/linux/supervised.hh"

namespace lxnet::test {
namespace {

TEST(Descriptors, ASocketTakesTheLowestFreeNumber) {
  expect_same([] {
    int first = bound_socket(), second = bound_socket();
    CHECK_THAT(second == first + 1);
    ::close(first);
    CHECK_THAT(bound_socket() == first);
    struct stat status;
    CHECK_THAT(::fstat(second, &status) == 0 && S_ISSOCK(status.st_mode));
    char path[64], target[64] = {};
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", second);
    CHECK_THAT(::readlink(path, target, sizeof target - 1) > 0 && std::strncmp(target, "socket:[", 8) == 0);
  });
}

TEST(Descriptors, DatagramsArriveWithTheirSender) {
  expect_same([] {
    int receiver = bound_socket(), sender = bound_socket();
    send_to_port(sender, port_of(receiver), "hello");
    char text[16] = {};
    sockaddr_in from = {};
    socklen_t size = sizeof from;
    CHECK_THAT(::recvfrom(receiver, text, sizeof text, 0, reinterpret_cast<sockaddr*>(&from), &size) == 5);
    CHECK_THAT(std::strcmp(text, "hello") == 0 && ntohs(from.sin_port) == port_of(sender));
  });
}

TEST(Descriptors, CopiesAndChildrenShareTheSocket) {
  expect_same([] {
    int receiver = bound_socket();
    int copy = ::dup(receiver), high = ::fcntl(receiver, F_DUPFD, 100);
    int port = port_of(high);
    ::close(receiver);
    if (::fork() == 0) {
      send_to_port(bound_socket(), port, "from the child");
      ::_exit(0);
    }
    char text[32];
    CHECK_THAT(::read(copy, text, sizeof text) == 14);
    ::wait(nullptr);
    CHECK_THAT(::fcntl(copy, F_SETFL, O_NONBLOCK) == 0);
    CHECK_THAT((::fcntl(high, F_GETFL) & O_NONBLOCK) != 0);
    CHECK_THAT(::read(high, text, sizeof text) == -1 && errno == EAGAIN);
  });
}

TEST(Descriptors, TheLastCloseFreesThePortAtOnce) {
  expect_same([] {
    sockaddr_in name = {};
    socklen_t size = sizeof name;
    int first = bound_socket();
    ::getsockname(first, reinterpret_cast<sockaddr*>(&name), &size);
    for (int round = 0; round < 200; round++) {
      int copy = ::dup(first);
      ::close(first);
      int second = ::socket(AF_INET, SOCK_DGRAM, 0);
      CHECK_THAT(::bind(second, reinterpret_cast<sockaddr*>(&name), size) == -1 && errno == EADDRINUSE);
      ::close(copy);
      CHECK_THAT(::bind(second, reinterpret_cast<sockaddr*>(&name), size) == 0);
      first = second;
    }
  });
}

TEST(Descriptors, TheDeathOfAChildFreesItsPort) {
  expect_same([] {
    sockaddr_in name = {};
    socklen_t size = sizeof name;
    int probe = bound_socket();
    ::getsockname(probe, reinterpret_cast<sockaddr*>(&name), &size);
    ::close(probe);
    for (int round = 0; round < 20; round++) {
      pid_t child = ::fork();
      if (child == 0) {
        int held = ::socket(AF_INET, SOCK_DGRAM, 0);
        ::_exit(::bind(held, reinterpret_cast<sockaddr*>(&name), size) == 0 ? 0 : 1);
      }
      int status = 0;
      ::waitpid(child, &status, 0);
      CHECK_THAT(status == 0);
    }
  });
}

TEST(Descriptors, CloseOnExecAndInheritanceAcrossExec) {
  expect_same([] {
    int kept = bound_socket(), gone = bound_socket(SOCK_CLOEXEC);
    CHECK_THAT(::fcntl(gone, F_GETFD) == FD_CLOEXEC && ::fcntl(kept, F_GETFD) == 0);
    send_to_port(gone, port_of(kept), "through exec");
    pid_t child = ::fork();
    if (child == 0) {
      char script[160];
      std::snprintf(script, sizeof script, "test ! -e /proc/self/fd/%d || exit 3; test \"$(head -c 12 <&%d)\" = 'through exec'",
                    gone, kept);
      ::execl("/bin/sh", "sh", "-c", script, nullptr);
      ::_exit(9);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK_THAT(status == 0);
  });
}

TEST(Descriptors, AVforkedChildHandsSocketsToWhatItExecs) {
  expect_same([] {
    int receiver = bound_socket(), sender = ::socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in name = {};
    socklen_t size = sizeof name;
    ::getsockname(receiver, reinterpret_cast<sockaddr*>(&name), &size);
    CHECK_THAT(::connect(sender, reinterpret_cast<sockaddr*>(&name), size) == 0);
    CHECK_THAT(::dup2(sender, 9) == 9);
    pid_t child = ::vfork();
    if (child == 0) {
      ::execl("/bin/sh", "sh", "-c", "echo from afar >&9", nullptr);
      ::_exit(9);
    }
    char text[32] = {};
    CHECK_THAT(::recv(receiver, text, sizeof text, 0) == 10 && std::strcmp(text, "from afar\n") == 0);
    int status = 0;
    CHECK_THAT(::waitpid(child, &status, 0) == child && status == 0);
  });
}

TEST(Descriptors, ProcAndFstatAgreeThatItIsASocket) {
  expect_same([] {
    int fd = bound_socket(), copy = ::dup(fd), other = bound_socket();
    struct stat one = {}, two = {}, third = {};
    CHECK_THAT(::fstat(fd, &one) == 0 && ::fstat(copy, &two) == 0 && ::fstat(other, &third) == 0);
    CHECK_THAT(S_ISSOCK(one.st_mode) && one.st_ino == two.st_ino && one.st_dev == two.st_dev && one.st_ino != third.st_ino);
    char path[64], target[64] = {}, wanted[64];
    std::snprintf(path, sizeof path, "/proc/self/fd/%d", copy);
    std::snprintf(wanted, sizeof wanted, "socket:[%lu]", static_cast<unsigned long>(one.st_ino));
    CHECK_THAT(::readlink(path, target, sizeof target - 1) > 0 && std::strcmp(target, wanted) == 0);
    CHECK_THAT(::open(path, O_RDONLY) == -1 && errno == ENXIO);
    CHECK_THAT(::lseek(fd, 0, SEEK_SET) == -1 && errno == ESPIPE && ::ftruncate(fd, 0) == -1 && errno == EINVAL);
  });
}

TEST(Descriptors, TheProgramsOwnLimitHolds) {
  expect_same([] {
    int first = bound_socket();
    rlimit limit = {.rlim_cur = static_cast<rlim_t>(first) + 3, .rlim_max = static_cast<rlim_t>(first) + 3};
    ::setrlimit(RLIMIT_NOFILE, &limit);
    CHECK_THAT(bound_socket() == first + 1 && bound_socket() == first + 2);
    CHECK_THAT(::socket(AF_INET, SOCK_DGRAM, 0) == -1 && errno == EMFILE);
    ::close(first);
    CHECK_THAT(::socket(AF_INET, SOCK_DGRAM, 0) == first);
  });
}

TEST(Descriptors, CloseRangeAndDup2CloseSockets) {
  expect_same([] {
    sockaddr_in name = {};
    socklen_t size = sizeof name;
    int first = bound_socket();
    ::getsockname(first, reinterpret_cast<sockaddr*>(&name), &size);
    CHECK_THAT(::dup2(0, first) == first);
    int second = ::socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_THAT(::bind(second, reinterpret_cast<sockaddr*>(&name), size) == 0);
    CHECK_THAT(::syscall(SYS_close_range, second, second, 0) == 0);
    int third = ::socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_THAT(::bind(third, reinterpret_cast<sockaddr*>(&name), size) == 0);
  });
}

TEST(Descriptors, OtherFilesAreUntouched) {
  expect_same([] {
    int pipe_ends[2];
    CHECK_THAT(::pipe(pipe_ends) == 0);
    char text[8] = {};
    CHECK_THAT(::write(pipe_ends[1], "abc", 3) == 3 && ::read(pipe_ends[0], text, sizeof text) == 3);
    CHECK_THAT(::read(-1, text, 1) == -1 && errno == EBADF);
    CHECK_THAT(::recv(pipe_ends[0], text, 1, 0) == -1 && errno == ENOTSOCK);
    int unix_ends[2];
    CHECK_THAT(::socketpair(AF_UNIX, SOCK_STREAM, 0, unix_ends) == 0);
    CHECK_THAT(::send(unix_ends[0], "x", 1, 0) == 1 && ::recv(unix_ends[1], text, 8, 0) == 1);
  });
}

TEST(Descriptors, ASocketPassedToAnotherProcessIsTheSameSocket) {
  expect_same([] {
    int unix_ends[2];
    CHECK_THAT(::socketpair(AF_UNIX, SOCK_STREAM, 0, unix_ends) == 0);
    int receiver = bound_socket();
    int port = port_of(receiver);
    char control[CMSG_SPACE(sizeof(int))] = {}, byte = 'x';
    iovec data = {&byte, 1};
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    pid_t child = ::fork();
    if (child == 0) {
      ::close(receiver);
      CHECK_THAT(::recvmsg(unix_ends[1], &message, 0) == 1);
      int passed;
      std::memcpy(&passed, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof passed);
      CHECK_THAT(port_of(passed) == port);
      send_to_port(passed, port, "to itself");
      char text[16];
      CHECK_THAT(::recv(passed, text, sizeof text, 0) == 9);
      ::_exit(program_failures);
    }
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &receiver, sizeof receiver);
    CHECK_THAT(::sendmsg(unix_ends[0], &message, 0) == 1);
    ::close(receiver);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK_THAT(status == 0);
  });
}

TEST(Descriptors, PollMixesSocketsAndPipes) {
  expect_same([] {
    int pipe_ends[2];
    CHECK_THAT(::pipe(pipe_ends) == 0);
    int receiver = bound_socket();
    pollfd set[3] = {{receiver, POLLIN, 0}, {pipe_ends[0], POLLIN, 0}, {-1, POLLIN, 0}};
    CHECK_THAT(::poll(set, 3, 0) == 0);
    if (::fork() == 0) {
      ::usleep(20'000);
      ::_exit(::write(pipe_ends[1], "x", 1) == 1 ? 0 : 1);
    }
    CHECK_THAT(::poll(set, 3, 5000) == 1 && set[0].revents == 0 && set[1].revents == POLLIN);
    send_to_port(receiver, port_of(receiver), "x");
    CHECK_THAT(::poll(set, 3, 5000) == 2 && set[0].revents == POLLIN);
    long start = now_millis();
    set[0].fd = -1;
    set[1].fd = bound_socket();
    CHECK_THAT(::poll(set, 3, 50) == 0 && now_millis() - start >= 50);
  });
}

}  // namespace
}  // namespace lxnet::test
