#include "tests/hosts/linux/supervised.hh"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "hosts/linux/process_tree.hh"
#include "hosts/linux/run.hh"

namespace lxnet::test {

int program_failures = 0;
volatile int handled = 0;

namespace {

int body(const std::function<void()>& program) {
  program();
  return std::min(program_failures, 99);
}

int run_forked(const std::function<int()>& process) {
  std::fflush(nullptr);
  pid_t pid = ::fork();
  if (pid == 0) {
    int status = process();
    std::fflush(nullptr);
    ::_exit(status);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return host::shell_status(status);
}

}  // namespace

int run_natively(const std::function<void()>& program) {
  return run_forked([&] { return body(program); });
}

int run_on_lxnet(const std::function<void()>& program, host::RunOptions options) {
  options.log_level = 1;
  // A process of its own is the guardian: it becomes a subreaper and keeps signals blocked.
  return run_forked([&] { return host::run_supervised(options, [&] { return body(program); }); });
}

int bound_socket(int flags) {
  int fd = ::socket(AF_INET, SOCK_DGRAM | flags, 0);
  sockaddr_in name = {};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CHECK_THAT(fd >= 0);
  CHECK_THAT(::bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0);
  return fd;
}

int port_of(int fd) {
  sockaddr_in name = {};
  socklen_t size = sizeof name;
  CHECK_THAT(::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0);
  return ntohs(name.sin_port);
}

void send_to_port(int fd, int port, const std::string& text) {
  sockaddr_in name = {};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  name.sin_port = htons(static_cast<uint16_t>(port));
  ssize_t sent = ::sendto(fd, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&name), sizeof name);
  CHECK_THAT(sent == static_cast<ssize_t>(text.size()));
}

void count_signal(int signal, int flags) {
  handled = 0;
  struct sigaction action = {};
  action.sa_handler = [](int) { handled = handled + 1; };
  action.sa_flags = flags;
  ::sigaction(signal, &action, nullptr);
}

long now_millis() {
  timespec time;
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1'000'000;
}

}  // namespace lxnet::test
