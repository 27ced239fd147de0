// Whole runs on an LTP of ours, whose programs behave differently "on lxnet": there, a variable is set.

#include "ltp_runner/runner.hh"

#include <gmock/gmock.h>

#include "ltp_runner/baseline.hh"
#include "ltp_runner/files.hh"
#include "tests/ltp_runner/fake_ltp.hh"

namespace lxnet::ltp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class RunnerTest : public ::testing::Test {
 protected:
  RunnerTest() {
    fake_.add_program("equal", "echo 'equal.c:1: TPASS: fine'\n");
    fake_.add_program("old", "echo 'old    1  TPASS  :  fine'; echo 'old    2  TPASS  :  $TMPDIR'\n");
    fake_.add_program("skips",
                      "if [ $ON_LXNET ]; then echo 'skips.c:3: TCONF: ENOSYS'; exit 32; fi; echo 'skips.c:2: TPASS: fine'\n");
    fake_.add_program("crashes", "echo 'crashes.c:1: TPASS: <a> & \"b\"'; if [ $ON_LXNET ]; then kill -SEGV $$; fi\n");
    fake_.add_program("hangs", "if [ $ON_LXNET ]; then sleep 1000; fi; echo 'hangs.c:1: TPASS: fine'\n");
    fake_.add_program("leaves", "sleep 1000 & echo 'leaves.c:1: TPASS: fine'\n");
    fake_.add_program("prints", "head -c 5000 /dev/urandom; echo; echo 'prints.c:1: TPASS: fine'\n");
    fake_.add_program("late", "if [ $ON_LXNET ]; then exit 32; fi; echo 'late.c:1: TPASS: fine'\n");
    fake_.add_suite(
        "one",
        "# The first\nruntest missing fake\n[call]\nequal\nold\nskips alone\n[other]\ncrashes\nhangs timeout=2\nleaves\nprints\n"
        "late waits: AF_PACKET\nunbuilt\nbanned - eats the disk\n");
  }

  std::vector<Row> run(std::vector<std::string> tests = {}, int jobs = 3) {
    absl::StatusOr<std::vector<PlannedTest>> plan = make_plan({fake_.root(), fake_.file("suites"), {}, tests});
    EXPECT_TRUE(plan.ok()) << plan.status();
    RunnerOptions options;
    options.root = fake_.root();
    options.lxnet_command = {"env", "ON_LXNET=1"};
    options.output_directory = fake_.file("output");
    options.jobs = jobs;
    options.timeout = absl::Seconds(50);
    size_t told = 0;
    auto rows = run_plan(*plan, options, [&](const Row&, size_t done, size_t all) {
      EXPECT_EQ(done, ++told);
      EXPECT_EQ(all, plan->size());
    });
    EXPECT_TRUE(rows.ok()) << rows.status();
    EXPECT_EQ(told, plan->size());
    return *std::move(rows);
  }
  static std::string verdicts(const std::vector<Row>& rows) {
    std::string text;
    for (const Row& row : rows) text += row.test.entry.test + ":" + std::string(verdict_name(row.comparison.verdict)) + " ";
    return text;
  }
  static Report report_of(std::vector<Row> rows) {
    Report report;
    report.ltp_version = "20990101";
    report.kernel = "Linux <6>";
    report.rows = std::move(rows);
    return report;
  }

  test::FakeLtp fake_;
};

TEST_F(RunnerTest, EachTestGetsItsVerdictAndNoneDisturbsAnother) {
  EXPECT_EQ(verdicts(run()),
            "equal:same old:same skips:worse crashes:worse hangs:worse leaves:same prints:same late:waiting unbuilt:excluded "
            "banned:excluded ");
}

TEST_F(RunnerTest, WhatIsNotRunSaysWhy) {
  std::vector<Row> rows = run({"unbuilt", "banned"});
  EXPECT_EQ(rows[0].test.entry.excluded, "this LTP does not list it");
  EXPECT_EQ(rows[1].test.entry.excluded, "eats the disk");
}

