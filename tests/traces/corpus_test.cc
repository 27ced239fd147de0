// Every program below programs/ makes the same system calls with the same answers on Linux and on lxnet.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

// Tests run in build/PRESET.
const fs::path kPrograms = "../../tests/traces/programs";

std::vector<std::string> program_names() {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(kPrograms)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// The distribution's own: what a version manager puts before it may start a shell with races of its own.
std::string python() { return access("/usr/bin/python3", X_OK) == 0 ? "/usr/bin/python3" : "python3"; }

bool is_installed(const std::string& program) { return system(("command -v " + program + " >/dev/null").c_str()) == 0; }

// `# needs: curl busybox`
std::vector<std::string> needs(const fs::path& script) {
  std::ifstream file(script);
  std::string line, word;
  std::vector<std::string> words;
  std::getline(file, line);
  std::istringstream stream(line);
  stream >> word >> word;
  if (word != "needs:") return {};
  while (stream >> word) words.push_back(word);
  return words;
}

class CorpusTest : public testing::TestWithParam<std::string> {};

TEST_P(CorpusTest, AnswersAsLinux) {
  fs::path program = kPrograms / GetParam(), bin = fs::read_symlink("/proc/self/exe").parent_path();
  if (!is_installed("strace")) GTEST_SKIP() << "strace is not installed";
  std::string command, extension = program.extension();
  char directory[] = "/tmp/lxnet-corpus.XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  if (extension == ".c") {
    command = (bin / "program_").string() + program.stem().string();
    ASSERT_EQ(access(command.c_str(), X_OK), 0) << command;
  } else {
    command = (extension == ".py" ? python() : std::string("sh -eu")) + " " + program.string();
    std::vector<std::string> needed = needs(program);
    needed.push_back(extension == ".py" ? "python3" : "sh");
    for (const std::string& name : needed) {
      if (!is_installed(name)) GTEST_SKIP() << name << " is not installed";
    }
  }
  std::string diff = (bin / "lxnet-diff").string() + " --run-option=--unix --known " +
                     (kPrograms.parent_path() / "known.txt").string() + " --keep " + directory + " -- " + command;
  // A thread's accept() and another's connect() may take the lowest descriptor first, and a debug build takes longer than a
  // timeout of a program expects: what differs by chance does not differ twice.
  int status = 1;
  for (int attempt = 0; attempt < 3 && status != 0; attempt++) status = system(diff.c_str());
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0) << diff;
  // Two programs that fail alike show nothing.
  EXPECT_EQ(system(("tail -n 1 " + std::string(directory) + "/linux.strace | grep -q 'exited with 0'").c_str()), 0) << command;
  if (!HasFailure()) fs::remove_all(directory);
}

INSTANTIATE_TEST_SUITE_P(Programs, CorpusTest, testing::ValuesIn(program_names()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

}  // namespace
