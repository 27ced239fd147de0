#include "ltp_runner/runner.hh"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <deque>
#include <filesystem>
#include <list>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ltp_runner/files.hh"

namespace lxnet::ltp {
namespace {

volatile sig_atomic_t was_interrupted = 0;

// While it lives, SIGINT and SIGTERM end the run in order: what runs is ended, what was made is removed.
class InterruptWatch {
 public:
  InterruptWatch() {
    struct sigaction action = {};
    action.sa_handler = [](int) { was_interrupted = 1; };
    ::sigaction(SIGINT, &action, &before_[0]);
    ::sigaction(SIGTERM, &action, &before_[1]);
  }
  ~InterruptWatch() {
    ::sigaction(SIGINT, &before_[0], nullptr);
    ::sigaction(SIGTERM, &before_[1], nullptr);
  }

 private:
  struct sigaction before_[2];
};

// Tests run in folders below it. In /tmp, because names of AF_UNIX sockets are short.
class WorkDirectory {
 public:
  WorkDirectory() {
    char name[] = "/tmp/ltp-XXXXXX";
    if (::mkdtemp(name) != nullptr) path_ = name;
    ::chmod(path_.c_str(), 0755);  // some tests become another user
  }
  ~WorkDirectory() {
    std::error_code error;
    if (!path_.empty()) std::filesystem::remove_all(path_, error);
  }
  std::string make(size_t number) {
    std::string path = absl::StrCat(path_, "/", number);
    ::mkdir(path.c_str(), 0777);
    ::chmod(path.c_str(), 01777);
    return path;
  }

 private:
  std::string path_;
};

// The shell around a test, and lxnet-run around that, exit with 128 and the number of the signal that killed it.
void see_through_shell(ProcessResult& result) {
  if (result.ending != Ending::Exited || result.number <= 128 || result.number > 128 + SIGRTMAX) return;
  result.ending = Ending::Killed;
  result.number -= 128;
}

std::vector<std::string> test_environment(const std::string& root, const std::string& directory) {
  const char* path = ::getenv("PATH");
  return {absl::StrCat("LTPROOT=", root),
          absl::StrCat("PATH=", root, "/testcases/bin:", path != nullptr ? path : "/usr/bin:/bin"),
          absl::StrCat("TMPDIR=", directory), "LTP_COLORIZE_OUTPUT=0", "LC_ALL=C"};
}

class Runner {
 public:
  Runner(std::vector<PlannedTest> plan, const RunnerOptions& options, const Progress& progress)
      : options_(options), progress_(progress) {
    for (PlannedTest& test : plan) {
      Row& row = rows_.emplace_back();
      row.test = std::move(test);
      row.linux_output_file = output_file("linux", row);
      row.lxnet_output_file = output_file("lxnet", row);
    }
    runs_left_.assign(rows_.size(), has_second_side() ? 2 : 1);
  }

  absl::StatusOr<std::vector<Row>> run() {
    std::error_code error;
    for (const char* side : {"/linux", "/lxnet"}) std::filesystem::create_directories(options_.output_directory + side, error);
    if (error) return absl::ErrnoToStatus(error.value(), options_.output_directory);
    for (Row& row : rows_) {
      if (!row.test.command.empty()) continue;
      row.comparison.verdict = Verdict::Excluded;
      progress_(row, ++done_, rows_.size());
    }
    // Those that must be alone come last, so that nothing waits for them.
    add_jobs([](const SuiteEntry& entry) { return !entry.alone; });
    add_jobs([](const SuiteEntry& entry) { return entry.alone; });
    InterruptWatch watch;
    was_interrupted = 0;
    while (!waiting_.empty() || !running_.empty()) {
      if (absl::Status status = start_what_may(); !status.ok()) return status;
      if (was_interrupted == 0) wait_for_one();
      if (was_interrupted != 0) return absl::CancelledError("interrupted");
    }
    return std::move(rows_);
  }

 private:
  enum class Side : uint8_t { Linux, Lxnet };
  struct Job {
    size_t row;
    Side side;
  };
  struct RunningJob {
    Job job;
    Process process;
  };

  bool has_second_side() const { return !options_.lxnet_command.empty(); }

  std::string output_file(absl::string_view side, const Row& row) const {
    return absl::StrCat(options_.output_directory, "/", side, "/", row.test.entry.test, ".txt");
  }

  void add_jobs(bool (*belongs)(const SuiteEntry& entry)) {
    for (size_t i = 0; i < rows_.size(); i++) {
      if (rows_[i].test.command.empty() || !belongs(rows_[i].test.entry)) continue;
      waiting_.push_back({i, Side::Linux});
      if (has_second_side()) waiting_.push_back({i, Side::Lxnet});
    }
  }

