// What a whole run found, and its forms: text for people, JSON for programs and for --baseline, JUnit XML for CI, HTML and
// Markdown.
#pragma once

#include <string>
#include <vector>

#include "ltp_runner/comparison.hh"
#include "ltp_runner/plan.hh"

namespace lxnet::ltp {

struct Row {
  PlannedTest test;
  TestRun linux_run;
  TestRun lxnet_run;
  Comparison comparison;
  std::string linux_output_file;
  std::string lxnet_output_file;
  std::string diff_file;  // what lxnet diff printed, if it was run
};

struct Report {
  std::string ltp_version;
  std::string kernel;
  std::string date;
  std::string second_side = "lxnet";  // or "qemu": what is compared with Linux
  std::vector<Row> rows;
};

// Sums over a report's rows, by suite or call; in the order of their first row.
struct Sum {
  std::string name;
  int tests = 0;  // that were run
  int same = 0;
  int better = 0;
  int worse = 0;
  int waiting = 0;
  int excluded = 0;
  Counts linux_counts;
  Counts lxnet_counts;
};
enum class SumBy { Suite, Call };
std::vector<Sum> sums(const Report& report, SumBy by);
Sum total(const Report& report);

// "5 pass 1 conf"; "exit 1" and the like where LTP's words are missing or the end was no exit.
std::string run_text(const TestRun& run);

std::string text_report(const Report& report);
std::string json_report(const Report& report);
std::string junit_report(const Report& report);
std::string html_report(const Report& report);
std::string markdown_report(const Report& report);

}  // namespace lxnet::ltp
