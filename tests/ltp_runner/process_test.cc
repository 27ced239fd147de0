// Crash, hang, flood and children left behind: all of them are results.

#include "ltp_runner/process.hh"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include "ltp_runner/files.hh"
#include "tests/ltp_runner/fake_ltp.hh"

namespace lxnet::ltp {
namespace {

using ::testing::HasSubstr;

class ProcessTest : public ::testing::Test {
 protected:
  ProcessResult run(const std::string& script, absl::Duration timeout = absl::Seconds(50)) {
    ProcessSpec spec = base_;
    spec.arguments = {"sh", "-c", script};
    spec.timeout = timeout;
    return run(spec);
  }
  ProcessResult run(ProcessSpec spec) {
    spec.output_file = fake_.file("out");
    absl::StatusOr<Process> process = Process::start(spec);
    EXPECT_TRUE(process.ok());
    ProcessResult result = process->finish();
    absl::StatusOr<std::string> text = read_file(spec.output_file);
    output_ = text.ok() ? *text : "";
    return result;
  }
  bool is_alive(const std::string& pid_file) {
    absl::StatusOr<std::string> text = read_file(fake_.file(pid_file));
    EXPECT_TRUE(text.ok());
    return text.ok() && ::kill(std::stoi(*text), 0) == 0;
  }

  test::FakeLtp fake_;
  ProcessSpec base_;
  std::string output_;
};

TEST_F(ProcessTest, StatusAndOutputAreKept) {
  base_.environment = {"COLOUR=green"};
  base_.directory = "/";
  ProcessResult result = run("echo $COLOUR; pwd >&2; exit 32");
  EXPECT_EQ(result.description(), "exit 32");
  EXPECT_EQ(output_, "green\n/\n");
  EXPECT_EQ(result.left_behind, 0);
}

TEST_F(ProcessTest, ACrashNamesItsSignal) { EXPECT_EQ(run("kill -SEGV $$").description(), "killed by SIGSEGV"); }

TEST_F(ProcessTest, AHangEndsAndWhatItPrintedIsKept) {
  ProcessResult result = run("trap '' TERM INT HUP; echo begun; while :; do sleep 100; done", absl::Seconds(1));
  EXPECT_EQ(result.description(), "no end after 1 s");
  EXPECT_EQ(output_, "begun\n");
}

TEST_F(ProcessTest, AProgramThatDoesNotExistIsNotStarted) {
  base_.arguments = {"/nonexistent/program"};
  ProcessResult result = run(base_);
  EXPECT_EQ(result.ending, Ending::NotStarted);
  EXPECT_THAT(result.description(), HasSubstr("No such file"));
}

TEST_F(ProcessTest, ChildrenLeftBehindAreCountedAndEnded) {
  // In a session of its own, and its parent gone: nothing but the keeper's being their subreaper finds it.
  ProcessResult result = run("setsid sh -c 'echo $$ > " + fake_.file("pid") + "; exec sleep 1000' & while ! [ -s " +
                             fake_.file("pid") + " ]; do :; done");
  EXPECT_EQ(result.description(), "exit 0");
  EXPECT_EQ(result.left_behind, 1);
  EXPECT_FALSE(is_alive("pid"));
}

TEST_F(ProcessTest, AHangingProgramsChildrenEndWithIt) {
  run("sh -c 'echo $$ > " + fake_.file("pid") + "; exec sleep 1000' & sleep 1000", absl::Seconds(1));
  EXPECT_FALSE(is_alive("pid"));
}

TEST_F(ProcessTest, AFloodIsCutAndTheProgramGoesOn) {
  base_.output_limit = 1000;
  ProcessResult result = run("i=0; while [ $i -lt 500 ]; do echo 0123456789; i=$((i+1)); done; exit 7");
  EXPECT_EQ(result.description(), "exit 7");
  EXPECT_TRUE(result.is_cut);
  EXPECT_EQ(output_.size(), 1000u);
}

TEST_F(ProcessTest, AnEndlessFloodIsAHang) {
  base_.output_limit = 1000;
  EXPECT_EQ(run("while :; do echo 0123456789; done", absl::Seconds(1)).ending, Ending::TimedOut);
}

TEST_F(ProcessTest, DroppingAProcessEndsIt) {
  ProcessSpec spec = base_;
  spec.arguments = {"sh", "-c", "echo $$ > " + fake_.file("pid") + "; exec sleep 1000"};
  spec.output_file = fake_.file("out");
  {
    absl::StatusOr<Process> process = Process::start(spec);
    ASSERT_TRUE(process.ok());
    while (!read_file(fake_.file("pid")).ok() || read_file(fake_.file("pid"))->empty()) ::usleep(1000);
  }
  EXPECT_FALSE(is_alive("pid"));
}

TEST_F(ProcessTest, APrivateWorldHasAnEtcOfItsOwnAndLoopbackAlone) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  base_.is_private = true;
  ProcessResult result =
      run("echo altered > /etc/hosts; grep -c : /proc/net/dev; cat /sys/kernel/uevent_seqnum >/dev/null; sh -c 'echo $$' ");
  if (result.ending == Ending::NotStarted) GTEST_SKIP() << "namespaces cannot be made here: " << result.description();
  EXPECT_EQ(result.description(), "exit 0");
  EXPECT_EQ(output_.substr(0, 2), "1\n");
  EXPECT_LT(std::stoi(output_.substr(2)), 100) << "process numbers begin anew";
  EXPECT_THAT(*read_file("/etc/hosts"), ::testing::Not(HasSubstr("altered")));
}

}  // namespace
}  // namespace lxnet::ltp
