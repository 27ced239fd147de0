// LTP's runtest files, our suites, and the command line.

#include <gmock/gmock.h>

#include "ltp_runner/options.hh"
#include "ltp_runner/runtest_file.hh"
#include "ltp_runner/suite_file.hh"

namespace lxnet::ltp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(RuntestFile, ALineIsATagAndACommandLine) {
  auto entries =
      parse_runtest("# comment\n\naccept01 accept01\nhackbench01\thackbench 50 process 1000\nlonely\n  b  c -i 100 \n");
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[1].tag, "hackbench01");
  EXPECT_EQ(entries[1].command, "hackbench 50 process 1000");
  EXPECT_EQ(entries[2].command, "c -i 100");
}

TEST(SuiteFile, ATestBelongsToTheCallAboveIt) {
  auto suite = parse_suite("s",
                           "# Title\n# more\nruntest syscalls cve\n[accept]\naccept01\n[bind]\nbind06 timeout=420 "
                           "LTP_RUNTIME_MUL=0.1 --landlock alone waits: AF_PACKET\n");
  ASSERT_TRUE(suite.ok());
  EXPECT_EQ(suite->title, "Title");
  EXPECT_THAT(suite->runtest_files, ElementsAre("syscalls", "cve"));
  ASSERT_EQ(suite->entries.size(), 2u);
  EXPECT_EQ(suite->entries[0].call, "accept");
  EXPECT_EQ(suite->entries[1].timeout_seconds, 420);
  EXPECT_TRUE(suite->entries[1].alone);
  EXPECT_EQ(suite->entries[1].run_options, std::vector<std::string>{"--landlock"});
  EXPECT_EQ(suite->entries[1].waits, "AF_PACKET");
  EXPECT_THAT(suite->entries[1].variables, ElementsAre("LTP_RUNTIME_MUL=0.1"));
}

TEST(SuiteFile, AnExcludedTestSaysWhy) {
  auto suite = parse_suite("s", "[a]\na1 - needs two hosts - at least\na-b\n");
  ASSERT_TRUE(suite.ok());
  EXPECT_EQ(suite->entries[0].test, "a1");
  EXPECT_EQ(suite->entries[0].excluded, "needs two hosts - at least");
  EXPECT_EQ(suite->entries[1].test, "a-b");
  EXPECT_EQ(suite->entries[1].excluded, "");
}

TEST(SuiteFile, AWordItDoesNotKnowIsAnErrorWithItsLine) {
  auto suite = parse_suite("s", "[a]\na1 tmeout=3\n");
  ASSERT_FALSE(suite.ok());
  EXPECT_THAT(std::string(suite.status().message()), HasSubstr("s:2"));
  EXPECT_FALSE(parse_suite("s", "a1 timeout=0").ok());
}

TEST(LtpOptions, WordsAreTestsAndMayFollowOptions) {
  auto options = parse_options({"--suite", "epoll", "--suite=poll", "epoll_ctl01", "--jobs=4", "--", "-odd"});
  ASSERT_TRUE(options.ok());
  EXPECT_THAT(options->suites, ElementsAre("epoll", "poll"));
  EXPECT_THAT(options->tests, ElementsAre("epoll_ctl01", "-odd"));
  EXPECT_EQ(options->jobs, 4);
}

TEST(LtpOptions, WhatIsWrongIsNamed) {
  struct Case {
    std::vector<std::string> arguments;
    const char* message;
  };
  for (const Case& one : {Case{{"--frob"}, "--frob"}, Case{{"--suite"}, "needs a value"}, Case{{"--list=1"}, "takes no value"},
                          Case{{"--jobs", "0"}, "'0'"}, Case{{"--jobs=x"}, "'x'"}, Case{{"--root="}, "--root"}}) {
    auto options = parse_options(one.arguments);
    ASSERT_FALSE(options.ok()) << one.message;
    EXPECT_THAT(std::string(options.status().message()), HasSubstr(one.message));
  }
}

TEST(LtpOptions, TheHelpNamesEveryOption) {
  for (const char* name :
       {"--root", "--suite", "--list", "--jobs", "--timeout", "--output", "--json", "--junit", "--html", "--baseline"}) {
    EXPECT_THAT(help_text(), HasSubstr(name));
  }
}

}  // namespace
}  // namespace lxnet::ltp
