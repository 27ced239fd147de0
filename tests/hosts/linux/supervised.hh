// Runs a piece of a test as a program, natively and under the supervisor: first Linux says what is right, then lxnet must agree.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "hosts/linux/run.hh"

namespace lxnet::test {

// A program fails by EXPECT_* lines of its own, printed on standard error, and ends with how many there were.
extern int program_failures;
#define CHECK_THAT(condition)                                                                   \
  do {                                                                                          \
    if (!(condition)) {                                                                         \
      fprintf(stderr, "%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno); \
      lxnet::test::program_failures++;                                                          \
    }                                                                                           \
  } while (0)

// The status as a shell shows it.
int run_natively(const std::function<void()>& program);
int run_on_lxnet(const std::function<void()>& program, host::RunOptions options = {});
inline void expect_same(const std::function<void()>& program) {
  EXPECT_EQ(run_natively(program), 0) << "on Linux itself";
  EXPECT_EQ(run_on_lxnet(program), 0) << "on lxnet";
}

// Building blocks of programs: a datagram socket bound to a free port of 127.0.0.1, and a pair of them.
int bound_socket(int flags = 0);
int port_of(int fd);
void send_to_port(int fd, int port, const std::string& text);

// Installs a handler that counts in `handled`.
extern volatile int handled;
void count_signal(int signal, int flags);
// Milliseconds, monotonic.
long now_millis();

}  // namespace lxnet::test
