// What differs between any two runs, and is no difference.
#include "tests/trace_diff/edited_trace.hh"
#include "trace_diff/text.hh"

namespace lxnet::trace {
namespace {

void expect_same(const std::string& a, const std::string& b, uint64_t regrouped = 0) {
  Compared both = compared(a, b);
  EXPECT_EQ(both.result.totals.divergent, 0u);
  EXPECT_EQ(both.result.totals.equal, both.result.totals.compared);
  EXPECT_EQ(both.result.totals.regrouped, regrouped);
  for (const Divergence& divergence : both.result.divergences) {
    uint32_t event = divergence.linux_event;
    ADD_FAILURE() << row_of(divergence.which).name << " " << (event == kNoEvent ? "" : both.a.events[event].text);
  }
}

TEST(Numbers, OfThreadsPortsDescriptorsAndMemoryAreNoDifference) {
  RunNumbers other{.main = "7", .second = "90", .child = "33", .port = "51234", .fd = "9", .memory = "0x7fabcdef0000"};
  expect_same(sample_trace(), sample_trace(other));
  expect_same(sample_trace(other), sample_trace());
}

TEST(Descriptors, ThatWereOthersAreADifference) {
  // The child writes to the other end of the pair.
  Compared both = compared(sample_trace(), edited(sample_trace(), "write(7, \"bye\"", "7", "6"));
  ASSERT_EQ(both.result.divergences.size(), 1u);
  EXPECT_EQ(both.result.divergences[0].which, DivergenceClass::Input);
}

TEST(Threads, MayTakeTurnsInAnyOrder) {
  std::string text = sample_trace(), second;
  // All of the second thread's lines at the end.
  std::string rest;
  std::string_view left = text;
  while (!left.empty()) {
    std::string_view line = left.substr(0, left.find('\n') + 1);
    (line.starts_with("101 ") ? second : rest) += line;
    left.remove_prefix(line.size());
  }
  expect_same(text, rest + second);
}

constexpr char kStart[] = "1 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3\n";
constexpr char kEnd[] = "1 close(3) = 0\n1 exit_group(0) = ?\n1 +++ exited with 0 +++\n";

TEST(Streams, MayBeReadInOtherPieces) {
  std::string once = std::string(kStart) + "1 read(3, \"abcdef\", 100) = 6\n" + kEnd;
  std::string twice = std::string(kStart) + "1 read(3, \"abc\", 100) = 3\n1 read(3, \"def\", 100) = 3\n" + kEnd;
  expect_same(once, twice, 3);
  expect_same(twice, once, 3);
}

TEST(Streams, InOtherPiecesWithAnotherByteAreADifference) {
  std::string once = std::string(kStart) + "1 read(3, \"abcdef\", 100) = 6\n" + kEnd;
  std::string twice = std::string(kStart) + "1 read(3, \"abc\", 100) = 3\n1 read(3, \"deg\", 100) = 3\n" + kEnd;
  EXPECT_GE(compared(once, twice).result.totals.divergent, 1u);
}

TEST(Streams, MayBeWrittenInOtherPieces) {
  std::string once = std::string(kStart) + "1 write(3, \"abcdef\", 6) = 6\n" + kEnd;
  std::string twice = std::string(kStart) + "1 write(3, \"abcdef\", 6) = 4\n1 write(3, \"ef\", 2) = 2\n" + kEnd;
  expect_same(once, twice, 3);
}

TEST(Attempts, ThatFoundNothingAndWaitedAreNoDifference) {
  std::string at_once = std::string(kStart) + "1 recvfrom(3, \"abc\", 100, 0, NULL, NULL) = 3\n" + kEnd;
  std::string later = std::string(kStart) +
                      "1 recvfrom(3, 0x7ffe12345678, 100, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)\n"
                      "1 poll([{fd=3, events=POLLIN}], 1, -1) = 1 ([{fd=3, revents=POLLIN}])\n"
                      "1 recvfrom(3, \"abc\", 100, 0, NULL, NULL) = 3\n" +
                      kEnd;
  // The buffer, which a failed call leaves alone, is an output and not part of the question.
  expect_same(at_once, later, 4);
  expect_same(later, at_once, 4);
}

TEST(Attempts, ThatASignalUndidAreNoDifference) {
  std::string once = std::string(kStart) + "1 getsockopt(3, SOL_SOCKET, SO_TYPE, [1], [4]) = 0\n" + kEnd;
  std::string interrupted = std::string(kStart) +
                            "1 getsockopt(3, SOL_SOCKET, SO_TYPE, 0x7ffe12345678, [4]) = ? ERESTARTSYS (To be restarted if "
                            "SA_RESTART is set)\n"
                            "1 getsockopt(3, SOL_SOCKET, SO_TYPE, [1], [4]) = 0\n" +
                            kEnd;
  expect_same(once, interrupted);
  expect_same(interrupted, once);
  // What was given up and not made again is one.
  std::string given_up = replaced(interrupted, "1 getsockopt(3, SOL_SOCKET, SO_TYPE, [1], [4]) = 0\n", "");
  EXPECT_EQ(compared(once, given_up).result.totals.divergent, 1u);
}

// The same run as strace 5 and strace 6 print it.
TEST(Versions, OfStraceThatPrintItOtherwiseAreNoDifference) {
  constexpr std::string_view kFive =
      "1 epoll_ctl(8, EPOLL_CTL_ADD, 6, {EPOLLIN, {u32=6, u64=6}}) = 0\n"
      "1 epoll_wait(8, [{EPOLLIN, {u32=6, u64=6}}, {EPOLLIN|EPOLLOUT, {u32=7, u64=7}}], 16, -1) = 2\n"
      "1 accept4(3, {sa_family=AF_INET, sin_port=htons(40002), sin_addr=inet_addr(\"127.0.0.1\")}, [128->16], SOCK_CLOEXEC) = 4\n"
      "1 getsockname(3, {sa_family=AF_INET, sin_port=htons(40001), sin_addr=inet_addr(\"127.0.0.1\")}, [128->16]) = 0\n"
      "1 wait4(-1,  <unfinished ...>\n"
      "2 exit_group(0)     = ?\n"
      "2 +++ exited with 0 +++\n"
      "1 <... wait4 resumed> [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 2\n"
      "1 exit_group(0)     = ?\n"
      "1 +++ exited with 0 +++\n";
  std::string six = replaced(std::string(kFive), "->", " => ");
  six = replaced(six, "wait4 resumed> [", "wait4 resumed>[");
  six = replaced(replaced(six, "{EPOLL", "{events=EPOLL"), ", {u32", ", data={u32");
  ASSERT_NE(six, kFive);
  expect_same(std::string(kFive), six);
  // And not because the forms are not compared.
  for (auto [from, by] : {std::pair("events=EPOLLIN,", "events=EPOLLPRI,"), std::pair("=> 16", "=> 28")}) {
    EXPECT_GT(compared(std::string(kFive), replaced(six, from, by)).result.totals.divergent, 0u) << from;
  }
}

TEST(Time, LeftOverIsNoDifference) {
  std::string text = std::string(kStart) +
                     "1 pselect6(4, [3], NULL, NULL, {tv_sec=2, tv_nsec=0}, NULL) = 1 (in [3], left {tv_sec=1, tv_nsec=999})\n" +
                     kEnd;
  expect_same(text, replaced(text, "tv_nsec=999", "tv_nsec=111"));
  Compared both = compared(text, replaced(text, "(in [3], left", "(in [3], out [3], left"));
  EXPECT_EQ(both.result.totals.divergent, 1u);
}

TEST(Known, DifferencesAreCountedApartWithTheirReason) {
  KnownDifferences known;
  ASSERT_TRUE(known.add("known", "# comment\n\nrecvfrom errno EAGAIN ECONN* : a test\n").ok());
  Compared both = compared(sample_trace(), edited(sample_trace(), "MSG_DONTWAIT", "EAGAIN", "ECONNRESET"), known);
  EXPECT_EQ(both.result.totals.divergent, 0u);
  EXPECT_EQ(both.result.totals.explained, 1u);
  EXPECT_EQ(both.result.divergences.at(0).explanation, "a test");
}

TEST(Known, DifferencesMayBeThoseOfCertainArgumentsAlone) {
  for (auto [arguments, explained] : {std::pair("recvfrom(*MSG_DONTWAIT*", 1u), std::pair("recvfrom(*MSG_PEEK*", 0u)}) {
    KnownDifferences known;
    ASSERT_TRUE(known.add("known", cat(arguments, " errno EAGAIN ECONN* : a test\n")).ok());
    Compared both = compared(sample_trace(), edited(sample_trace(), "MSG_DONTWAIT", "EAGAIN", "ECONNRESET"), known);
    EXPECT_EQ(both.result.totals.explained, explained);
    EXPECT_EQ(both.result.totals.divergent, 1 - explained);
  }
}

TEST(Known, LinesThatSayNothingAreRefusedByNumber) {
  KnownDifferences known;
  EXPECT_EQ(std::string(known.add("file", "\nrecvfrom EAGAIN\n").message()),
            "file:2: a known difference is written: CALL CLASS LINUX LXNET : reason");
  EXPECT_EQ(std::string(known.add("file", "recvfrom wrong a b : c").message()),
            "file:1: there is no class of differences 'wrong'");
}

TEST(Patterns, StarsStandForAnyText) {
  EXPECT_TRUE(matches_pattern("a*c", "abbbc"));
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("*b*", "abc"));
  EXPECT_FALSE(matches_pattern("a*c", "abcd"));
  EXPECT_FALSE(matches_pattern("", "a"));
}

TEST(Rules, OfUsersWinOverTheBuiltIn) {
  RuleSet rules;
  ASSERT_TRUE(rules.add("mine", "ignore recvfrom return\nskip listen\n").ok());
  absl::StatusOr<Trace> a = read_trace("a", kStart), b = read_trace("b", kStart);
  EXPECT_TRUE(rules.of("listen").is_skipped);
  EXPECT_FALSE(rules.of("bind").is_skipped);
}

TEST(Rules, ThatAreWrongNameTheirLine) {
  RuleSet rules;
  EXPECT_EQ(std::string(rules.add("mine", "skip brk\nfrob read 0").message()).substr(0, 37),
            "mine:2: there is no kind of rule 'fro");
  EXPECT_EQ(std::string(rules.add("mine", "fd read").message()),
            "mine:1: a rule 'fd' is written: fd CALL[,CALL...] PLACE [if MEMBER=VALUE]");
  EXPECT_FALSE(rules.add("mine", "fd read first").ok());
  EXPECT_FALSE(rules.add("mine", "fd read 99").ok());
  EXPECT_FALSE(rules.add("mine", "fd read 0 if fd").ok());
}

}  // namespace
}  // namespace lxnet::trace
