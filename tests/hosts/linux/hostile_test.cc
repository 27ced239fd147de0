// Programs that do their worst: the supervisor answers as Linux does, or at least survives.

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "tests/hosts/linux/supervised.hh"

namespace lxnet::test {
namespace {

constexpr size_t kPage = 4096;

// Two pages, the second of which cannot be touched; the end of the first.
char* edge() {
  char* pages = static_cast<char*>(::mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ::mprotect(pages + kPage, kPage, PROT_NONE);
  return pages + kPage;
}

sockaddr_in loopback(int port) {
  sockaddr_in name = {};
  name.sin_family = AF_INET;
  name.sin_port = htons(static_cast<uint16_t>(port));
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return name;
}

TEST(Hostile, BadPointersAreEfault) {
  expect_same([] {
    int fd = bound_socket();
    sockaddr_in name = loopback(port_of(fd));
    auto* to = reinterpret_cast<sockaddr*>(&name);
    CHECK_THAT(::sendto(fd, edge() - 3, 4, 0, to, sizeof name) == -1 && errno == EFAULT);
    CHECK_THAT(::sendto(fd, edge() - 4, 4, 0, to, sizeof name) == 4);
    CHECK_THAT(::recv(fd, edge() - 4, 4, 0) == 4);
    CHECK_THAT(::sendto(fd, "x", 1, 0, reinterpret_cast<sockaddr*>(edge() - 8), sizeof name) == -1 && errno == EFAULT);
    CHECK_THAT(::bind(fd, reinterpret_cast<sockaddr*>(8), sizeof name) == -1 && errno == EFAULT);
    CHECK_THAT(::getsockname(fd, reinterpret_cast<sockaddr*>(-1), nullptr) == -1 && errno == EFAULT);
    send_to_port(fd, port_of(fd), "text");
    CHECK_THAT(::recv(fd, reinterpret_cast<char*>(~0ull - 100), 4, 0) == -1 && errno == EFAULT);
    send_to_port(fd, port_of(fd), "text");
    CHECK_THAT(::recv(fd, const_cast<char*>("read only"), 4, 0) == -1 && errno == EFAULT);
  });
}

TEST(Hostile, MemoryUnmappedDuringACallIsEfault) {
  expect_same([] {
    int fd = bound_socket();
    char* buffer = edge() - kPage;
    pthread_t thread;
    static int port;
    static char* unmapped;
    port = port_of(fd);
    unmapped = buffer;
    auto unmap_and_send = [](void*) -> void* {
      ::usleep(20'000);
      ::munmap(unmapped, kPage);
      send_to_port(bound_socket(), port, "text");
      return nullptr;
    };
    ::pthread_create(&thread, nullptr, unmap_and_send, nullptr);
    CHECK_THAT(::recv(fd, buffer, 4, 0) == -1 && errno == EFAULT);
    ::pthread_join(thread, nullptr);
  });
}

TEST(Hostile, ASocketClosedUnderABlockedCallGoesOnForIt) {
  expect_same([] {
    static int fd;
    fd = bound_socket();
    int port = port_of(fd);
    pthread_t thread;
    auto receive = [](void*) -> void* {
      char text[8];
      CHECK_THAT(::recv(fd, text, sizeof text, 0) == 4);
      return nullptr;
    };
    ::pthread_create(&thread, nullptr, receive, nullptr);
    ::usleep(30'000);
    ::close(fd);
    int other = ::socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in name = loopback(port);
    CHECK_THAT(::bind(other, reinterpret_cast<sockaddr*>(&name), sizeof name) == -1 && errno == EADDRINUSE);
    send_to_port(other, port, "text");
    ::pthread_join(thread, nullptr);
    // The thread's own release of the file is the kernel's last.
    int attempts = 0;
    while (::bind(::socket(AF_INET, SOCK_DGRAM, 0), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 && attempts < 100)
      attempts++;
    CHECK_THAT(attempts < 100);
  });
}

TEST(Hostile, AThousandThreadsBlockAtOnce) {
  expect_same([] {
    constexpr int kThreads = 1000;
    static int sockets[kThreads];
    std::vector<pthread_t> threads(kThreads);
    pthread_attr_t small;
    ::pthread_attr_init(&small);
    ::pthread_attr_setstacksize(&small, 64 * 1024);
    auto receive = [](void* fd) -> void* {
      char text[8];
      CHECK_THAT(::recv(*static_cast<int*>(fd), text, sizeof text, 0) == 2);
      return nullptr;
    };
    for (int i = 0; i < kThreads; i++) {
      sockets[i] = bound_socket();
      CHECK_THAT(::pthread_create(&threads[static_cast<size_t>(i)], &small, receive, &sockets[i]) == 0);
    }
    int sender = bound_socket();
    for (int i = kThreads - 1; i >= 0; i--) send_to_port(sender, port_of(sockets[i]), "go");
    for (pthread_t thread : threads) ::pthread_join(thread, nullptr);
  });
}

TEST(Hostile, KilledAtRandomMomentsLeavesNothing) {
  expect_same([] {
    int probe = bound_socket();
    sockaddr_in name = loopback(port_of(probe));
    ::close(probe);
    std::srand(7);
    for (int round = 0; round < 60; round++) {
      pid_t child = ::fork();
      if (child == 0) {
        int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
        if (::bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) ::_exit(1);
        char text[8];
        for (;;) {
          ::sendto(fd, "x", 1, 0, reinterpret_cast<sockaddr*>(&name), sizeof name);
          ::recv(fd, text, sizeof text, 0);
          if (std::rand() % 4 == 0) ::close(::socket(AF_INET, SOCK_DGRAM, 0));
        }
      }
      ::usleep(static_cast<useconds_t>(std::rand() % 3000));
      ::kill(child, SIGKILL);
      int status = 0;
      ::waitpid(child, &status, 0);
      CHECK_THAT(WIFSIGNALED(status));
    }
    int after = ::socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_THAT(::bind(after, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
    send_to_port(after, ntohs(name.sin_port), "still served");
  });
}

TEST(Hostile, ManyProcessesAtOnce) {
  expect_same([] {
    constexpr int kProcesses = 200;
    int collector = bound_socket();
    int port = port_of(collector);
    for (int i = 0; i < kProcesses; i++) {
      if (::fork() == 0) {
        int own = bound_socket();
        char text[8];
        for (int round = 0; round < 5; round++) {
          send_to_port(own, port_of(own), "own");
          CHECK_THAT(::recv(own, text, sizeof text, 0) == 3);
        }
        ::_exit(program_failures);
      }
    }
    for (int i = 0; i < kProcesses; i++) {
      int status = 0;
      CHECK_THAT(::wait(&status) > 0 && status == 0);
    }
    send_to_port(bound_socket(), port, "end");
    char text[8];
    CHECK_THAT(::recv(collector, text, sizeof text, 0) == 3);
  });
}

TEST(Hostile, WaysAroundTheFilterMayBeLeftToTheKernel) {
  EXPECT_EQ(run_on_lxnet(
                [] {
                  char parameters[120] = {};
                  const long ring = ::syscall(SYS_io_uring_setup, 8, parameters);
                  CHECK_THAT(ring >= 0 || errno != ENOSYS);
                  if (ring >= 0) CHECK_THAT(::listen(static_cast<int>(ring), 1) == -1 && errno == ENOTSOCK);
                  CHECK_THAT(::syscall(SYS_userfaultfd, 0) == -1 && errno == ENOSYS);
                },
                {.host_calls = {"io_uring"}}),
            0);
}

TEST(Hostile, WaysAroundTheFilterAreAbsent) {
  EXPECT_EQ(run_on_lxnet(
                [] {
                  char parameters[120] = {};
                  CHECK_THAT(::syscall(SYS_io_uring_setup, 8, parameters) == -1 && errno == ENOSYS);
                  CHECK_THAT(::syscall(SYS_userfaultfd, 0) == -1 && errno == ENOSYS);
                  // socket(2) of x32.
                  CHECK_THAT(::syscall(0x40000000 | SYS_socket, AF_INET, SOCK_DGRAM, 0) == -1 && errno == ENOSYS);
                  // Bits that the kernel does not look at do not hide a call.
                  int fd = bound_socket();
                  CHECK_THAT(::syscall(SYS_fcntl, fd, 0x7'0000'0003ul /* F_GETFL */, 0) == O_RDWR);
                },
                {.refuses_rings = true}),
            0);
}

constexpr char k32BitProgram[] = R"(
  #include <netinet/in.h>
  #include <stdio.h>
  #include <string.h>
  #include <sys/socket.h>
  #include <sys/syscall.h>
  #include <unistd.h>
  static int is_known_to_the_kernel(int port) {
    char line[256], wanted[32];
    FILE* table = fopen("/proc/self/net/udp", "r");
    sprintf(wanted, "0100007F:%04X", port);
    while (fgets(line, sizeof line, table)) if (strstr(line, wanted)) return 1;
    return 0;
  }
  int main(int count, char** arguments) {
    if (count > 2) return 0;
    struct sockaddr_in name = {0};
    unsigned long size = sizeof name;
    char text[8] = {0};
    int fd = syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (syscall(SYS_bind, fd, &name, size) != 0) return 1;
    unsigned long asked[3] = {fd, (unsigned long)&name, (unsigned long)&size};
    if (syscall(SYS_socketcall, 6, asked) != 0) return 2;
    if (syscall(SYS_sendto, fd, "hello", 5, 0, &name, size) != 5) return 3;
    unsigned long received[6] = {fd, (unsigned long)text, sizeof text, 0, 0, 0};
    if (syscall(SYS_socketcall, 12, received) != 5) return 4;
    if (is_known_to_the_kernel(ntohs(name.sin_port)) != (count > 1)) return 5;
    return strcmp(text, "hello") == 0 ? 0 : 6;
  })";

// Direct calls and socketcall alike.
TEST(Hostile, A32BitProgramIsServedToo) {
  char directory[] = "/tmp/lxnet-i386-XXXXXX";
  ASSERT_NE(::mkdtemp(directory), nullptr);
  std::string program = std::string(directory) + "/program";
  FILE* file = std::fopen((program + ".c").c_str(), "w");
  std::fputs(k32BitProgram, file);
  std::fclose(file);
  bool is_built = false;
  for (std::string compiler : {"gcc -m32 -idirafter /usr/include/x86_64-linux-gnu", "i686-linux-gnu-gcc"}) {
    is_built = is_built || std::system((compiler + " -static -o " + program + " " + program + ".c 2>/dev/null").c_str()) == 0;
  }
  // A kernel may have been built, or be run by its hypervisor, without such programs.
  const bool is_run =
      is_built && run_natively([&] { ::_exit(::execl(program.c_str(), "program", "do", "nothing", nullptr)); }) == 0;
  if (is_run) {
    EXPECT_EQ(run_natively([&] { ::_exit(::execl(program.c_str(), "program", "natively", nullptr)); }), 0);
    EXPECT_EQ(run_on_lxnet([&] { ::_exit(::execl(program.c_str(), "program", nullptr)); }, {.proc = host::ProcView::OfTheHost}),
              0);
  }
  ASSERT_EQ(std::system((std::string("rm -r ") + directory).c_str()), 0);
  if (!is_run) GTEST_SKIP() << (is_built ? "this kernel runs no 32-bit programs" : "no 32-bit compiler and C library here");
}

TEST(Hostile, LandlockIsOffUnlessItIsAskedFor) {
  const auto version = [] { return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1); };
  EXPECT_EQ(run_on_lxnet([=] { CHECK_THAT(version() == -1 && errno == EOPNOTSUPP); }), 0);
  if (version() < 0) GTEST_SKIP() << "no Landlock here";
  EXPECT_EQ(run_on_lxnet([=] { CHECK_THAT(version() > 0); }, {.follows_landlock = true}), 0);
}

}  // namespace
}  // namespace lxnet::test