TEST_F(RunnerTest, EveryProgramsOutputIsKeptPerSide) {
  std::vector<Row> rows = run({"skips"});
  EXPECT_THAT(*read_file(rows[0].linux_output_file), HasSubstr("TPASS"));
  EXPECT_THAT(*read_file(rows[0].lxnet_output_file), HasSubstr("ENOSYS"));
}

TEST_F(RunnerTest, ATestRunsInAFolderOfItsOwnWithLtpsPrograms) {
  fake_.add_program("where", "echo \"where.c:1: TPASS: $LTPROOT $(command -v equal)\"; touch $TMPDIR/mine && [ -e mine ]\n");
  fake_.add_suite("one", "runtest fake\nwhere\n");
  std::vector<Row> rows = run();
  EXPECT_EQ(rows[0].linux_run.process.description(), "exit 0");
  EXPECT_THAT(*read_file(rows[0].linux_output_file), HasSubstr(fake_.root() + " " + fake_.root() + "/testcases/bin/equal"));
}

TEST_F(RunnerTest, TheTextNamesDifferencesReasonsAndSums) {
  std::string text = text_report(report_of(run()));
  for (const char* part : {"killed by SIGSEGV (Linux: exit 0)", "no end after 2 s", "Linux: skips.c:2: TPASS: fine",
                           "here:  skips.c:3: TCONF", "waits for AF_PACKET", "eats the disk", "this LTP does not list it"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST_F(RunnerTest, TheJsonIsABaselineForItself) {
  Report report = report_of(run());
  auto baseline = parse_baseline(json_report(report));
  ASSERT_TRUE(baseline.ok());
  EXPECT_EQ(baseline->size(), report.rows.size());
  EXPECT_TRUE(regressions(*baseline, report).empty());
}

TEST_F(RunnerTest, OnRequestWhatIsWorseIsComparedCallByCall) {
  std::vector<Row> rows = run({"equal", "skips"});
  RunnerOptions options;
  options.root = fake_.root();
  options.output_directory = fake_.file("output");
  ASSERT_TRUE(diff_worse(rows, options, {"echo", "compares", "--"}).ok());
  EXPECT_EQ(rows[0].diff_file, "");
  EXPECT_EQ(*read_file(rows[1].diff_file), "compares -- sh -c skips\n");
  EXPECT_THAT(text_report(report_of(rows)), HasSubstr("output/diff/skips.txt"));
  EXPECT_FALSE(diff_worse(rows, options, {"/nonexistent"}).ok());
}

TEST_F(RunnerTest, MarkupIsEscaped) {
  Report report = report_of(run({"crashes"}));
  report.rows[0].comparison.why = "<b> & \x01\xff";
  EXPECT_THAT(junit_report(report), HasSubstr("&lt;b&gt; &amp; ??"));
  EXPECT_THAT(junit_report(report), HasSubstr("failures=\"1\""));
  EXPECT_THAT(html_report(report), HasSubstr("Linux &lt;6&gt;"));
  EXPECT_THAT(html_report(report), Not(HasSubstr("<b>")));
}

TEST_F(RunnerTest, TheMarkdownListsWhatWaitsAndWhatIsLeftOut) {
  std::string text = markdown_report(report_of(run({"late", "banned"})));
  EXPECT_THAT(text, HasSubstr("`late`: waits for AF\\_PACKET"));
  EXPECT_THAT(text, HasSubstr("`banned`: eats the disk"));
}

TEST_F(RunnerTest, AWrongNameIsRefusedBeforeAnythingRuns) {
  EXPECT_THAT(std::string(make_plan({fake_.root(), fake_.file("suites"), {"two"}, {}}).status().message()),
              HasSubstr("there are one"));
  EXPECT_FALSE(make_plan({fake_.root(), fake_.file("suites"), {}, {"eqal"}}).ok());
}

TEST_F(RunnerTest, LtpIsFoundByItsFolders) {
  EXPECT_EQ(*find_ltp(fake_.root()), fake_.root());
  EXPECT_EQ(ltp_version(fake_.root()), "20990101");
  EXPECT_THAT(std::string(find_ltp("/nonexistent").status().message()), HasSubstr("--root DIR"));
}

}  // namespace
}  // namespace lxnet::ltp
