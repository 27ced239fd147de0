// A small trace of a server and a client in two threads and a child, for tests that edit it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "trace_diff/comparison.hh"

namespace lxnet::trace {

// @a and @b are thread numbers, %p an ephemeral port, and so on: what differs between two runs.
struct RunNumbers {
  std::string main = "100", second = "101", child = "102";
  std::string port = "40001", fd = "4", memory = "0x7f1234567000";
};

inline std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (size_t at = 0; (at = text.find(what, at)) != text.npos; at += by.size()) text.replace(at, what.size(), by);
  return text;
}

inline std::string sample_trace(const RunNumbers& run = {}) {
  std::string text = R"(@m 10.000001 execve("/bin/server", ["server"], 0x7ffc00001234 /* 20 vars */) = 0
@m 10.000002 brk(NULL)                         = 0x55550000
@m 10.000003 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3
@m 10.000004 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
@m 10.000005 bind(3, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
@m 10.000006 listen(3, 5)                      = 0
@m 10.000007 getsockname(3, {sa_family=AF_INET, sin_port=htons(%p), sin_addr=inet_addr("127.0.0.1")}, [128 => 16]) = 0
@m 10.000008 clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD, child_tid=%a, parent_tid=%a, exit_signal=0, stack=%a, stack_size=0x7fff80, tls=%a} => {parent_tid=[@s]}, 88) = @s
@s 10.000009 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP <unfinished ...>
@m 10.000010 accept4(3,  <unfinished ...>
@s 10.000011 <... socket resumed>)             = %f
@s 10.000012 connect(%f, {sa_family=AF_INET, sin_port=htons(%p), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
@m 10.000013 <... accept4 resumed>{sa_family=AF_INET, sin_port=htons(55555), sin_addr=inet_addr("127.0.0.1")}, [128 => 16], SOCK_CLOEXEC) = 5
@s 10.000014 sendto(%f, "hello\n", 6, MSG_NOSIGNAL, NULL, 0) = 6
@m 10.000015 poll([{fd=5, events=POLLIN}], 1, 1000) = 1 ([{fd=5, revents=POLLIN}])
@m 10.000016 recvfrom(5, "hello\n", 100, 0, NULL, NULL) = 6
@m 10.000017 sendmsg(5, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base="one", iov_len=3}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, 0) = 3
@s 10.000018 recvfrom(%f, "one", 100, 0, NULL, NULL) = 3
@m 10.000019 getsockopt(5, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
@m 10.000020 fcntl(5, F_GETFL)                 = 0x2 (flags O_RDWR)
@m 10.000021 recvfrom(5, 0x7ffc00001111, 100, MSG_DONTWAIT, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)
@m 10.000022 socketpair(AF_UNIX, SOCK_STREAM, 0, [6, 7]) = 0
@m 10.000023 shutdown(5, SHUT_WR)              = 0
@s 10.000024 recvfrom(%f, "", 100, 0, NULL, NULL) = 0
@s 10.000025 close(%f)                         = 0
@s 10.000026 exit(0)                           = ?
@s 10.000027 +++ exited with 0 +++
@m 10.000028 epoll_create1(EPOLL_CLOEXEC)      = 8
@m 10.000029 epoll_ctl(8, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0
@m 10.000030 write(7, "x", 1)                  = 1
@m 10.000031 epoll_wait(8, [{events=EPOLLIN, data={u32=6, u64=6}}], 16, -1) = 1
@m 10.000032 read(6, "x", 10)                  = 1
@m 10.000033 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=%a) = @c
@c 10.000034 write(7, "bye", 3)                = 3
@c 10.000035 exit_group(3)                     = ?
@c 10.000036 +++ exited with 3 +++
@m 10.000037 wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = @c
@m 10.000038 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=@c, si_uid=0, si_status=3, si_utime=0, si_stime=0} ---
@m 10.000039 read(6, "bye", 10)                = 3
@m 10.000040 close(5)                          = 0
@m 10.000041 exit_group(0)                     = ?
@m 10.000042 +++ exited with 0 +++
)";
  text = replaced(text, "@m", run.main);
  text = replaced(text, "@s", run.second);
  text = replaced(text, "@c", run.child);
  text = replaced(text, "%p", run.port);
  text = replaced(text, "%f", run.fd);
  return replaced(text, "%a", run.memory);
}

// The text with one line's part replaced; the line is found by `line_part`.
inline std::string edited(const std::string& text, std::string_view line_part, std::string_view what, std::string_view by) {
  size_t at = text.find(line_part);
  EXPECT_NE(at, text.npos) << line_part;
  size_t begin = text.rfind('\n', at) + 1, end = text.find('\n', at);
  std::string line = text.substr(begin, end - begin);
  EXPECT_NE(line.find(what), line.npos) << line << " has no " << what;
  return text.substr(0, begin) + replaced(line, what, by) + text.substr(end);
}

inline std::string without_line(const std::string& text, std::string_view line_part) {
  size_t at = text.find(line_part);
  EXPECT_NE(at, text.npos) << line_part;
  size_t begin = text.rfind('\n', at) + 1, end = text.find('\n', at);
  return text.substr(0, begin) + text.substr(end + 1);
}

struct Compared {
  Trace a, b;
  Comparison result;
};

inline Compared compared(const std::string& a, const std::string& b, const KnownDifferences& known = {}) {
  static const RuleSet rules;
  absl::StatusOr<Trace> trace_a = read_trace("linux", a), trace_b = read_trace("lxnet", b);
  EXPECT_TRUE(trace_a.ok()) << trace_a.status();
  EXPECT_TRUE(trace_b.ok()) << trace_b.status();
  Compared both{*std::move(trace_a), *std::move(trace_b), {}};
  both.result = compare_traces(rules, known, both.a, both.b);
  return both;
}

}  // namespace lxnet::trace
