// Beginning and end: statuses, signals to the outer process, and nothing left behind whoever dies.

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <string>

#include "hosts/linux/process_tree.hh"
#include "hosts/linux/program.hh"
#include "hosts/linux/run.hh"
#include "tests/hosts/linux/supervised.hh"

namespace lxnet::test {
namespace {

// A pipe that every process of the run inherits: end of file says that all of them are gone.
struct LifeLine {
  int ends[2];
  LifeLine() { EXPECT_EQ(::pipe(ends), 0); }
  ~LifeLine() { ::close(ends[0]); }
  void hold_only_the_reading_end() { ::close(ends[1]); }
  bool is_cut_within(int millis) {
    pollfd set = {ends[0], POLLIN, 0};
    return ::poll(&set, 1, millis) == 1 && (set.revents & POLLHUP) != 0;
  }
};

// The guardian of a run in a process of its own.
pid_t start_run(const host::RunOptions& options, const std::function<int()>& body) {
  pid_t pid = ::fork();
  if (pid == 0) ::_exit(host::run_supervised(options, body));
  return pid;
}

int status_of(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return host::shell_status(status);
}

int exec(std::initializer_list<const char*> words) {
  std::vector<char*> arguments;
  for (const char* word : words) arguments.push_back(const_cast<char*>(word));
  arguments.push_back(nullptr);
  return status_of(start_run({}, [&] { return host::exec_program(arguments.data()); }));
}

// Blocks for good, with a child that does too.
int block_for_good() {
  ::fork();
  char byte;
  ::recv(bound_socket(), &byte, 1, 0);
  return 0;
}

TEST(Lifecycle, StatusesArePassedOnAsAShellShowsThem) {
  EXPECT_EQ(exec({"true"}), 0);
  EXPECT_EQ(exec({"sh", "-c", "exit 7"}), 7);
  EXPECT_EQ(exec({"sh", "-c", "kill -TERM $$"}), 128 + SIGTERM);
  EXPECT_EQ(exec({"sh", "-c", "kill -KILL $$"}), 128 + SIGKILL);
  EXPECT_EQ(exec({"/nonexistent/program"}), 127);
  EXPECT_EQ(exec({"/etc/passwd"}), 126);
}

TEST(Lifecycle, TheHostKernelSeesNothingOfIt) {
  EXPECT_EQ(run_on_lxnet(
                [] {
                  char line[32];
                  std::snprintf(line, sizeof line, "0100007F:%04X", static_cast<unsigned>(port_of(bound_socket())));
                  std::ifstream table("/proc/self/net/udp");
                  std::string text((std::istreambuf_iterator<char>(table)), {});
                  CHECK_THAT(text.find(line) == std::string::npos);
                },
                {.proc = host::ProcView::OfTheHost}),
            0);
}

TEST(Lifecycle, ASignalToTheOuterProcessReachesTheProgram) {
  LifeLine line;
  pid_t guardian = start_run({}, [&] {
    static int ready;
    ready = line.ends[1];
    ::signal(SIGTERM, [](int) { ::_exit(5); });
    char byte = 'r';
    if (::write(ready, &byte, 1) != 1) return 1;
    return block_for_good();
  });
  char byte;
  ASSERT_EQ(::read(line.ends[0], &byte, 1), 1);
  ::kill(guardian, SIGTERM);
  EXPECT_EQ(status_of(guardian), 5);
  line.hold_only_the_reading_end();
  EXPECT_TRUE(line.is_cut_within(1000)) << "the program's child is left behind";
}

// As init, which becomes an orphan's parent natively.
TEST(Lifecycle, WhatAnOrphanSendsToItsParentEndsNobody) {
  pid_t guardian = start_run({}, [] {
    ::signal(SIGTERM, [](int) { ::_exit(6); });
    for (int signal : {SIGALRM, SIGTERM, SIGIO, SIGPROF, SIGPIPE, SIGRTMIN, SIGRTMAX}) {
      int over[2];
      char byte;
      CHECK_THAT(::pipe(over) == 0);
      if (::fork() == 0) {
        pid_t parent = ::getpid();
        if (::fork() != 0) ::_exit(0);
        while (::getppid() == parent) ::usleep(1000);
        CHECK_THAT(::kill(::getppid(), signal) == 0);
        ::_exit(program_failures);
      }
      ::close(over[1]);
      CHECK_THAT(::read(over[0], &byte, 1) == 0);
      CHECK_THAT(bound_socket() >= 0);
    }
    return program_failures;
  });
  EXPECT_EQ(status_of(guardian), 0);
}

TEST(Lifecycle, WhatTheProgramSendsToItsGroupItGetsOnce) {
  pid_t guardian = ::fork();
  if (guardian == 0) {
    ::setpgid(0, 0);
    ::_exit(host::run_supervised({}, [] {
      static int count;
      ::signal(SIGTERM, [](int) { count++; });
      ::kill(0, SIGTERM);
      for (int i = 0; i < 20; i++) ::usleep(5000);
      return count;
    }));
  }
  EXPECT_EQ(status_of(guardian), 1);
}

TEST(Lifecycle, AQueuedSignalReachesTheProgramWithItsValue) {
  LifeLine line;
  pid_t guardian = start_run({}, [&] {
    struct sigaction action = {};
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = [](int, siginfo_t* info, void*) { ::_exit(info->si_value.sival_int); };
    ::sigaction(SIGRTMIN + 3, &action, nullptr);
    char byte = 'r';
    if (::write(line.ends[1], &byte, 1) != 1) return 1;
    return block_for_good();
  });
  char byte;
  ASSERT_EQ(::read(line.ends[0], &byte, 1), 1);
  ::sigqueue(guardian, SIGRTMIN + 3, {.sival_int = 47});
  EXPECT_EQ(status_of(guardian), 47);
  line.hold_only_the_reading_end();
  EXPECT_TRUE(line.is_cut_within(1000));
}

// The child hears of the end by the end of a stream, and says so to a pipe of the host's.
TEST(Lifecycle, WhatEndsWithTheProgramIsLetEnd) {
  int heard[2];
  ASSERT_EQ(::pipe(heard), 0);
  pid_t guardian = start_run({}, [&] {
    int listener = ::socket(AF_INET, SOCK_STREAM, 0), client = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in name = {};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    if (::bind(listener, reinterpret_cast<sockaddr*>(&name), size) != 0 || ::listen(listener, 1) != 0) return 1;
    if (::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size) != 0) return 2;
    if (::connect(client, reinterpret_cast<sockaddr*>(&name), size) != 0) return 3;
    int server = ::accept(listener, nullptr, nullptr);
    if (::fork() != 0) return 0;
    ::close(client);
    char byte = 'e';
    if (::recv(server, &byte, 1, 0) == 0 && ::write(heard[1], &byte, 1) == 1) ::_exit(0);
    ::_exit(1);
  });
  EXPECT_EQ(status_of(guardian), 0);
  ::close(heard[1]);
  char byte = 0;
  EXPECT_EQ(::read(heard[0], &byte, 1), 1) << "killed before it heard";
  ::close(heard[0]);
}

TEST(Lifecycle, WhatTheProgramLeavesBehindIsKilled) {
  LifeLine line;
  pid_t guardian = start_run({}, [] {
    if (::fork() == 0) return block_for_good();
    if (::fork() == 0) ::setsid(), ::sleep(100);
    return 3;
  });
  line.hold_only_the_reading_end();
  EXPECT_EQ(status_of(guardian), 3);
  EXPECT_TRUE(line.is_cut_within(1000));
}

TEST(Lifecycle, OrIsWaitedForWhenAskedTo) {
  LifeLine line;
  host::RunOptions options;
  options.waits_for_all = true;
  long start = now_millis();
  pid_t guardian = start_run(options, [] {
    if (::fork() == 0) {
      ::setsid();
      ::usleep(200'000);
      send_to_port(bound_socket(), 9, "still served");
      ::_exit(program_failures);
    }
    return 4;
  });
  line.hold_only_the_reading_end();
  EXPECT_EQ(status_of(guardian), 4);
  EXPECT_GE(now_millis() - start, 200);
  EXPECT_TRUE(line.is_cut_within(1000));
}

TEST(Lifecycle, TheDeathOfTheSupervisorEndsItsPrograms) {
  LifeLine line;
  pid_t guardian = start_run({}, [] {
    ::kill(::getppid(), SIGKILL);
    return block_for_good();
  });
  line.hold_only_the_reading_end();
  EXPECT_EQ(status_of(guardian), host::kOwnFailure);
  EXPECT_TRUE(line.is_cut_within(1000));
}

TEST(Lifecycle, TheDeathOfTheGuardianEndsEverything) {
  LifeLine line;
  pid_t guardian = start_run({}, [&] {
    char byte = 'r';
    if (::write(line.ends[1], &byte, 1) != 1) return 1;
    return block_for_good();
  });
  line.hold_only_the_reading_end();
  char byte;
  ASSERT_EQ(::read(line.ends[0], &byte, 1), 1);
  ::kill(guardian, SIGKILL);
  status_of(guardian);
  EXPECT_TRUE(line.is_cut_within(2000));
}

TEST(Lifecycle, ARunInsideARunIsRefusedWithAReason) {
  EXPECT_EQ(status_of(start_run({}, [] { return host::run_supervised({}, [] { return 0; }); })), host::kOwnFailure);
}

TEST(Lifecycle, ANewNetworkNamespaceIsANewStack) {
  expect_same([] {
    int outside = bound_socket();
    int port = port_of(outside);
    pid_t child = ::fork();
    if (child == 0) {
      CHECK_THAT(::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0);
      int inside = ::socket(AF_INET, SOCK_DGRAM, 0);
      // `lo` is down there and has no address; a socket made outside stays where it was made.
      sockaddr_storage name = {};
      socklen_t size = sizeof name;
      ::getsockname(outside, reinterpret_cast<sockaddr*>(&name), &size);
      CHECK_THAT(::sendto(inside, "x", 1, 0, reinterpret_cast<sockaddr*>(&name), size) == -1 && errno == ENETUNREACH);
      CHECK_THAT(port_of(inside) != 0);
      ::_exit(program_failures);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK_THAT(status == 0);
    send_to_port(bound_socket(), port, "still here");
  });
}

// By ioctl: netlink is the host kernel's.
bool bring_lo_up() {
  ifreq request = {};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  return ::ioctl(::socket(AF_INET, SOCK_DGRAM, 0), SIOCSIFFLAGS, &request) == 0;
}

// setns() into the namespace of another process: its Stack, with what is bound there.
TEST(Lifecycle, AJoinedNetworkNamespaceIsTheOthersStack) {
  expect_same([] {
    int ready[2], over[2];
    CHECK_THAT(::pipe(ready) == 0 && ::pipe(over) == 0);
    pid_t child = ::fork();
    if (child == 0) {
      CHECK_THAT(::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && bring_lo_up());
      int port = port_of(bound_socket());
      CHECK_THAT(::write(ready[1], &port, sizeof port) == sizeof port && ::read(over[0], &port, 1) == 1);
      ::_exit(program_failures);
    }
    sockaddr_in name = {};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int port = 0;
    CHECK_THAT(::read(ready[0], &port, sizeof port) == sizeof port);
    name.sin_port = htons(static_cast<uint16_t>(port));
    int before = ::socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_THAT(::bind(before, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
    std::string path = "/proc/" + std::to_string(child) + "/ns/net";
    CHECK_THAT(::setns(::open(path.c_str(), O_RDONLY), CLONE_NEWNET) == 0);
    int after = ::socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_THAT(::bind(after, reinterpret_cast<sockaddr*>(&name), sizeof name) == -1 && errno == EADDRINUSE);
    int status = 0;
    CHECK_THAT(::write(over[1], "x", 1) == 1 && ::waitpid(child, &status, 0) == child && status == 0);
  });
}

}  // namespace
}  // namespace lxnet::test
