#include "tests/differential/two_kernels.hh"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace differential {
namespace {

// Programs stand beside the test.
std::string beside_this(const std::string& name) {
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  const std::string self(path, size > 0 ? static_cast<size_t>(size) : 0);
  return self.substr(0, self.rfind('/') + 1) + name;
}

std::string read_all(int fd) {
  std::string text;
  char piece[65536];
  for (ssize_t size; (size = read(fd, piece, sizeof piece)) > 0;) text.append(piece, static_cast<size_t>(size));
  return text;
}

std::string run_program(std::vector<std::string>& words) {
  int ends[2];
  if (pipe(ends) != 0) abort();
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  close(ends[1]);
  std::string text = read_all(ends[0]);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0) text += "== the program ended with status " + std::to_string(status) + "\n";
  return text;
}

}  // namespace

std::vector<std::string> TwoKernels::command(uint64_t first, uint64_t last) const {
  std::vector<std::string> words{beside_this("walk"),         std::to_string(first), std::to_string(last), "--steps",
                                 std::to_string(walk_.steps), "--missing",           walk_.missing};
  if (walk_.with_unix) words.push_back("--unix");
  if (walk_.with_epoll) words.push_back("--epoll");
  if (walk_.is_unix_alone) words.push_back("--unix-alone");
  if (walk_.is_wide) words.push_back("--wide");
  if (walk_.is_packet) words.push_back("--packet");
  if (walk_.is_rights) words.push_back("--rights");
  if (walk_.is_netlink) words.push_back("--netlink");
  if (walk_.is_shared) words.push_back("--shared");
  return words;
}

std::string TwoKernels::output_of(Kernel kernel, std::vector<std::string> words) const {
  if (kernel == Kernel::Lxnet) {
    std::vector<std::string> prefix{beside_this("lxnet-run")};
    if (walk_.with_unix || walk_.is_unix_alone || walk_.is_rights || walk_.is_shared || walk_.is_netlink)
      prefix.push_back("--unix");
    prefix.push_back("--");
    words.insert(words.begin(), prefix.begin(), prefix.end());
  }
  return run_program(words);
}

std::string output_on(TwoKernels::Kernel kernel, std::vector<std::string> words) {
  words[0] = beside_this(words[0]);
  if (kernel == TwoKernels::Kernel::Lxnet) {
    const std::vector<std::string> prefix{beside_this("lxnet-run"), "--unix", "--"};
    words.insert(words.begin(), prefix.begin(), prefix.end());
  }
  return run_program(words);
}

std::map<uint64_t, Lines> TwoKernels::run(Kernel kernel, uint64_t first, uint64_t last) const {
  std::map<uint64_t, Lines> logs;
  std::istringstream stream(output_of(kernel, command(first, last)));
  Lines* current = nullptr;
  for (std::string line; std::getline(stream, line);) {
    constexpr std::string_view kHead = "== seed ";
    if (line.starts_with(kHead)) {
      current = &logs[strtoull(line.c_str() + kHead.size(), nullptr, 10)];
    } else if (current != nullptr) {
      current->push_back(std::move(line));
    }
  }
  return logs;
}

Lines TwoKernels::run_steps(Kernel kernel, uint64_t seed, const std::vector<int>& only) const {
  std::vector<std::string> words = command(seed, seed);
  std::string list;
  for (int step : only) list += std::to_string(step) + ",";
  words.insert(words.end(), {"--only", list});
  std::istringstream stream(output_of(kernel, words));
  Lines lines;
  std::string line;
  std::getline(stream, line);
  while (std::getline(stream, line)) lines.push_back(std::move(line));
  return lines;
}

std::string TwoKernels::c_program(uint64_t seed, const std::vector<int>& only) const {
  std::vector<std::string> words = command(seed, seed);
  std::string list;
  for (int step : only) list += std::to_string(step) + ",";
  words.insert(words.end(), {"--c", "--only", list});
  return output_of(Kernel::Linux, words);
}

int first_difference(const Lines& left, const Lines& right) {
  const size_t common = std::min(left.size(), right.size());
  for (size_t i = 0; i < common; ++i) {
    if (left[i] != right[i]) return static_cast<int>(i);
  }
  return left.size() == right.size() ? -1 : static_cast<int>(common);
}

// Lines that belong to the step above begin with a space.
int step_of(const Lines& lines, int line) {
  if (lines.empty()) return 0;
  line = std::min(line, static_cast<int>(lines.size()) - 1);
  while (line > 0 && (lines[static_cast<size_t>(line)][0] < '0' || lines[static_cast<size_t>(line)][0] > '9')) --line;
  return atoi(lines[static_cast<size_t>(line)].c_str());
}

}  // namespace differential
