#include "ltp_runner/guest_boot.hh"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "ltp_runner/process.hh"

namespace lxnet::ltp {
namespace {

constexpr absl::Duration kGrace = absl::Seconds(30);  // what the guest may be late with its own timeout

std::vector<std::string> command_line(const GuestMachine& machine, const std::string& archive) {
  std::vector<std::string> words = {machine.qemu,   "-nodefaults", "-display", "none",    "-no-reboot",
                                    "-m",           "1024",        "-serial",  "stdio",   "-kernel",
                                    machine.kernel, "-initrd",     archive,    "-append", "console=ttyS0 panic=-1 quiet"};
  words.insert(words.end(), machine.qemu_arguments.begin(), machine.qemu_arguments.end());
  return words;
}

}  // namespace

GuestBoot::~GuestBoot() {
  if (fd_ >= 0) ::close(fd_);
}

absl::Status GuestBoot::run(const std::string& archive) {
  ProcessSpec spec;
  spec.arguments = command_line(machine_, archive);
  spec.output_file = console_;
  spec.output_limit = 256 << 20;
  spec.timeout = absl::Hours(24);  // watched here, test by test
  ::unlink(console_.c_str());
  absl::StatusOr<Process> process = Process::start(spec);
  if (!process.ok()) return process.status();
  last_mark_ = absl::Now();
  while (!transcript_.is_done() && !is_too_late()) {
    pollfd wait = {.fd = process->event_fd(), .events = POLLIN, .revents = 0};
    bool has_ended = ::poll(&wait, 1, 200) == 1;
    read_console();
    if (!has_ended) continue;
    ProcessResult result = process->finish();
    if (result.ending == Ending::NotStarted) return absl::NotFoundError(absl::StrCat(machine_.qemu, ": ", result.description()));
    break;
  }
  return absl::OkStatus();
}

bool GuestBoot::is_too_late() const {
  absl::Duration patience = transcript_.is_in_test() ? machine_.longest_test + kGrace : machine_.boot_timeout;
  return absl::Now() - last_mark_ > patience;
}

void GuestBoot::read_console() {
  if (fd_ < 0) fd_ = ::open(console_.c_str(), O_RDONLY | O_CLOEXEC);
  char block[65536];
  for (ssize_t size; fd_ >= 0 && (size = ::read(fd_, block, sizeof block)) > 0;) {
    transcript_.add({block, static_cast<size_t>(size)});
    const auto& tests = transcript_.tests();
    size_t marks = 2 * tests.size() - (transcript_.is_in_test() ? 1 : 0);
    if (marks == marks_) continue;
    marks_ = marks;
    absl::Time now = absl::Now();
    // Several may have ended in one piece: the later ones took next to no time.
    for (; durations_.size() < tests.size() && tests[durations_.size()].has_ended; last_mark_ = now)
      durations_.push_back(now - last_mark_);
    last_mark_ = now;
  }
}

}  // namespace lxnet::ltp
