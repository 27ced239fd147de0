// A trace with one fault against the same trace without: the fault is found, where it is, and nothing else.
#include "tests/trace_diff/edited_trace.hh"

namespace lxnet::trace {
namespace {

struct Fault {
  const char* name;
  const char *line, *what, *by;  // by null: the line is missing
  DivergenceClass which;
  const char* place;
};

const Fault kFaults[] = {
    {"AnErrno", "MSG_DONTWAIT", "EAGAIN", "ECONNRESET", DivergenceClass::Errno, "return"},
    {"AnErrorInsteadOfSuccess", "listen(3", "= 0", "= -1 EADDRINUSE (Address already in use)", DivergenceClass::Errno, "return"},
    {"AReturnValue", "sendmsg(5", "= 3", "= 2", DivergenceClass::Return, "return"},
    {"AByteReceived", "recvfrom(5, \"hello", "hello", "hellp", DivergenceClass::Data, "argument 2"},
    {"AByteSent", "sendmsg(5", "\"one\"", "\"onf\"", DivergenceClass::Data, "argument 2, msg_iov.iov_base"},
    {"AnAddress", "getsockname(3", "127.0.0.1", "127.0.0.2", DivergenceClass::Output, "argument 2, sin_addr"},
    {"AnAddressLength", "getsockname(3", "=> 16", "=> 28", DivergenceClass::Output, "argument 3"},
    {"AnOptionValue", "SO_ERROR", "[0]", "[104]", DivergenceClass::Output, "argument 4"},
    {"MessageFlags", "sendmsg(5", "msg_flags=0", "msg_flags=MSG_TRUNC", DivergenceClass::Input, "argument 2, msg_flags"},
    {"AnEventMask", "epoll_wait(8", "events=EPOLLIN,", "events=EPOLLIN|EPOLLHUP,", DivergenceClass::Output, "argument 2, events"},
    {"PollBits", "poll([{fd=5", "revents=POLLIN", "revents=POLLIN|POLLHUP", DivergenceClass::Output, "return, revents"},
    {"StatusFlags", "F_GETFL", "O_RDWR)", "O_RDWR|O_NONBLOCK)", DivergenceClass::Output, "return"},
    {"AMissingCall", "setsockopt(3", nullptr, nullptr, DivergenceClass::Missing, nullptr},
    {"AMissingAttempt", "MSG_DONTWAIT", nullptr, nullptr, DivergenceClass::Missing, nullptr},
    {"AMissingWait", "poll([{fd=5", nullptr, nullptr, DivergenceClass::Missing, nullptr},
    {"AMissingLastCall", "close(5)", nullptr, nullptr, DivergenceClass::Missing, nullptr},
    {"ASignalOfAnotherName", "--- SIGCHLD", "--- SIGCHLD", "--- SIGURG", DivergenceClass::Signal, "signal"},
    {"AMissingSignal", "--- SIGCHLD", nullptr, nullptr, DivergenceClass::Signal, "signal"},
    {"AnExitStatus", "102 10.000036", "exited with 3", "killed by SIGPIPE", DivergenceClass::Exit, "end"},
    {"AProgramThatAskedElse", "listen(3", "5)", "6)", DivergenceClass::Input, "argument 2"},
    {"AnotherFlag", "sendto(4", "MSG_NOSIGNAL", "MSG_NOSIGNAL|MSG_MORE", DivergenceClass::Input, "argument 4"},
};

class FaultTest : public testing::TestWithParam<Fault> {};

TEST_P(FaultTest, IsFoundAndNothingElse) {
  const Fault& fault = GetParam();
  std::string good = sample_trace();
  std::string bad = fault.by == nullptr ? without_line(good, fault.line) : edited(good, fault.line, fault.what, fault.by);
  Compared both = compared(good, bad);
  ASSERT_EQ(both.result.divergences.size(), 1u);
  const Divergence& found = both.result.divergences[0];
  EXPECT_EQ(row_of(found.which).name, row_of(fault.which).name);
  if (fault.place != nullptr) {
    EXPECT_EQ(found.differences.at(0).place, fault.place);
  }
  ASSERT_NE(found.linux_event, kNoEvent);
  EXPECT_NE(std::string(both.a.events[found.linux_event].text)
                .find(std::string(fault.line).substr(0, 4) == "102 " ? "exited" : fault.line),
            std::string::npos);
}

// And the other way round what is missing is extra.
TEST_P(FaultTest, IsFoundOnTheOtherSideToo) {
  const Fault& fault = GetParam();
  std::string good = sample_trace();
  std::string bad = fault.by == nullptr ? without_line(good, fault.line) : edited(good, fault.line, fault.what, fault.by);
  Compared both = compared(bad, good);
  ASSERT_EQ(both.result.divergences.size(), 1u);
  DivergenceClass expected = fault.which == DivergenceClass::Missing ? DivergenceClass::Extra : fault.which;
  EXPECT_EQ(row_of(both.result.divergences[0].which).name, row_of(expected).name);
}

INSTANTIATE_TEST_SUITE_P(Edited, FaultTest, testing::ValuesIn(kFaults),
                         [](const auto& info) { return std::string(info.param.name); });

// Any ephemeral port may stand for any other, but then it stands for it everywhere.
TEST(Port, ThatWasAnotherIsFoundWhereItIsUsed) {
  Compared both = compared(sample_trace(), edited(sample_trace(), "getsockname(3", "40001", "50001"));
  ASSERT_EQ(both.result.divergences.size(), 1u);
  EXPECT_EQ(both.result.divergences[0].which, DivergenceClass::Input);
  EXPECT_EQ(both.result.divergences[0].differences.at(0).place, "argument 2, sin_port");
  EXPECT_EQ(both.a.events[both.result.divergences[0].linux_event].name(), "connect");
}

TEST(Swap, OfTwoCallsIsOneDivergence) {
  std::string good = sample_trace();
  std::string line = "100 10.000019 getsockopt(5, SOL_SOCKET, SO_ERROR, [0], [4]) = 0\n";
  std::string next = "100 10.000020 fcntl(5, F_GETFL)                 = 0x2 (flags O_RDWR)\n";
  Compared both = compared(good, replaced(good, line + next, next + line));
  ASSERT_EQ(both.result.divergences.size(), 1u);
  EXPECT_EQ(both.result.divergences[0].which, DivergenceClass::Order);
}

TEST(Gap, OfManyCallsIsThatManyMissing) {
  std::string many = "1 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3\n";
  for (int i = 0; i < 500; i++) many += "1 write(3, \"" + std::to_string(i) + "\", 3) = 3\n";
  std::string end = "1 close(3) = 0\n1 getpid() = 1\n1 listen(3, 1) = -1 EBADF (Bad file descriptor)\n1 exit_group(0) = ?\n";
  std::string few = many.substr(0, many.find("\"100\"") - std::string("1 write(3, ").size());
  Compared both = compared(many + end, few + end);
  EXPECT_EQ(both.result.divergences.size(), 400u);
  EXPECT_EQ(both.result.totals.equal, 105u);
}

TEST(TwoFaults, AreBothFound) {
  std::string bad = edited(sample_trace(), "MSG_DONTWAIT", "EAGAIN", "ECONNRESET");
  bad = edited(without_line(bad, "shutdown(5"), "read(6, \"bye\"", "bye", "byE");
  Compared both = compared(sample_trace(), bad);
  ASSERT_EQ(both.result.divergences.size(), 3u);
  EXPECT_EQ(both.result.divergences[0].which, DivergenceClass::Errno);
  EXPECT_EQ(both.result.divergences[1].which, DivergenceClass::Missing);
  EXPECT_EQ(both.result.divergences[2].which, DivergenceClass::Data);
}

}  // namespace
}  // namespace lxnet::trace
