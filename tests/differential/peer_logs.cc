#include "tests/differential/peer_logs.hh"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <sstream>

namespace differential {
namespace {

constexpr int kLinuxAtOnce = 48, kLxnetAtOnce = 2;

// A value, and how far another may be from it.
struct Measure {
  std::string name;
  int64_t value = 0, tolerance = 0;
};

Measure measure_of(const std::string& word) {
  Measure measure;
  if (word[0] == '@') {
    const size_t slash = word.find('/');
    measure.value = atoll(word.c_str() + 1);
    // Timers of Linux stand on a wheel whose slots are an eighth of the time apart.
    measure.tolerance = 8000 + (slash == std::string::npos ? 0 : atoll(word.c_str() + slash + 1) / 7);
    return measure;
  }
  const size_t equals = word.find('=');
  if (equals == std::string::npos) return measure;
  measure.name = word.substr(0, equals);
  measure.value = atoll(word.c_str() + equals + 1);
  measure.tolerance = word[0] == '%' ? 2 + measure.value / 12 : 9000 + measure.value / 6;
  return measure;
}

bool is_same_word(const std::string& left, const std::string& right) {
  if (left == right) return true;
  if (left.empty() || right.empty() || left[0] != right[0]) return false;
  if (left[0] != '@' && left[0] != '~' && left[0] != '%') return false;
  const Measure one = measure_of(left), other = measure_of(right);
  return one.name == other.name && std::abs(one.value - other.value) <= std::max(one.tolerance, other.tolerance);
}

std::string program() {
  char path[4096];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  const std::string self(path, size > 0 ? static_cast<size_t>(size) : 0);
  return self.substr(0, self.rfind('/') + 1) + "peer";
}

// What the program says to `input`.
std::string answer(const std::string& input, const std::string& first, const std::string& second) {
  FILE* const plays = tmpfile();
  FILE* const logs = tmpfile();
  if (plays == nullptr || logs == nullptr) abort();
  fwrite(input.data(), 1, input.size(), plays);
  fflush(plays);
  rewind(plays);
  const std::string path = program();
  const pid_t child = fork();
  if (child == 0) {
    dup2(fileno(plays), STDIN_FILENO);
    dup2(fileno(logs), STDOUT_FILENO);
    execl(path.c_str(), "peer", first.c_str(), second.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  std::string text(static_cast<size_t>(std::max<off_t>(lseek(fileno(logs), 0, SEEK_END), 0)), '\0');
  if (pread(fileno(logs), text.data(), text.size(), 0) < 0 || status != 0) text += "== ended\n";
  fclose(plays);
  fclose(logs);
  return text;
}

}  // namespace

namespace {

std::vector<Lines> play_once(TwoKernels::Kernel kernel, const std::vector<PeerPlay>& plays) {
  std::string input;
  for (const PeerPlay& play : plays) {
    input += std::to_string(play.seed) + " " + std::to_string(play.stretch) + " ";
    for (const int step : play.steps) input += std::to_string(step) + ",";
    for (const auto& [step, micros] : play.first) input += std::to_string(step) + ":" + std::to_string(micros) + ",";
    input += "\n";
  }
  const bool is_linux = kernel == TwoKernels::Kernel::Linux;
  std::istringstream text(answer(input, is_linux ? "linux" : "lxnet", std::to_string(is_linux ? kLinuxAtOnce : kLxnetAtOnce)));
  std::vector<Lines> logs;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("== play ")) {
      logs.emplace_back();
    } else if (!logs.empty()) {
      logs.back().push_back(std::move(line));
    }
  }
  logs.resize(plays.size());
  return logs;
}

}  // namespace

std::vector<Lines> play(TwoKernels::Kernel kernel, const std::vector<PeerPlay>& plays) {
  std::vector<Lines> logs = play_once(kernel, plays);
  std::vector<PeerPlay> late;
  for (size_t i = 0; i < plays.size(); ++i) {
    if (is_late(logs[i])) late.push_back(plays[i]);
  }
  if (late.empty()) return logs;
  std::vector<Lines> better = play_once(kernel, late);
  for (size_t i = 0, j = 0; i < plays.size(); ++i) {
    if (is_late(logs[i])) logs[i] = std::move(better[j++]);
  }
  return logs;
}

namespace {

// How well lxnet did: lines that are the same, all of them where there is no difference.
size_t count_same(const Lines& left, const Lines& right) {
  const int line = first_other(left, right);
  return line < 0 ? SIZE_MAX : static_cast<size_t>(line);
}

// What may have stood on the other side of a step where the logs part.
std::vector<PeerPlay> others_beside(const PeerPlay& play, const Lines& left, const Lines& right) {
  // Linux's timers of up to a quarter of a second are exact to a tick, those of up to two to 32 ms, and so on by eight.
  constexpr int kSlots[] = {6'000, 20'000, 70'000, 300'000};
  const int line = first_other(left, right);
  std::set<int> steps;
  for (const Lines* log : {&left, &right}) {
    const int step = step_of(*log, line);
    steps.insert({step, step + 1});
  }
  std::vector<PeerPlay> others;
  for (const int step : steps) {
    for (const int slot : kSlots) {
      const auto known = play.first.find(step);
      if (known != play.first.end() && known->second >= slot) continue;
      others.push_back(play);
      others.back().first[step] = slot;
    }
  }
  return others;
}

}  // namespace

std::vector<Lines> play_beside(const std::vector<PeerPlay>& plays, const std::vector<Lines>& on_linux) {
  constexpr int kMostTimers = 8;
  std::vector<PeerPlay> best = plays;
  std::vector<Lines> logs = play(TwoKernels::Kernel::Lxnet, plays);
  std::set<size_t> differing;
  for (size_t i = 0; i < plays.size(); ++i) {
    if (count_same(on_linux[i], logs[i]) != SIZE_MAX) differing.insert(i);
  }
  for (int timers = 0; timers < kMostTimers && !differing.empty(); ++timers) {
    std::vector<PeerPlay> others;
    std::vector<size_t> of;
    for (const size_t i : differing) {
      for (PeerPlay& other : others_beside(best[i], on_linux[i], logs[i])) {
        others.push_back(std::move(other));
        of.push_back(i);
      }
    }
    std::vector<Lines> found = play(TwoKernels::Kernel::Lxnet, others);
    std::set<size_t> better;
    for (size_t j = 0; j < others.size(); ++j) {
      const size_t i = of[j];
      if (count_same(on_linux[i], found[j]) <= count_same(on_linux[i], logs[i])) continue;
      best[i] = others[j];
      logs[i] = std::move(found[j]);
      better.insert(i);
    }
    std::erase_if(better, [&](size_t i) { return count_same(on_linux[i], logs[i]) == SIZE_MAX; });
    differing = std::move(better);
  }
  return logs;
}

bool is_late(const Lines& log) { return std::ranges::find(log, "late") != log.end(); }

std::string opening_of(uint64_t seed) { return answer("", "opening", std::to_string(seed)); }

bool is_same(const std::string& left, const std::string& right) {
  if (left == right) return true;
  std::istringstream one(left), other(right);
  for (std::string a, b;;) {
    const bool has_left = static_cast<bool>(one >> a), has_right = static_cast<bool>(other >> b);
    if (has_left != has_right || (has_left && !is_same_word(a, b))) return false;
    if (!has_left) return true;
  }
}

int first_other(const Lines& left, const Lines& right) {
  const size_t common = std::min(left.size(), right.size());
  for (size_t i = 0; i < common; ++i) {
    if (!is_same(left[i], right[i])) return static_cast<int>(i);
  }
  return left.size() == right.size() ? -1 : static_cast<int>(common);
}

}  // namespace differential
