#include "ltp_runner/guest.hh"

#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "ltp_runner/files.hh"

namespace lxnet::ltp {
namespace {

constexpr int kShellTimeout = 137;  // of `timeout -s KILL`, as a shell shows it

ProcessResult result_of(const GuestTranscript::Test& test, const GuestBoot& guest, int timeout_seconds) {
  ProcessResult result;
  result.ending = Ending::Exited;
  result.number = test.status;
  if (!test.has_ended) {
    result.ending = guest.transcript().has_panicked() ? Ending::Killed : Ending::TimedOut;
    result.number = guest.transcript().has_panicked() ? SIGKILL : timeout_seconds;
  } else if (test.status == kShellTimeout) {
    result.ending = Ending::TimedOut;
    result.number = timeout_seconds;
  } else if (test.status > 128) {
    result.ending = Ending::Killed;
    result.number = test.status - 128;
  }
  return result;
}

class GuestRunner {
 public:
  GuestRunner(std::vector<Row>& rows, const GuestOptions& options, const Progress& progress)
      : rows_(rows), options_(options), progress_(progress) {
    for (Row& row : rows_) {
      if (row.test.command.empty()) {
        done_++;
      } else {
        left_.push_back(&row);
      }
    }
  }

  absl::Status run() {
    std::error_code error;
    std::filesystem::create_directories(options_.output_directory + "/guest", error);
    while (!left_.empty()) {
      size_t before = left_.size();
      if (absl::Status status = boot(); !status.ok()) return status;
      if (left_.size() == before)
        return absl::InternalError("the guest ran no test; its console is in the output's folder guest/");
    }
    return absl::OkStatus();
  }

 private:
  absl::Status boot() {
    absl::StatusOr<std::string> archive = guest_archive({left_.begin(), left_.end()}, options_);
    if (!archive.ok()) return archive.status();
    std::string file = options_.output_directory + "/guest/initramfs";
    if (absl::Status status = write_file(file, *archive); !status.ok()) return status;
    GuestMachine machine = options_.machine;
    for (const Row* row : left_) machine.longest_test = std::max(machine.longest_test, absl::Seconds(timeout_of(*row)));
    GuestBoot guest(machine, absl::StrCat(options_.output_directory, "/guest/console", ++boots_, ".txt"));
    if (absl::Status status = guest.run(file); !status.ok()) return status;
    const auto& tests = guest.transcript().tests();
    for (size_t i = 0; i < tests.size(); i++) take(tests[i], guest, guest.elapsed(i));
    return absl::OkStatus();
  }

  int timeout_of(const Row& row) const {
    int own = row.test.entry.timeout_seconds;
    return own > 0 ? own : static_cast<int>(absl::ToInt64Seconds(options_.timeout));
  }

  void take(const GuestTranscript::Test& test, const GuestBoot& guest, absl::Duration elapsed) {
    auto found = std::find_if(left_.begin(), left_.end(), [&](const Row* row) { return row->test.entry.test == test.name; });
    if (found == left_.end()) return;
    Row& row = **found;
    left_.erase(found);
    static_cast<void>(write_file(row.lxnet_output_file, test.output));
    row.lxnet_run.output = parse_ltp_output(test.output);
    row.lxnet_run.process = result_of(test, guest, timeout_of(row));
    row.lxnet_run.process.elapsed = elapsed;
    judge(row);
    progress_(row, ++done_, rows_.size());
  }

  std::vector<Row>& rows_;
  const GuestOptions& options_;
  const Progress& progress_;
  std::vector<Row*> left_;
  size_t done_ = 0;
  int boots_ = 0;
};

}  // namespace

absl::Status run_in_guest(std::vector<Row>& rows, const GuestOptions& options, const Progress& progress) {
  return GuestRunner(rows, options, progress).run();
}

}  // namespace lxnet::ltp
