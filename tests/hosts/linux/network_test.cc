// Named networks: several runs on one network, which begins with the first and ends with the last.

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "hosts/linux/command_line.hh"
#include "hosts/linux/named_network.hh"
#include "hosts/linux/network_directory.hh"
#include "hosts/linux/process_tree.hh"
#include "tests/hosts/linux/supervised.hh"

namespace lxnet::test {
namespace {

class NamedNetwork : public testing::Test {
 protected:
  NamedNetwork() {
    EXPECT_NE(::mkdtemp(directory_), nullptr);
    ::setenv("XDG_RUNTIME_DIR", directory_, 1);
  }
  ~NamedNetwork() override {
    std::string remove = std::string("rm -r ") + directory_;
    EXPECT_EQ(std::system(remove.c_str()), 0);
  }

  pid_t start(const std::string& name, const std::function<int()>& body) {
    pid_t pid = ::fork();
    if (pid == 0) ::_exit(host::run_in_network(name, {}, "a test", body));
    return pid;
  }
  int status_of(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return host::shell_status(status);
  }
  // A program on the network that waits for a datagram; returns when it waits, with its port.
  pid_t start_receiver(const std::string& name, int* port) {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    pid_t pid = start(name, [&] {
      int fd = bound_socket();
      int own = port_of(fd);
      if (::write(ends[1], &own, sizeof own) != sizeof own) return 1;
      char text[8];
      return ::recv(fd, text, sizeof text, 0) == 5 ? 3 : 4;
    });
    ::close(ends[1]);
    EXPECT_EQ(::read(ends[0], port, sizeof *port), static_cast<ssize_t>(sizeof *port));
    ::close(ends[0]);
    return pid;
  }
  bool exists(const std::string& name) {
    auto names = host::list_networks();
    return names.ok() && std::find(names->begin(), names->end(), name) != names->end();
  }
  bool ends_soon(const std::string& name) {
    for (int i = 0; i < 200 && exists(name); i++) ::usleep(10'000);
    return !exists(name);
  }

  char directory_[32] = "/tmp/lxnet-net-XXXXXX";
};

TEST_F(NamedNetwork, RunsOfOneNameMeetAndOthersDoNot) {
  int port = 0;
  pid_t receiver = start_receiver("shared", &port);
  EXPECT_TRUE(exists("shared"));
  auto send = [&] {
    send_to_port(bound_socket(), port, "hello");
    return program_failures;
  };
  EXPECT_EQ(status_of(start("another", send)), 0);
  EXPECT_EQ(::waitpid(receiver, nullptr, WNOHANG), 0);
  EXPECT_EQ(status_of(start("shared", send)), 0);
  EXPECT_EQ(status_of(receiver), 3);
  EXPECT_TRUE(ends_soon("shared") && ends_soon("another"));
}

TEST_F(NamedNetwork, RemovingItEndsItsPrograms) {
  int port = 0;
  pid_t receiver = start_receiver("doomed", &port);
  EXPECT_EQ(host::network_command("rm", "doomed"), 0);
  EXPECT_EQ(status_of(receiver), host::kOwnFailure);
  EXPECT_TRUE(ends_soon("doomed"));
}

TEST_F(NamedNetwork, ItSurvivesTheDeathOfARun) {
  int port = 0;
  pid_t receiver = start_receiver("kept", &port);
  int other_port = 0;
  pid_t killed = start_receiver("kept", &other_port);
  ::kill(killed, SIGKILL);
  EXPECT_EQ(status_of(killed), 128 + SIGKILL);
  EXPECT_EQ(status_of(start("kept",
                            [&] {
                              send_to_port(bound_socket(), port, "hello");
                              return program_failures;
                            })),
            0);
  EXPECT_EQ(status_of(receiver), 3);
  EXPECT_TRUE(ends_soon("kept"));
}

TEST_F(NamedNetwork, BadNamesAreRefused) {
  for (const char* name : {"", "a/b", "..", ".x", "-x", "a b", "0123456789012345678901234567890123"}) {
    EXPECT_EQ(status_of(start(name, [] { return 0; })), host::kOwnFailure) << name;
  }
  EXPECT_EQ(host::command_main({"net", "show", "none"}), host::kOwnFailure);
  EXPECT_EQ(host::command_main({"net", "what"}), host::kOwnFailure);
}

}  // namespace
}  // namespace lxnet::test
