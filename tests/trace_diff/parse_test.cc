// Lines as strace 5 and 6 print them.
#include <gtest/gtest.h>

#include "trace_diff/line.hh"
#include "trace_diff/trace.hh"

namespace lxnet::trace {
namespace {

struct Read {
  std::string text;
  ValueTree tree;
  Call call;
  bool is_ok;
  explicit Read(std::string line) : text(std::move(line)) { is_ok = parse_call(text, tree, call); }
  const Value& argument(int number) const {
    ValueIndex index = call.arguments;
    for (; number > 0; number--) index = tree.at(index).next;
    return tree.at(index);
  }
  int count() const {
    int result = 0;
    for (ValueIndex index = call.arguments; index != kNoValue; index = tree.at(index).next) result++;
    return result;
  }
};

TEST(Lines, MayStartWithThreadAndTimeInEveryForm) {
  struct {
    const char* line;
    uint32_t thread;
    int64_t time;
  } rows[] = {
      {"close(3) = 0", 0, -1},
      {"[pid  123] close(3) = 0", 123, -1},
      {"123   close(3) = 0", 123, -1},
      {"123 00:00:01.000002 close(3) = 0", 123, 1'000'002'000},
      {"123 1700000000.000001 close(3) = 0", 123, 1'700'000'000'000'001'000},
      {"123      0.000012 close(3) = 0", 123, 12'000},
      {"00:00:05 close(3) = 0", 0, 5'000'000'000},
      {"[pid 123<server>] 10.5 close(3) = 0", 123, 10'500'000'000},
  };
  for (const auto& row : rows) {
    Line line = read_line(row.line);
    EXPECT_EQ(line.kind, LineKind::Call) << row.line;
    EXPECT_EQ(line.name, "close") << row.line;
    EXPECT_EQ(line.thread, row.thread) << row.line;
    EXPECT_EQ(line.time_nanos, row.time) << row.line;
  }
}

TEST(Lines, OfEveryKindAreTold) {
  EXPECT_EQ(read_line("7 read(3,  <unfinished ...>").kind, LineKind::Unfinished);
  EXPECT_EQ(read_line("7 <... read resumed>\"x\", 1) = 1").kind, LineKind::Resumed);
  EXPECT_EQ(read_line("7 <... read resumed> <unfinished ...>) = ?").kind, LineKind::Resumed);
  EXPECT_EQ(read_line("7 --- SIGCHLD {si_signo=SIGCHLD} ---").kind, LineKind::Signal);
  EXPECT_EQ(read_line("7 +++ killed by SIGKILL +++").kind, LineKind::Exit);
  EXPECT_EQ(read_line("strace: Process 12 attached").kind, LineKind::Note);
  EXPECT_EQ(read_line("").kind, LineKind::Note);
  EXPECT_EQ(read_line("hello").kind, LineKind::Malformed);
  EXPECT_EQ(read_line("<... resumed").kind, LineKind::Malformed);
  EXPECT_EQ(read_line("7 exit_group(0) = ?").kind, LineKind::Call);
}

TEST(Calls, HaveArgumentsOfEveryShape) {
  struct {
    const char* line;
    int arguments;
    const char* result;
    const char* error;
  } rows[] = {
      {"getpid() = 7", 0, "7", ""},
      {"socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3", 3, "3", ""},
      {"connect(3, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, \"::1\", &sin6_addr), "
       "sin6_scope_id=0}, 28) = -1 ECONNREFUSED (Connection refused)",
       3, "-1", "ECONNREFUSED"},
      {"bind(3, {sa_family=AF_UNIX, sun_path=@\"abc\"}, 6) = 0", 3, "0", ""},
      {"read(3<TCP:[127.0.0.1:41000->127.0.0.1:80]>, \"a\\\"b\\\\\", 10) = 4 <0.000012>", 3, "4", ""},
      {"read(3</dev/pts/0<char 136:0>>, \"x\"..., 1024) = 100", 3, "100", ""},
      {"select(5, [3 4], NULL, NULL, {tv_sec=1, tv_usec=0}) = 1 (in [3], left {tv_sec=0, tv_usec=9})", 5, "1", ""},
      {"rt_sigprocmask(SIG_SETMASK, ~[RTMIN RT_1], [], 8) = 0", 4, "0", ""},
      {"poll([{fd=3, events=POLLIN}, {fd=-1}], 2, 0) = 0 (Timeout)", 3, "0", ""},
      {"mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0011223344", 6, "0x7f0011223344", ""},
      {"execve(\"/bin/x\", [\"x\", \"-a\"], 0x7ffe00 /* 20 vars */) = 0", 3, "0", ""},
      {"clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD, child_tidptr=0x7f) = 12", 3, "12", ""},
      {"setsockopt(3, SOL_TCP, TCP_USER_TIMEOUT, [5], 4) = 0", 5, "0", ""},
      {"ioctl(3, _IOC(_IOC_READ, 0x12, 0x34, 0x4), 0x7ffe) = -1 ENOTTY (Inappropriate ioctl for device)", 3, "-1", "ENOTTY"},
      {"mknod(\"x\", S_IFCHR|0666, makedev(0x1, 0x3)) = 0", 3, "0", ""},
      {"read(3, 0x7ffe, 5) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)", 3, "?", "ERESTARTSYS"},
      {"futex(0x55, FUTEX_WAIT, 1, NULL <unfinished ...>) = ?", 4, "?", ""},
      {"fcntl(3, F_SETFL, O_RDONLY|O_NONBLOCK) = 0", 3, "0", ""},
      {"sendmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"x\", iov_len=1}], msg_iovlen=1, "
       "msg_control=[{cmsg_len=20, "
       "cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[4]}], msg_controllen=24, msg_flags=0}, 0) = 1",
       3, "1", ""},
      {"wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 5", 4, "5", ""},
      {"epoll_pwait(4, [], 8, 0, ~[], 8) = 0", 6, "0", ""},
      {"accept(3, 0x7ffe, [16 => 0]) = 4", 3, "4", ""},
  };
  for (const auto& row : rows) {
    Read read(row.line);
    ASSERT_TRUE(read.is_ok) << row.line;
    EXPECT_EQ(read.count(), row.arguments) << row.line;
    const Value& result = read.tree.at(read.call.result);
    EXPECT_EQ(result.text, row.result) << row.line;
    EXPECT_EQ(read.call.error, row.error) << row.line;
  }
}

TEST(Calls, KeepWhatIsInside) {
  Read read("recvmsg(3, {msg_iov=[{iov_base=\"a, b)\", iov_len=5}], msg_flags=MSG_TRUNC}, 0) = 5 <1.500000>");
  ASSERT_TRUE(read.is_ok);
  EXPECT_EQ(read.call.duration_nanos, 1'500'000'000);
  ValueIndex message = read.tree.at(read.call.arguments).next;
  ValueIndex iov = read.tree.find_member(message, "msg_iov");
  ASSERT_NE(iov, kNoValue);
  ValueIndex base = read.tree.find_member(read.tree.at(iov).first, "iov_base");
  ASSERT_NE(base, kNoValue);
  EXPECT_EQ(read.tree.at(base).text, "a, b)");
  EXPECT_EQ(read.tree.at(read.tree.find_member(message, "msg_flags")).text, "MSG_TRUNC");
}

TEST(Calls, ThatAreNoneAreRefused) {
  for (const char* line :
       {"", "(", "close(3", "close(3)", "close(3) 0", "close(3) = ", "x({) = 0", "x([}) = 0", "x(\"abc) = 0", "x(3<a) = 0",
        "x(((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((("}) {
    EXPECT_FALSE(Read(line).is_ok) << line;
  }
}

TEST(Logs, ThatAreMalformedNameTheLine) {
  struct {
    const char *text, *message;
  } rows[] = {
      {"1 close(3) = 0\nnonsense\n", "log:2: not a line of strace's: nonsense"},
      {"1 close(3) = 0\n1 close(4\n", "log:2: a call that cannot be read: 1 close(4"},
      {"1 close(3) = 0\n1 <... read resumed>) = 0\n",
       "log:2: resumes a call that was not left unfinished: 1 <... read resumed>) = 0"},
      {"1 read(3,  <unfinished ...>\n1 <... write resumed>) = 0\n",
       "log:2: resumes another call than was left unfinished: 1 <... write resumed>) = 0"},
      {"1 read(3,  <unfinished ...>\n1 read(3,  <unfinished ...>\n",
       "log:2: this thread has a call unfinished already: 1 read(3,  <unfinished ...>"},
      {"", "log: there is no line of a strace log in it"},
  };
  for (const auto& row : rows) {
    absl::StatusOr<Trace> trace = read_trace("log", row.text);
    ASSERT_FALSE(trace.ok()) << row.text;
    EXPECT_EQ(std::string(trace.status().message()), row.message);
  }
}

TEST(Logs, OfAConsoleAreReadBehindTheMarker) {
  constexpr std::string_view kConsole =
      "[    0.000000] booting\r\n"
      "[    0.100000] strace: 1 close(3) = 0\r\n"
      "[    0.200000] eth0: link is up\r\n"
      "[    0.300000] strace: 1 +++ exited with 0 +++\r\n";
  absl::StatusOr<Trace> trace = read_trace("console", kConsole, "strace: ");
  ASSERT_TRUE(trace.ok()) << trace.status();
  ASSERT_EQ(trace->events.size(), 2u);
  EXPECT_EQ(trace->events[0].name(), "close");
  EXPECT_EQ(trace->events[0].line, 2u);
  EXPECT_EQ(std::string(read_trace("console", kConsole, "none: ").status().message()),
            "console: there is no line of a strace log in it");
  EXPECT_EQ(std::string(read_trace("console", "x strace: nonsense\n", "strace: ").status().message()),
            "console:1: not a line of strace's: nonsense");
}

TEST(Logs, JoinTheHalvesOfACall) {
  absl::StatusOr<Trace> trace =
      read_trace("log", "1 read(3,  <unfinished ...>\n2 close(4) = 0\n1 <... read resumed>\"ab\", 8) = 2\n");
  ASSERT_TRUE(trace.ok()) << trace.status();
  ASSERT_EQ(trace->events.size(), 2u);
  EXPECT_EQ(trace->events[0].text, "read(3,\"ab\", 8) = 2");
  EXPECT_EQ(trace->events[0].line, 1u);
}

TEST(Logs, KnowWhoseChildAThreadIs) {
  absl::StatusOr<Trace> trace =
      read_trace("log",
                 "1 fork() = 2\n1 fork( <unfinished ...>\n3 getpid() = 3\n1 <... fork resumed>) = 3\n"
                 "2 clone(child_stack=NULL, flags=CLONE_FILES) = 4\n4 getpid() = 4\n2 +++ exited with 0 +++\n"
                 "1 fork() = 2\n2 getpid() = 2\n");
  ASSERT_TRUE(trace.ok()) << trace.status();
  std::string paths;
  for (const Thread& thread : trace->threads) paths += std::to_string(thread.number) + "=" + thread.path + " ";
  EXPECT_EQ(paths, "1=main 3=main/2 2=main/1 4=main/1/1 2=main/3 ");
  EXPECT_TRUE(trace->threads[3].shares_files);
}

}  // namespace
}  // namespace lxnet::trace