  absl::Status start_what_may() {
    while (!waiting_.empty() && running_.size() < static_cast<size_t>(options_.jobs)) {
      bool wants_to_be_alone = rows_[waiting_.front().row].test.entry.alone;
      if (!running_.empty() && (wants_to_be_alone || rows_[running_.front().job.row].test.entry.alone)) return absl::OkStatus();
      Job job = waiting_.front();
      waiting_.pop_front();
      absl::StatusOr<Process> process = Process::start(spec_of(job));
      if (!process.ok()) return process.status();
      running_.push_back({job, *std::move(process)});
    }
    return absl::OkStatus();
  }

  ProcessSpec spec_of(const Job& job) {
    const Row& row = rows_[job.row];
    ProcessSpec spec;
    if (job.side == Side::Lxnet) {
      spec.arguments = options_.lxnet_command;
      spec.arguments.insert(spec.arguments.begin() + 1, row.test.entry.run_options.begin(), row.test.entry.run_options.end());
    }
    for (const char* word : {"sh", "-c"}) spec.arguments.emplace_back(word);
    spec.arguments.push_back(row.test.command);
    spec.directory = work_.make(++made_);
    spec.environment = test_environment(options_.root, spec.directory);
    spec.environment.insert(spec.environment.end(), row.test.entry.variables.begin(), row.test.entry.variables.end());
    spec.output_file = job.side == Side::Linux ? row.linux_output_file : row.lxnet_output_file;
    spec.timeout = row.test.entry.timeout_seconds > 0 ? absl::Seconds(row.test.entry.timeout_seconds) : options_.timeout;
    spec.is_private = options_.is_private;
    return spec;
  }

  void wait_for_one() {
    std::vector<pollfd> waits;
    for (const RunningJob& job : running_) waits.push_back({.fd = job.process.event_fd(), .events = POLLIN, .revents = 0});
    if (::poll(waits.data(), waits.size(), -1) <= 0) return;
    size_t index = 0;
    for (auto job = running_.begin(); job != running_.end(); index++) {
      if (waits[index].revents == 0) {
        ++job;
        continue;
      }
      finish(*job);
      job = running_.erase(job);
    }
  }

  void finish(RunningJob& running) {
    Row& row = rows_[running.job.row];
    bool is_linux = running.job.side == Side::Linux;
    TestRun& run = is_linux ? row.linux_run : row.lxnet_run;
    run.process = running.process.finish();
    see_through_shell(run.process);
    absl::StatusOr<std::string> text = read_file(is_linux ? row.linux_output_file : row.lxnet_output_file);
    if (text.ok()) run.output = parse_ltp_output(*text);
    if (--runs_left_[running.job.row] > 0) return;
    if (!has_second_side()) return;
    judge(row);
    progress_(row, ++done_, rows_.size());
  }

  const RunnerOptions& options_;
  const Progress& progress_;
  WorkDirectory work_;
  std::vector<Row> rows_;
  std::vector<int> runs_left_;
  std::deque<Job> waiting_;
  std::list<RunningJob> running_;
  size_t made_ = 0;
  size_t done_ = 0;
};

}  // namespace

void judge(Row& row) {
  row.comparison = compare(row.linux_run, row.lxnet_run);
  if (row.comparison.verdict == Verdict::Worse && !row.test.entry.waits.empty()) row.comparison.verdict = Verdict::Waiting;
}

absl::Status diff_worse(std::vector<Row>& rows, const RunnerOptions& options, const std::vector<std::string>& differ) {
  WorkDirectory work;
  std::error_code error;
  std::filesystem::create_directories(options.output_directory + "/diff", error);
  for (size_t i = 0; i < rows.size(); i++) {
    Row& row = rows[i];
    if (row.comparison.verdict != Verdict::Worse) continue;
    ProcessSpec spec;
    spec.arguments = differ;
    for (const char* word : {"sh", "-c"}) spec.arguments.emplace_back(word);
    spec.arguments.push_back(row.test.command);
    spec.directory = work.make(i);
    spec.environment = test_environment(options.root, spec.directory);
    spec.output_file = row.diff_file = absl::StrCat(options.output_directory, "/diff/", row.test.entry.test, ".txt");
    // Twice the test, each time under strace.
    spec.timeout = 10 * (row.test.entry.timeout_seconds > 0 ? absl::Seconds(row.test.entry.timeout_seconds) : options.timeout);
    absl::StatusOr<Process> process = Process::start(spec);
    if (!process.ok()) return process.status();
    ProcessResult result = process->finish();
    if (result.ending == Ending::NotStarted) return absl::NotFoundError(absl::StrCat(differ[0], ": ", result.description()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Row>> run_plan(std::vector<PlannedTest> plan, const RunnerOptions& options, const Progress& progress) {
  return Runner(std::move(plan), options, progress).run();
}

}  // namespace lxnet::ltp
