// What lxnet prints of a call is what strace prints of it: the same run, seen by both.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "trace_diff/trace.hh"

namespace lxnet::trace {
namespace {

namespace fs = std::filesystem;

// strace prints spaces where a line was interrupted, and up to the column of the result.
std::string without_spaces(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (c != ' ') result += c;
  }
  return result;
}

std::map<uint32_t, std::vector<std::string>> calls_by_thread(const Trace& trace) {
  std::map<uint32_t, std::vector<std::string>> calls;
  for (const Event& event : trace.events) {
    if (event.kind == EventKind::Call) calls[trace.threads[event.thread].number].push_back(without_spaces(event.text));
  }
  return calls;
}

class OwnFormTest : public testing::TestWithParam<const char*> {};

TEST_P(OwnFormTest, IsStracesToTheLetter) {
  fs::path bin = fs::read_symlink("/proc/self/exe").parent_path();
  if (system("command -v strace >/dev/null && test -x /usr/bin/python3") != 0)
    GTEST_SKIP() << "strace or python3 is not installed";
  char directory[] = "/tmp/lxnet-own-form.XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  std::string own = std::string(directory) + "/own", real = std::string(directory) + "/real";
  std::string command = (bin / "lxnet-run").string() + " --unix --strace " + own + " -- strace -f -q -o " + real +
                        " /usr/bin/python3 ../../tests/traces/programs/" + GetParam() + " >/dev/null";
  ASSERT_EQ(system(command.c_str()), 0) << command;
  absl::StatusOr<Trace> ours = load_trace(own), straces = load_trace(real);
  ASSERT_TRUE(ours.ok()) << ours.status();
  ASSERT_TRUE(straces.ok()) << straces.status();
  auto expected = calls_by_thread(*straces);
  size_t compared = 0;
  // Each of our lines stands in strace's log of the same thread, in the same order; strace has more, which we leave to the
  // kernel.
  for (const auto& [thread, calls] : calls_by_thread(*ours)) {
    if (!expected.contains(thread)) continue;  // strace itself
    size_t at = 0;
    for (const std::string& call : calls) {
      std::string nearest;
      size_t from = at;
      while (at < expected[thread].size() && expected[thread][at] != call) {
        std::string name = call.substr(0, call.find('(') + 1);
        if (nearest.empty() && expected[thread][at].starts_with(name)) nearest = expected[thread][at];
        at++;
      }
      if (at == expected[thread].size()) {
        ADD_FAILURE() << "lxnet  " << call << "\nstrace " << nearest;
        at = from;
      } else {
        at++;
        compared++;
      }
    }
  }
  EXPECT_GT(compared, 20u);
  if (!HasFailure()) fs::remove_all(directory);
}

INSTANTIATE_TEST_SUITE_P(Programs, OwnFormTest,
                         testing::Values("tcp_echo.py", "udp.py", "waiting.py", "processes.py", "asyncio_echo.py",
                                         "../printing.py"),
                         [](const auto& info) { return std::filesystem::path(info.param).stem().string(); });

}  // namespace
}  // namespace lxnet::trace
