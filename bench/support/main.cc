// The main() of every benchmark: bench_NAME [--runs N] [--count N] [--json FILE] [--side SIDE] [--list] [CASE]...; a CASE is a
// part of a case's name. With --count a run is that many operations however long they take: for a profiler that counts
// instructions.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include "bench/support/report.hh"

namespace lxnet::bench {
namespace {

struct Options {
  int runs = 15;
  int64_t count = 0;
  std::string json;
  bool lists = false;
  WantedSides sides = {true, true, true, true, true};
  std::vector<std::string> wanted;
};

size_t index_of_side(const char* name) {
  size_t side = 0;
  while (side < kSides && strcmp(kSideNames[side], name) != 0) ++side;
  return side;
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--list") {
      options.lists = true;
    } else if (word == "--runs" && i + 1 < argc && atoi(argv[i + 1]) > 0) {
      options.runs = atoi(argv[++i]);
    } else if (word == "--count" && i + 1 < argc && atoll(argv[i + 1]) > 0) {
      options.count = atoll(argv[++i]);
    } else if (word == "--json" && i + 1 < argc) {
      options.json = argv[++i];
    } else if (word == "--side" && i + 1 < argc && index_of_side(argv[i + 1]) < kSides) {
      options.sides = {};
      options.sides[index_of_side(argv[++i])] = true;
    } else if (word[0] == '-') {
      fprintf(stderr, "usage: %s [--runs N] [--count N] [--json FILE] [--side SIDE] [--list] [CASE]...\n", argv[0]);
      exit(2);
    } else {
      options.wanted.push_back(word);
    }
  }
  return options;
}

bool is_wanted(const Options& options, const std::string& name) {
  if (options.wanted.empty()) return true;
  for (const std::string& part : options.wanted) {
    if (part[0] == '=' ? name == part.substr(1) : name.find(part) != std::string::npos) return true;
  }
  return false;
}

// bin/bench_tcp -> tcp
std::string name_of(const char* program) {
  const char* slash = strrchr(program, '/');
  const std::string name = slash == nullptr ? program : slash + 1;
  return name.rfind("bench_", 0) == 0 ? name.substr(6) : name;
}

int run(int argc, char** argv) {
  const Options options = parse(argc, argv);
  Suite suite;
  add_cases(suite);
  std::vector<Row> rows;
  for (const Case& one : suite.cases()) {
    if (!is_wanted(options, one.name)) continue;
    if (options.lists) {
      printf("%s\n", one.name.c_str());
    } else {
      rows.push_back(measure(one, options.runs, options.sides, options.count));
    }
  }
  if (options.lists) return 0;
  print_table(name_of(argv[0]), rows);
  if (options.json.empty() || write_json(options.json, name_of(argv[0]), rows)) return 0;
  fprintf(stderr, "cannot write %s\n", options.json.c_str());
  return 1;
}

}  // namespace
}  // namespace lxnet::bench

int main(int argc, char** argv) {
  try {
    return lxnet::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
}
