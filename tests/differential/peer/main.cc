// peer: plays the scripts of seeds to a kernel and prints what it did. tests/differential compares Linux with lxnet.
//
//   peer linux|lxnet [JOBS] < PLAYS       a line each: SEED STRETCH [STEP,STEP,...] [STEP:MICROSECONDS,...]
//   peer opening SEED
//
// Each play has a process, on Linux also a network namespace, of its own; most of its time it waits, so JOBS of them run at once.
// STRETCH is how much longer every pause is, in thousandths; of steps that are named only those are played. Before a step with
// microseconds a timer that is due so shortly before it has not fired yet, on lxnet.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <sstream>

#include "tests/differential/peer/runner.hh"

namespace {

struct Line {
  uint64_t seed = 0;
  peer::Play play;
};

std::vector<Line> read_plays() {
  std::vector<Line> plays;
  for (std::string text; std::getline(std::cin, text);) {
    std::replace(text.begin(), text.end(), ',', ' ');
    std::istringstream words(text);
    Line& line = plays.emplace_back();
    words >> line.seed >> line.play.stretch;
    for (std::string word; words >> word;) {
      const size_t colon = word.find(':');
      if (colon == std::string::npos) {
        line.play.only.insert(std::stoi(word));
      } else {
        line.play.first[std::stoi(word)] = std::stoll(word.substr(colon + 1));
      }
    }
  }
  return plays;
}

[[noreturn]] void play(bool is_linux, const Line& line, int output) {
  std::string log;
  const auto kernel = is_linux ? peer::make_linux() : peer::make_lxnet();
  if (kernel == nullptr) _exit(2);
  const peer::Script script = peer::generate(line.seed);
  peer::Runner(*kernel, script, log).run(line.play);
  _exit(write(output, log.data(), log.size()) == static_cast<ssize_t>(log.size()) ? 0 : 3);
}

void print(const std::vector<Line>& plays, const std::vector<int>& outputs, const std::vector<int>& statuses) {
  for (size_t i = 0; i < plays.size(); ++i) {
    printf("== play %zu\n", i);
    const auto size = static_cast<size_t>(std::max<off_t>(lseek(outputs[i], 0, SEEK_END), 0));
    std::string log(size, '\0');
    if (pread(outputs[i], log.data(), size, 0) == static_cast<ssize_t>(size)) fwrite(log.data(), 1, size, stdout);
    if (statuses[i] != 0) printf("== ended with status %x\n", static_cast<unsigned>(statuses[i]));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && strcmp(argv[1], "opening") == 0) {
    puts(peer::show_opening(peer::generate(strtoull(argv[2], nullptr, 10))).c_str());
    return 0;
  }
  if (argc < 2 || (strcmp(argv[1], "linux") != 0 && strcmp(argv[1], "lxnet") != 0)) {
    fprintf(stderr, "peer linux|lxnet [JOBS] < PLAYS; peer opening SEED\n");
    return 2;
  }
  const bool is_linux = strcmp(argv[1], "linux") == 0;
  const size_t jobs = argc > 2 ? strtoul(argv[2], nullptr, 10) : 1;
  const std::vector<Line> plays = read_plays();
  std::vector<int> outputs, statuses(plays.size());
  std::map<pid_t, size_t> running;
  const auto wait_for_one = [&] {
    int status = 0;
    const pid_t ended = waitpid(-1, &status, 0);
    statuses[running[ended]] = status;
    running.erase(ended);
  };
  for (const Line& line : plays) {
    outputs.push_back(memfd_create("log", MFD_CLOEXEC));
    if (running.size() == jobs) wait_for_one();
    const pid_t child = fork();
    if (child == 0) play(is_linux, line, outputs.back());
    running[child] = outputs.size() - 1;
  }
  while (!running.empty()) wait_for_one();
  print(plays, outputs, statuses);
  return 0;
}
