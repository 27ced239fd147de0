// Tests on a kernel in QEMU: the archive it boots, what its console says, and, where Debian's kernel is installed, a whole boot.

#include "ltp_runner/guest.hh"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/match.h"
#include "ltp_runner/files.hh"
#include "ltp_runner/guest_archive.hh"
#include "ltp_runner/guest_transcript.hh"
#include "tests/ltp_runner/fake_ltp.hh"

namespace lxnet::ltp {
namespace {

using ::testing::HasSubstr;

TEST(GuestArchive, IsWhatCpioReads) {
  if (std::system("cpio --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "cpio is not installed";
  test::FakeLtp fake;
  GuestArchive archive;
  archive.add_file("/a/b/c", "hello", 0644);
  archive.add_file("/a/b/c", "twice", 0644);
  archive.add_link("/bin/x", "y");
  archive.add_folder("/tmp", 01777);
  ASSERT_TRUE(write_file(fake.file("image"), archive.finish()).ok());
  std::string listing = fake.file("listing");
  ASSERT_EQ(std::system(("cpio -tv < " + fake.file("image") + " > " + listing + " 2>/dev/null").c_str()), 0);
  std::string text = *read_file(listing);
  EXPECT_THAT(text, ::testing::ContainsRegex("drwxr-xr-x.* a\n"));
  EXPECT_THAT(text, ::testing::ContainsRegex("-rw-r--r--.* 5 .*a/b/c\n"));
  EXPECT_THAT(text, HasSubstr("bin/x -> y"));
  EXPECT_THAT(text, HasSubstr("drwxrwxrwt"));
}

TEST(GuestArchive, AProgramBringsItsLibraries) {
  GuestArchive archive;
  ASSERT_TRUE(archive.copy_program("/bin/sh", "/ltp/sh").ok());
  std::string bytes = archive.finish();
  EXPECT_TRUE(absl::StrContains(bytes, "libc.so") || absl::StrContains(bytes, "libc.musl"));
  EXPECT_FALSE(GuestArchive().copy_program("/nonexistent", "/x").ok());
}

TEST(GuestTranscript, TestsStandBetweenMarks) {
  GuestTranscript transcript;
  transcript.add("SeaBIOS\r\n[ 0.1] booting\r\n@@ltp begin a01\r\na01.c:1: TPASS: x\r\nno newline@@ltp end a01 0\r\n");
  transcript.add("between\r\n@@ltp begin b02\r\nhalf a li");
  ASSERT_EQ(transcript.tests().size(), 2u);
  EXPECT_EQ(transcript.tests()[0].output, "a01.c:1: TPASS: x\nno newline\n");
  EXPECT_TRUE(transcript.tests()[0].has_ended);
  EXPECT_TRUE(transcript.is_in_test());
  transcript.add("ne\n@@ltp end b02 137\n@@ltp done\n");
  EXPECT_EQ(transcript.tests()[1].status, 137);
  EXPECT_EQ(transcript.tests()[1].output, "half a line\n");
  EXPECT_TRUE(transcript.is_done());
}

TEST(GuestTranscript, MarksThatATestPrintsItselfDeceiveNobody) {
  GuestTranscript transcript;
  transcript.add("@@ltp begin a\n@@ltp end other 0\n@@ltp begin b\n@@ltp end a x\n@@ltp\n@@ltp end a 1\n@@ltp end a 0\n");
  ASSERT_EQ(transcript.tests().size(), 1u);
  EXPECT_EQ(transcript.tests()[0].status, 1);
  EXPECT_FALSE(transcript.is_done());
}

TEST(GuestTranscript, APanicIsSeen) {
  GuestTranscript transcript;
  transcript.add("@@ltp begin a\n[ 3.1] Kernel panic - not syncing: Attempted to kill init!\n");
  EXPECT_TRUE(transcript.has_panicked());
  EXPECT_TRUE(transcript.is_in_test());
}

TEST(GuestTranscript, AnyBytesMayCome) {
  GuestTranscript transcript;
  std::string garbage;
  for (int i = 0; i < 5000; i++) garbage += static_cast<char>(i * 37);
  transcript.add(garbage);
  transcript.add("\n@@ltp begin a\n" + garbage + "\n@@ltp end a 0\n");
  EXPECT_EQ(transcript.tests().size(), 1u);
}

// A machine of ours: a script in QEMU's place that says on its console what it likes.
class FakeMachineTest : public ::testing::Test {
 protected:
  FakeMachineTest() {
    for (const char* name : {"one", "two", "three"}) {
      fake_.add_program(name, "");
      Row& row = rows_.emplace_back();
      row.test.entry.test = row.test.command = name;
      row.linux_run.output = parse_ltp_output("x.c:1: TPASS: fine\n");
      row.linux_run.process.ending = Ending::Exited;
      row.lxnet_output_file = fake_.file(std::string("out-") + name);
    }
    options_.root = fake_.root();
    options_.output_directory = fake_.file("output");
    options_.machine.qemu = fake_.file("testcases/bin/qemu");
    options_.busybox = "/bin/sh";
    options_.timeout = absl::Seconds(1);
    options_.machine.boot_timeout = absl::Seconds(20);
  }
  absl::Status run(const std::string& script) {
    fake_.add_program("qemu", script);
    return run_in_guest(rows_, options_, [](const Row&, size_t, size_t) {});
  }
  std::string says(const char* name) {
    return std::string("echo '@@ltp begin ") + name + "'; echo 'x.c:1: TPASS: fine'; echo '@@ltp end " + name + " 0'\n";
  }

  test::FakeLtp fake_;
  std::vector<Row> rows_;
  GuestOptions options_;
};

TEST_F(FakeMachineTest, EveryTestGetsItsResult) {
  ASSERT_TRUE(run(says("one") + says("two") +
                  "echo '@@ltp begin three'; echo 'x.c:1: TFAIL: bad'; echo '@@ltp end three 1'; echo '@@ltp done'")
                  .ok());
  EXPECT_EQ(rows_[0].comparison.verdict, Verdict::Same);
  EXPECT_EQ(rows_[2].comparison.verdict, Verdict::Worse);
  EXPECT_THAT(*read_file(fake_.file("out-three")), HasSubstr("TFAIL"));
}

TEST_F(FakeMachineTest, AKernelThatPanicsIsStartedAgainForTheTestsThatAreLeft) {
  std::string counter = fake_.file("boots");
  ASSERT_TRUE(run("echo >> " + counter + "\nif [ $(wc -l < " + counter + ") = 1 ]; then\n" + says("one") +
                  "echo '@@ltp begin two'; echo 'Kernel panic - not syncing: oops'; exit 0\nfi\n" + says("three") +
                  "echo '@@ltp done'")
                  .ok());
  EXPECT_EQ(rows_[0].comparison.verdict, Verdict::Same);
  EXPECT_EQ(rows_[1].lxnet_run.process.ending, Ending::Killed);
  EXPECT_EQ(rows_[1].comparison.verdict, Verdict::Worse);
  EXPECT_EQ(rows_[2].comparison.verdict, Verdict::Same);
}

TEST_F(FakeMachineTest, AMachineThatNeverBootsIsAnError) {
  EXPECT_THAT(std::string(run("echo 'no bootable device'").message()), HasSubstr("ran no test"));
  options_.machine.qemu = "/nonexistent/qemu";
  EXPECT_FALSE(run_in_guest(rows_, options_, [](const Row&, size_t, size_t) {}).ok());
}

// The real thing, on Debian's own kernel: some ten seconds of processor time without hardware to help.
TEST(GuestKernel, DebiansKernelRunsTests) {
  std::string kernel;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator("/boot", error)) {
    if (absl::StartsWith(file.path().filename().string(), "vmlinuz-")) kernel = file.path();
  }
  if (kernel.empty() || ::access("/usr/bin/qemu-system-x86_64", X_OK) != 0 || ::access("/bin/busybox", X_OK) != 0) {
    GTEST_SKIP() << "needs linux-image-amd64, qemu-system-x86 and busybox-static";
  }
  test::FakeLtp fake;
  fake.add_program("passes", "[ -d /proc/1 ] && echo 'passes.c:1: TPASS: '$(cat /proc/sys/kernel/ostype)\n");
  fake.add_program("hangs", "sleep 1000\n");
  fake.add_program("loops",
                   "ping -c 1 127.0.0.1 >/dev/null; ifconfig lo | grep -q 127.0.0.1 && echo 'loops.c:2: TPASS: lo is up'\n");
  std::vector<Row> rows;
  for (const char* name : {"passes", "hangs", "loops"}) {
    Row& row = rows.emplace_back();
    row.test.entry.test = row.test.command = name;
    row.lxnet_output_file = fake.file(std::string("out-") + name);
  }
  rows[1].test.entry.timeout_seconds = 2;
  GuestOptions options;
  options.machine.kernel = kernel;
  options.root = fake.root();
  options.output_directory = fake.file("output");
  ASSERT_TRUE(run_in_guest(rows, options, [](const Row&, size_t, size_t) {}).ok());
  EXPECT_EQ(rows[0].lxnet_run.output.counts.pass, 1);
  EXPECT_EQ(rows[1].lxnet_run.process.ending, Ending::TimedOut);
  EXPECT_EQ(rows[2].lxnet_run.output.counts.pass, 1);
}

}  // namespace
}  // namespace lxnet::ltp
