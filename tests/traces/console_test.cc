// A kernel without ptrace: it prints its calls to its console, between whatever else it says, and `lxnet diff` compares that with
// strace's log of the same program on Linux. The kernel here is hosts/threads; the program is programs/exchange.c, compiled once
// as a program and once into this test, with the kernel's calls for libc's.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "hosts/threads/thread_host.hh"

namespace lxnet::trace {
namespace kernel {
namespace {

threads::ThreadHost* host;

template <typename... Arguments>
int64_t call(long number, Arguments... arguments) {
  const int64_t result = host->call(number, arguments...);
  return result < 0 ? -1 : result;
}

int kernel_socket(int family, int type, int protocol) { return static_cast<int>(call(SYS_socket, family, type, protocol)); }
int kernel_bind(int fd, const sockaddr* name, socklen_t size) { return static_cast<int>(call(SYS_bind, fd, name, size)); }
int kernel_connect(int fd, const sockaddr* name, socklen_t size) { return static_cast<int>(call(SYS_connect, fd, name, size)); }
int kernel_listen(int fd, int backlog) { return static_cast<int>(call(SYS_listen, fd, backlog)); }
int kernel_accept(int fd, sockaddr* name, socklen_t* size) { return static_cast<int>(call(SYS_accept, fd, name, size)); }
int kernel_getsockname(int fd, sockaddr* name, socklen_t* size) {
  return static_cast<int>(call(SYS_getsockname, fd, name, size));
}
int kernel_getpeername(int fd, sockaddr* name, socklen_t* size) {
  return static_cast<int>(call(SYS_getpeername, fd, name, size));
}
int kernel_shutdown(int fd, int how) { return static_cast<int>(call(SYS_shutdown, fd, how)); }
int kernel_close(int fd) { return static_cast<int>(call(SYS_close, fd)); }
int kernel_poll(pollfd* fds, nfds_t count, int timeout) { return static_cast<int>(call(SYS_poll, fds, count, timeout)); }
int kernel_setsockopt(int fd, int level, int name, const void* value, socklen_t size) {
  return static_cast<int>(call(SYS_setsockopt, fd, level, name, value, size));
}
int kernel_getsockopt(int fd, int level, int name, void* value, socklen_t* size) {
  return static_cast<int>(call(SYS_getsockopt, fd, level, name, value, size));
}
ssize_t kernel_sendto(int fd, const void* data, size_t size, int flags, const sockaddr* name, socklen_t name_size) {
  return call(SYS_sendto, fd, data, size, flags, name, name_size);
}
ssize_t kernel_send(int fd, const void* data, size_t size, int flags) { return kernel_sendto(fd, data, size, flags, nullptr, 0); }
ssize_t kernel_recvfrom(int fd, void* data, size_t size, int flags, sockaddr* name, socklen_t* name_size) {
  return call(SYS_recvfrom, fd, data, size, flags, name, name_size);
}
ssize_t kernel_recv(int fd, void* data, size_t size, int flags) {
  return kernel_recvfrom(fd, data, size, flags, nullptr, nullptr);
}
ssize_t kernel_recvmsg(int fd, msghdr* message, int flags) { return call(SYS_recvmsg, fd, message, flags); }

// clang-format off
#define socket kernel_socket
#define bind kernel_bind
#define connect kernel_connect
#define listen kernel_listen
#define accept kernel_accept
#define getsockname kernel_getsockname
#define getpeername kernel_getpeername
#define shutdown kernel_shutdown
#define close kernel_close
#define poll kernel_poll
#define setsockopt kernel_setsockopt
#define getsockopt kernel_getsockopt
#define sendto kernel_sendto
#define send kernel_send
#define recvfrom kernel_recvfrom
#define recv kernel_recv
#define recvmsg kernel_recvmsg
#define main exchange
#include "tests/traces/programs/exchange.c"
#undef main
#undef socket
#undef bind
#undef connect
#undef listen
#undef accept
#undef getsockname
#undef getpeername
#undef shutdown
#undef close
#undef poll
#undef setsockopt
#undef getsockopt
#undef sendto
#undef send
#undef recvfrom
#undef recv
#undef recvmsg
// clang-format on

}  // namespace
}  // namespace kernel

namespace {

namespace fs = std::filesystem;

class ConsoleTest : public testing::Test {
 protected:
  void SetUp() override {
    if (system("command -v strace >/dev/null") != 0) GTEST_SKIP() << "strace is not installed";
    char name[] = "/tmp/lxnet-console.XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    const std::string native =
        "strace -f -e trace=%network,poll -o " + file("linux") + " " + (bin_ / "program_exchange").string();
    ASSERT_EQ(system(native.c_str()), 0) << native;
    run_on_kernel();
  }
  void TearDown() override {
    if (!HasFailure() && !directory_.empty()) fs::remove_all(directory_);
  }

  std::string file(const std::string& name) const { return directory_ + "/" + name; }

  void say(const std::string& text) { console_ += "[    0.000001] " + text + "\r\n"; }

  void run_on_kernel() {
    say("lxnet: a kernel boots");
    {
      threads::ThreadHost host("console");
      lxnet_trace trace = {};
      trace.struct_size = sizeof trace;
      trace.string_limit = 32;
      trace.ctx = this;
      trace.line = [](void* ctx, const char* text, size_t size) {
        static_cast<ConsoleTest*>(ctx)->say("strace: 1 " + std::string(text, size));
      };
      ASSERT_EQ(lxnet_trace_enable(host.c_stack(), &trace), 0);
      kernel::host = &host;
      kernel::exchange();
    }
    say("strace: 1 +++ exited with 0 +++");
    say("lxnet: halted");
  }

  int compare() const {
    std::ofstream(file("console"), std::ios::binary) << console_;
    const std::string diff = (bin_ / "lxnet-diff").string() + " --color never --marker 'strace: ' --traces " + file("linux") +
                             " " + file("console") + " > " + file("report");
    return WEXITSTATUS(system(diff.c_str()));
  }

  std::string report() const {
    std::ifstream stream(file("report"));
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  fs::path bin_ = fs::read_symlink("/proc/self/exe").parent_path();
  std::string directory_, console_;
};

TEST_F(ConsoleTest, AKernelsLogIsComparedWithLinuxs) {
  EXPECT_EQ(compare(), 0) << report() << console_;
  EXPECT_NE(report().find("calls compared 3"), std::string::npos) << report();  // thirty and some
}

TEST_F(ConsoleTest, AWrongAnswerInAKernelsLogIsFound) {
  const size_t at = console_.find("ECONNREFUSED");
  ASSERT_NE(at, std::string::npos);
  console_.replace(at, 12, "EHOSTUNREACH");
  EXPECT_EQ(compare(), 1);
  EXPECT_NE(report().find("Linux ECONNREFUSED, lxnet EHOSTUNREACH"), std::string::npos) << report();
  EXPECT_NE(report().find("divergent 1"), std::string::npos) << report();
}

}  // namespace
}  // namespace lxnet::trace
