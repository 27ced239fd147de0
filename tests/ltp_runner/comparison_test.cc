#include "ltp_runner/comparison.hh"

#include <gmock/gmock.h>

#include "ltp_runner/baseline.hh"
#include "ltp_runner/json.hh"

namespace lxnet::ltp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TestRun run_of(std::string text, Ending ending = Ending::Exited, int number = 0) {
  TestRun run;
  run.process.ending = ending;
  run.process.number = number;
  run.output = parse_ltp_output(text);
  return run;
}
TestRun passes(int count) {
  std::string text;
  for (int i = 1; i <= count; i++) text += "a.c:" + std::to_string(i) + ": TPASS: case\n";
  return run_of(text);
}

TEST(Compare, EqualCountsAreTheSameWhateverTheWordsAre) {
  EXPECT_EQ(compare(run_of("a.c:1: TPASS: 3 ms\n"), run_of("a.c:1: TPASS: 4 ms\n")).verdict, Verdict::Same);
  EXPECT_EQ(compare(run_of("a.c:1: TCONF: no AF_ALG\n"), run_of("a.c:1: TCONF: no AF_ALG\n")).verdict, Verdict::Same);
}

TEST(Compare, ATconfWhereLinuxPassesIsWorseThoughItLooksLikeSuccess) {
  Comparison comparison =
      compare(run_of("a.c:1: TPASS: a\na.c:2: TPASS: b\n"), run_of("a.c:1: TPASS: a\na.c:9: TCONF: ENOSYS\n"));
  EXPECT_EQ(comparison.verdict, Verdict::Worse);
  EXPECT_EQ(comparison.why, "TPASS 2 on Linux, 1 here");
  EXPECT_EQ(comparison.difference, "Linux: a.c:2: TPASS: b\nhere:  a.c:9: TCONF: ENOSYS");
}

TEST(Compare, MoreOfAnythingElseIsWorseEvenWithAllPasses) {
  for (const char* extra : {"TFAIL", "TBROK", "TWARN", "TCONF"}) {
    Comparison comparison = compare(passes(1), run_of(std::string("a.c:1: TPASS: case\na.c:2: ") + extra + ": x\n"));
    EXPECT_EQ(comparison.verdict, Verdict::Worse) << extra;
    EXPECT_THAT(comparison.why, HasSubstr(extra));
    EXPECT_THAT(comparison.difference, HasSubstr("Linux: (no more results)"));
  }
}

TEST(Compare, WhatLinuxSkipsMayBeSkippedInMorePieces) {
  TestRun skipped = run_of("a.c:1: TCONF: no AF_ALG\n");
  EXPECT_EQ(compare(skipped, run_of("a.c:5: TCONF: no vmac\na.c:5: TCONF: no sm4\n")).verdict, Verdict::Same);
  EXPECT_EQ(compare(skipped, run_of("a.c:5: TPASS: hmac\na.c:5: TCONF: no vmac\na.c:5: TCONF: no sm4\n")).verdict,
            Verdict::Better);
  EXPECT_EQ(compare(skipped, run_of("a.c:5: TPASS: hmac\na.c:5: TFAIL: read\n")).verdict, Verdict::Worse);
}

TEST(Compare, MorePassesAreBetter) { EXPECT_EQ(compare(passes(1), passes(2)).verdict, Verdict::Better); }

TEST(Compare, AnEndThatLinuxHadNotIsWorseWhateverWasPrinted) {
  struct Case {
    Ending ending;
    int number;
    const char* why;
  };
  for (const Case& one : {Case{Ending::Killed, 11, "killed by SIGSEGV"}, Case{Ending::TimedOut, 60, "no end after 60 s"},
                          Case{Ending::NotStarted, 2, "not started"}}) {
    TestRun here = passes(3);
    here.process.ending = one.ending;
    here.process.number = one.number;
    Comparison comparison = compare(passes(3), here);
    EXPECT_EQ(comparison.verdict, Verdict::Worse);
    EXPECT_THAT(comparison.why, HasSubstr(one.why));
  }
}

