// The command line: what its options do to a network, and what is said to bad ones.

#include "hosts/linux/command_line.hh"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "hosts/linux/network_link.hh"
#include "hosts/linux/process_tree.hh"
#include "tests/hosts/linux/supervised.hh"

namespace lxnet::test {
namespace {

TEST(CommandLine, OptionsComeBeforeTheProgramAndItsOwnAreLeftAlone) {
  host::RunCommand command = host::parse_run({"--unix", "--sysctl=a=b=c", "--impair", "loss=1%", "curl", "--stats", "-v"});
  EXPECT_EQ(command.exit_status, -1);
  EXPECT_TRUE(command.options.serves_unix && !command.options.prints_statistics);
  EXPECT_EQ(command.options.tunables.at(0).second, "b=c");
  EXPECT_EQ(command.options.impairment, "loss=1%");
  EXPECT_EQ(command.program, (std::vector<std::string>{"curl", "--stats", "-v"}));
  EXPECT_EQ(host::parse_run({"--", "-v"}).program, std::vector<std::string>{"-v"});
}

TEST(CommandLine, BadValuesAreSaidToBe) {
  struct {
    std::vector<std::string> words;
    const char* said;
  } kRows[] = {
      {{}, "which program?"},
      {{"--"}, "which program?"},
      {{"--what", "x"}, "unknown option '--what'"},
      {{"--net"}, "--net needs a value"},
      {{"--host-calls=io_uring,read", "x"}, "--host-calls wants io_uring or userfaultfd, not 'read'"},
      {{"--net", "a/b", "x"}, "'a/b' is not a network's name"},
      {{"--sysctl", "net.ipv4.ip_forward", "x"}, "--sysctl wants NAME=VALUE, not 'net.ipv4.ip_forward'"},
      {{"--impair", "delay=20", "x"}, "--impair 'delay=20': a time ends with ns, us, ms or s, at its end"},
      {{"--impair", "loss=101%", "x"}, "more than 100%"},
      {{"--impair", "speed=1", "x"}, "not a setting"},
      {{"--pcap", "/nonexistent/file", "x"}, "--pcap /nonexistent/file: No such file or directory"},
      {{"--strace=", "x"}, "--strace needs a file name"},
  };
  for (const auto& row : kRows) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(host::parse_run(row.words).exit_status, host::kOwnFailure);
    EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr(row.said));
  }
  testing::internal::CaptureStderr();
  EXPECT_EQ(host::run_supervised({.tunables = {{"net.ipv4.none", "1"}}}, [] { return 0; }), host::kOwnFailure);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), testing::HasSubstr("--sysctl net.ipv4.none=1: there is no such tunable"));
}

TEST(CommandLine, AnImpairedNetworkLosesWhatItIsToldTo) {
  auto program = [] {
    int fd = bound_socket();
    send_to_port(bound_socket(), port_of(fd), "lost");
    pollfd set = {fd, POLLIN, 0};
    CHECK_THAT(::poll(&set, 1, 100) == 0);
  };
  EXPECT_EQ(run_on_lxnet(program, {.impairment = "loss=100%"}), 0);
  EXPECT_EQ(run_on_lxnet(program), 1) << "it arrives when nothing is lost";
}

TEST(CommandLine, AnImpairedNetworkCarriesTcpThroughLossAndCorruption) {
  auto program = [] {
    CHECK_THAT(std::system("python3 - <<'END'\n"
                           "import socket, threading, os\n"
                           "s = socket.create_server(('127.0.0.1', 0)); data = os.urandom(400000)\n"
                           "c = socket.create_connection(s.getsockname()); d, _ = s.accept()\n"
                           "threading.Thread(target=lambda: (c.sendall(data), c.close())).start()\n"
                           "got = b''\n"
                           "while part := d.recv(65536): got += part\n"
                           "assert got == data\n"
                           "END\n") == 0);
  };
  EXPECT_EQ(run_on_lxnet(program, {.impairment = "delay=1ms loss=2% corrupt=2% duplicate=2% reorder=2% seed=3"}), 0);
}

TEST(CommandLine, ACaptureHoldsWhatPassed) {
  char path[] = "/tmp/lxnet-pcap-XXXXXX";
  auto file = std::make_shared<host::OwnedFd>(::mkstemp(path));
  auto program = [] { send_to_port(bound_socket(), port_of(bound_socket()), "a captured datagram"); };
  EXPECT_EQ(run_on_lxnet(program, {.impairment = "loss=100%", .capture = file}), 0);
  std::ifstream capture(path);
  std::string bytes((std::istreambuf_iterator<char>(capture)), {});
  EXPECT_EQ(bytes.substr(0, 4), "\x0a\x0d\x0d\x0a");
  EXPECT_THAT(bytes, testing::HasSubstr("a captured datagram"));
  EXPECT_THAT(bytes, testing::HasSubstr("link: lost")) << "why it was dropped";
  ::unlink(path);
}

}  // namespace
}  // namespace lxnet::test
