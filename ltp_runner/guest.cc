#include "ltp_runner/guest.hh"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "ltp_runner/files.hh"
#include "ltp_runner/guest_transcript.hh"

namespace lxnet::ltp {
namespace {

constexpr absl::Duration kGrace = absl::Seconds(30);  // what the guest may be late with its own timeout
constexpr int kShellTimeout = 137;                    // of `timeout -s KILL`, as a shell shows it

// One boot, and what came of it.
class Guest {
 public:
  Guest(const GuestOptions& options, int number)
      : options_(options), console_(absl::StrCat(options.output_directory, "/guest/console", number, ".txt")) {}

  ~Guest() {
    if (fd_ >= 0) ::close(fd_);
  }
  Guest(const Guest&) = delete;
  // The longest that a test may take.
  void set_longest(absl::Duration longest) { longest_ = longest; }

  // Until the tests are done, the machine is off, or it has been silent for too long.
  absl::Status run(const std::string& archive) {
    ProcessSpec spec;
    spec.arguments = {options_.qemu, "-nodefaults",   "-display",
                      "none",        "-no-reboot",    "-m",
                      "1024",        "-serial",       "stdio",
                      "-kernel",     options_.kernel, "-initrd",
                      archive,       "-append",       "console=ttyS0 panic=-1 quiet"};
    spec.output_file = console_;
    spec.output_limit = 256 << 20;
    spec.timeout = absl::Hours(24);  // watched here, test by test
    ::unlink(console_.c_str());
    absl::StatusOr<Process> process = Process::start(spec);
    if (!process.ok()) return process.status();
    last_mark_ = absl::Now();
    while (!transcript.is_done() && !is_too_late()) {
      pollfd wait = {.fd = process->event_fd(), .events = POLLIN, .revents = 0};
      bool has_ended = ::poll(&wait, 1, 200) == 1;
      read_console();
      if (!has_ended) continue;
      ProcessResult result = process->finish();
      if (result.ending == Ending::NotStarted)
        return absl::NotFoundError(absl::StrCat(options_.qemu, ": ", result.description()));
      break;
    }
    return absl::OkStatus();
  }

  absl::Duration seconds(size_t test) const { return test < durations_.size() ? durations_[test] : absl::Now() - last_mark_; }

  GuestTranscript transcript;

 private:
  bool is_too_late() const {
    absl::Duration patience = transcript.is_in_test() ? longest_ + kGrace : options_.boot_timeout;
    return absl::Now() - last_mark_ > patience;
  }

  void read_console() {
    if (fd_ < 0) fd_ = ::open(console_.c_str(), O_RDONLY | O_CLOEXEC);
    char block[65536];
    for (ssize_t size; fd_ >= 0 && (size = ::read(fd_, block, sizeof block)) > 0;) {
      transcript.add({block, static_cast<size_t>(size)});
      const auto& tests = transcript.tests();
      size_t marks = 2 * tests.size() - (transcript.is_in_test() ? 1 : 0);
      if (marks == marks_) continue;
      marks_ = marks;
      absl::Time now = absl::Now();
      // Several may have ended in one piece: the later ones took next to no time.
      for (; durations_.size() < tests.size() && tests[durations_.size()].has_ended; last_mark_ = now)
        durations_.push_back(now - last_mark_);
      last_mark_ = now;
    }
  }

  const GuestOptions& options_;
  std::string console_;
  int fd_ = -1;
  absl::Time last_mark_;
  absl::Duration longest_;
  size_t marks_ = 0;
  std::vector<absl::Duration> durations_;
};

ProcessResult result_of(const GuestTranscript::Test& test, const Guest& guest, int timeout_seconds) {
  ProcessResult result;
  result.ending = Ending::Exited;
  result.number = test.status;
  if (!test.has_ended) {
    result.ending = guest.transcript.has_panicked() ? Ending::Killed : Ending::TimedOut;
    result.number = guest.transcript.has_panicked() ? SIGKILL : timeout_seconds;
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
    Guest guest(options_, ++boots_);
    int longest = 0;
    for (const Row* row : left_) longest = std::max(longest, timeout_of(*row));
    guest.set_longest(absl::Seconds(longest));
    if (absl::Status status = guest.run(file); !status.ok()) return status;
    const auto& tests = guest.transcript.tests();
    for (size_t i = 0; i < tests.size(); i++) take(tests[i], guest, guest.seconds(i));
    return absl::OkStatus();
  }

  int timeout_of(const Row& row) const {
    int own = row.test.entry.timeout_seconds;
    return own > 0 ? own : static_cast<int>(absl::ToInt64Seconds(options_.timeout));
  }

  void take(const GuestTranscript::Test& test, const Guest& guest, absl::Duration elapsed) {
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