TEST(Compare, ATestWithoutAnyResultSpeaksByItsStatus) {
  EXPECT_EQ(compare(run_of("Time: 3.1\n"), run_of("Time: 4.5\n")).verdict, Verdict::Same);
  EXPECT_EQ(compare(run_of("Time: 3.1\n"), run_of("oops\n", Ending::Exited, 1)).verdict, Verdict::Worse);
}

Report report_of(TestRun there, TestRun here) {
  Report report;
  Row& row = report.rows.emplace_back();
  row.test.entry.test = "t";
  row.test.suite = "s";
  row.comparison = compare(there, here);
  row.linux_run = std::move(there);
  row.lxnet_run = std::move(here);
  return report;
}
std::vector<BaselineRow> baseline_of(const Report& report) {
  auto rows = parse_baseline(json_report(report));
  EXPECT_TRUE(rows.ok());
  return *rows;
}

TEST(Baseline, WhatWasWorseBeforeIsNoRegression) {
  Report report = report_of(passes(3), passes(2));
  EXPECT_THAT(regressions(baseline_of(report), report), IsEmpty());
}

TEST(Baseline, ALostPassIsOneAndSoIsANewFailure) {
  std::vector<BaselineRow> before = baseline_of(report_of(passes(3), passes(3)));
  EXPECT_THAT(regressions(before, report_of(passes(3), passes(2))), ElementsAre("t: TPASS went from 3 to 2"));
  TestRun failing = passes(3);
  failing.output.counts.fail = 1;
  EXPECT_THAT(regressions(before, report_of(passes(3), failing)), ElementsAre("t: TFAIL went from 0 to 1"));
  EXPECT_THAT(regressions(before, report_of(passes(3), run_of("", Ending::Killed, 9))), ElementsAre(HasSubstr("TPASS")));
}

TEST(Baseline, APassThatLinuxLostTooIsNone) {
  std::vector<BaselineRow> before = baseline_of(report_of(passes(3), passes(3)));
  EXPECT_THAT(regressions(before, report_of(passes(2), passes(2))), IsEmpty());
}

TEST(Baseline, ATestThatIsNoLongerRunIsOne) {
  std::vector<BaselineRow> before = baseline_of(report_of(passes(3), passes(3)));
  Report now;
  Row& row = now.rows.emplace_back();
  row.test.entry.test = "t";
  row.test.entry.excluded = "too hard";
  row.comparison.verdict = Verdict::Excluded;
  EXPECT_THAT(regressions(before, now), ElementsAre("t: is excluded: too hard"));
}

TEST(Baseline, WhatIsNoReportIsRefused) {
  for (const char* text : {"", "{}", "[1", "[{}]", "[{\"test\": 3}]", "[{\"test\": \"a\"}]"})
    EXPECT_FALSE(parse_baseline(text).ok()) << text;
}

TEST(JsonText, StringsComeBackAsTheyWere) {
  std::string bytes;
  for (int i = 0; i < 256; i++) bytes += static_cast<char>(i);
  auto json = parse_json("{\"a\": [" + json_string(bytes) + ", -12, 1.5e3, true, null]}");
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->find("a")->items[0].text, bytes);
  EXPECT_EQ(json->find("a")->items[1].text, "-12");
  EXPECT_EQ(json->find("b"), nullptr);
}

TEST(JsonText, WhatIsNoJsonIsRefused) {
  std::string deep(100, '[');
  for (const std::string& text : {std::string("{\"a\" 1}"), std::string("[1,]"), std::string("\"\\u12\""), std::string("\"\\q\""),
                                  std::string("nul"), std::string("1 2"), std::string("\"open"), deep}) {
    EXPECT_FALSE(parse_json(text).ok()) << text;
  }
}

}  // namespace
}  // namespace lxnet::ltp
