// lxnet-ltp: the command line of `lxnet ltp`.

#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ltp_runner/baseline.hh"
#include "ltp_runner/files.hh"
#include "ltp_runner/guest.hh"
#include "ltp_runner/options.hh"
#include "ltp_runner/private_world.hh"
#include "ltp_runner/runner.hh"

namespace {

using namespace lxnet::ltp;

constexpr int kNothingRun = 2;

int complain(const absl::Status& status) {
  std::fprintf(stderr, "lxnet ltp: %s\n", std::string(status.message()).c_str());
  return kNothingRun;
}

// Root in a container may lack the right to make namespaces.
bool can_be_private() {
  if (::geteuid() != 0) return false;
  pid_t pid = ::fork();
  if (pid == 0) ::_exit(enter_private_world() == 0 ? 0 : 1);
  int status = 1;
  return pid > 0 && ::waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string kernel_name() {
  utsname name = {};
  ::uname(&name);
  return absl::StrCat(name.sysname, " ", name.release, " ", name.machine);
}

void list_plan(const std::vector<PlannedTest>& plan) {
  std::string suite;
  for (const PlannedTest& test : plan) {
    if (test.suite != suite) std::printf("%s:\n", test.suite.c_str());
    suite = test.suite;
    std::string remark = test.entry.excluded.empty() ? "" : " - " + test.entry.excluded;
    if (!test.entry.waits.empty()) remark += " waits: " + test.entry.waits;
    std::printf("  %-28s %-12s%s\n", test.entry.test.c_str(), test.entry.call.c_str(), remark.c_str());
  }
}

void print_progress(const Row& row, size_t done, size_t all) {
  std::string line = absl::StrFormat("[%3d/%d] %-28s ", done, all, row.test.entry.test);
  if (row.comparison.verdict == Verdict::Excluded) {
    absl::StrAppend(&line, "excluded");
  } else {
    absl::StrAppendFormat(&line, "Linux %-18s here %-18s %s", run_text(row.linux_run), run_text(row.lxnet_run),
                          verdict_name(row.comparison.verdict));
  }
  std::fprintf(stderr, "%s\n", line.c_str());
}

absl::Status write_reports(const Options& options, const Report& report) {
  struct Form {
    const std::string& file;
    std::string (*make)(const Report&);
  };
  for (const Form& form : {Form{options.json_file, json_report}, Form{options.junit_file, junit_report},
                           Form{options.html_file, html_report}, Form{options.markdown_file, markdown_report}}) {
    if (form.file.empty()) continue;
    if (absl::Status status = write_file(form.file, form.make(report)); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// The exit status.
int judge(const std::vector<BaselineRow>* baseline, const Report& report) {
  if (baseline == nullptr) return total(report).worse > 0 ? 1 : 0;
  std::vector<std::string> lost = regressions(*baseline, report);
  std::printf("\n%s\n", lost.empty() ? "Nothing is worse than in the baseline." : "Worse than in the baseline:");
  for (const std::string& sentence : lost) std::printf("  %s\n", sentence.c_str());
  return lost.empty() ? 0 : 1;
}

// Tests run in other folders than ours.
std::string program_path(const std::string& program) {
  return program.find('/') == std::string::npos ? program : std::string(std::filesystem::absolute(program));
}

RunnerOptions runner_options(const Options& options, const std::string& root) {
  RunnerOptions run;
  run.root = root;
  run.lxnet_command = {program_path(options.lxnet_run), "--unix", "--host-calls", "userfaultfd", "--"};
  run.output_directory = std::filesystem::absolute(options.output_directory);
  run.is_private = can_be_private();
  run.jobs = options.jobs > 0 ? options.jobs
             : run.is_private ? static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))
                              : 1;
  run.timeout = absl::Seconds(options.timeout_seconds);
  if (!run.is_private) {
    std::fprintf(stderr,
                 "lxnet ltp: without root, or the right to make namespaces, tests run on this machine's own network and files\n");
  }
  return run;
}

absl::StatusOr<std::vector<Row>> run_both_sides(std::vector<PlannedTest> plan, const Options& options, const std::string& root) {
  RunnerOptions run = runner_options(options, root);
  if (options.guest_kernel.empty()) {
    absl::StatusOr<std::vector<Row>> rows = run_plan(std::move(plan), run, print_progress);
    if (!rows.ok() || !options.diffs) return rows;
    absl::Status status = diff_worse(*rows, run,
                                     {program_path(options.differ), "--lxnet-run", run.lxnet_command[0], "--run-option=--unix",
                                      "--run-option=--host-calls=userfaultfd", "--"});
    if (!status.ok()) return status;
    return rows;
  }
  run.lxnet_command.clear();
  absl::StatusOr<std::vector<Row>> rows = run_plan(std::move(plan), run, [](const Row&, size_t, size_t) {});
  if (!rows.ok()) return rows;
  GuestOptions guest;
  guest.machine.kernel = options.guest_kernel;
  guest.root = root;
  guest.output_directory = run.output_directory;
  guest.timeout = run.timeout;
  if (absl::Status status = run_in_guest(*rows, guest, print_progress); !status.ok()) return status;
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  absl::StatusOr<Options> options = parse_options({argv + 1, argv + argc});
  if (!options.ok()) return complain(options.status());
  if (options->helps) return std::fputs(help_text().c_str(), stdout), 0;
  absl::StatusOr<std::string> root = find_ltp(options->root);
  if (!root.ok()) return complain(root.status());
  absl::StatusOr<std::vector<PlannedTest>> plan = make_plan({*root, options->suite_directory, options->suites, options->tests});
  if (!plan.ok()) return complain(plan.status());
  if (options->lists) return list_plan(*plan), 0;
  std::vector<BaselineRow> baseline;
  if (!options->baseline_file.empty()) {
    absl::StatusOr<std::string> text = read_file(options->baseline_file);
    if (!text.ok()) return complain(text.status());
    absl::StatusOr<std::vector<BaselineRow>> rows = parse_baseline(*text);
    if (!rows.ok()) return complain(rows.status());
    baseline = *std::move(rows);
  }
  absl::StatusOr<std::vector<Row>> rows = run_both_sides(*std::move(plan), *options, *root);
  if (!rows.ok()) return complain(rows.status());
  Report report = {.ltp_version = ltp_version(*root),
                   .kernel = kernel_name(),
                   .date = absl::FormatTime("%Y-%m-%d", absl::Now(), absl::LocalTimeZone()),
                   .second_side = options->guest_kernel.empty() ? "lxnet" : "qemu",
                   .rows = *std::move(rows)};
  std::printf("%s", text_report(report).c_str());
  if (absl::Status status = write_reports(*options, report); !status.ok()) return complain(status);
  return judge(options->baseline_file.empty() ? nullptr : &baseline, report);
}
