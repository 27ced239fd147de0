#include "ltp_runner/ltp_output.hh"

#include <gmock/gmock.h>

namespace lxnet::ltp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Counts counts(int pass, int fail = 0, int brok = 0, int conf = 0, int warn = 0) {
  return {.pass = pass, .fail = fail, .brok = brok, .conf = conf, .warn = warn};
}

TEST(LtpOutput, TheNewLibrarysLinesAreCounted) {
  LtpOutput output = parse_ltp_output(
      "tst_test.c:1890: TINFO: LTP version: 20260529\n"
      "accept01.c:87: TPASS: bad file descriptor : EBADF (9)\n"
      "accept01.c:91: TFAIL: invalid socket buffer succeeded\n"
      "accept01.c:95: TCONF: no such thing here\n"
      "safe_macros.c:12: TBROK: open(x) failed: ENOENT (2)\n"
      "accept01.c:99: TWARN: close failed\n");
  EXPECT_EQ(output.counts, counts(1, 1, 1, 1, 1));
  EXPECT_FALSE(output.has_summary);
  EXPECT_EQ(output.results[0].where, "accept01.c:87");
  EXPECT_EQ(output.results[0].message, "bad file descriptor : EBADF (9)");
}

TEST(LtpOutput, TheOldLibrarysLinesAreCounted) {
  LtpOutput output = parse_ltp_output(
      "recv01      1  TPASS  :  bad file descriptor successful\n"
      "recv01      2  TFAIL  :  recv01.c:124: invalid flag ; returned 0\n"
      "recv01      0  TINFO  :  nothing to see\n"
      "mc_opts 3 TCONF: two hosts are needed\n");
  EXPECT_EQ(output.counts, counts(1, 1, 0, 1));
  EXPECT_EQ(output.results[1].where, "recv01 2");
}

TEST(LtpOutput, TheSummaryIsRightWhereLinesWereTorn) {
  LtpOutput output = parse_ltp_output(
      "a.c:1: TPASS: one\n"
      "a.c:2: TPA\n"
      "\nSummary:\npassed   2\nfailed   0\nbroken   0\nskipped  1\nwarnings 0\n");
  EXPECT_TRUE(output.has_summary);
  EXPECT_EQ(output.counts, counts(2, 0, 0, 1));
  EXPECT_EQ(output.results.size(), 1u);
}

TEST(LtpOutput, ASummaryThatIsCutOffIsNone) {
  LtpOutput output = parse_ltp_output("a.c:1: TPASS: one\nSummary:\npassed   7\nfailed   0\n");
  EXPECT_FALSE(output.has_summary);
  EXPECT_EQ(output.counts, counts(1));
}

TEST(LtpOutput, OfSeveralSummariesTheLastIsTheTests) {
  std::string inner = "Summary:\npassed   1\nfailed   0\nbroken   0\nskipped  0\nwarnings 0\n";
  std::string outer = "Summary:\npassed   5\nfailed   1\nbroken   0\nskipped  0\nwarnings 0\n";
  EXPECT_EQ(parse_ltp_output(inner + outer).counts, counts(5, 1));
}

TEST(LtpOutput, ColoursAreNoPartOfAWord) {
  EXPECT_EQ(parse_ltp_output("a.c:1: \x1b[1;32mTPASS: \x1b[0mone\n").counts, counts(1));
}

TEST(LtpOutput, ProseThatMentionsAResultIsNone) {
  LtpOutput output = parse_ltp_output(
      "TPASS: nobody said where\n"
      "the test prints TPASS: when it likes\n"
      "a.c:x: TPASS: no line number\n"
      "two words.c:1: TPASS: no file name\n"
      "a.c:1: TPASSED: another word\n");
  EXPECT_EQ(output.counts, counts(0));
  EXPECT_THAT(output.results, IsEmpty());
}

TEST(LtpOutput, GarbageIsPassedOver) {
  std::string garbage("\0\x1b[\xff\xfe\n\x1b", 8);
  for (int i = 0; i < 300; i++) garbage += static_cast<char>(i * 7);
  EXPECT_EQ(parse_ltp_output(garbage + "\na.c:1: TPASS: one").counts, counts(1));
  EXPECT_EQ(parse_ltp_output("").counts, counts(0));
}

TEST(LtpOutput, WhatDiffersFromRunToRunIsReplaced) {
  EXPECT_EQ(normalised("pid 12345 at 0x7ffd01 in 1234567ns, EBADF (9), 16 bytes of 512"),
            "pid N at 0xN in Nns, EBADF (9), 16 bytes of 512");
}

}  // namespace
}  // namespace lxnet::ltp
