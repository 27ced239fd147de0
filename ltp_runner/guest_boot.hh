// One boot of a kernel in QEMU with an archive as its initramfs, and what its console said.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "ltp_runner/guest_archive.hh"
#include "ltp_runner/guest_transcript.hh"

namespace lxnet::ltp {

struct GuestMachine {
  std::string kernel;  // an image that QEMU boots
  std::string qemu = "qemu-system-x86_64";
  std::vector<std::string> qemu_arguments;         // beside those that every guest needs
  absl::Duration boot_timeout = absl::Minutes(5);  // software emulation on a busy machine
  absl::Duration longest_test = absl::Duration();  // the longest that a test may take
};

class GuestBoot {
 public:
  // What the console prints is kept in the file `console`.
  GuestBoot(const GuestMachine& machine, std::string console) : machine_(machine), console_(std::move(console)) {}
  ~GuestBoot();
  GuestBoot(const GuestBoot&) = delete;

  // Until the tests are done, the machine is off, or it has been silent for too long. `archive` names a file.
  absl::Status run(const std::string& archive);

  const GuestTranscript& transcript() const { return transcript_; }
  // How long the test with this number took.
  absl::Duration elapsed(size_t test) const { return test < durations_.size() ? durations_[test] : absl::Now() - last_mark_; }

 private:
  bool is_too_late() const;
  void read_console();

  const GuestMachine& machine_;
  std::string console_;
  int fd_ = -1;
  GuestTranscript transcript_;
  absl::Time last_mark_;
  size_t marks_ = 0;
  std::vector<absl::Duration> durations_;
};

// Devices, folders, BusyBox with the words that tests use, and the files of /etc.
absl::Status add_guest_base(GuestArchive& archive, const std::string& busybox);

// The /init that does `commands` between mounting its file systems and switching the machine off. They may use
// `run NAME SECONDS COMMAND`, which prints the marks that a transcript is read by.
std::string guest_init(absl::string_view commands);

std::string shell_quoted(absl::string_view text);

}  // namespace lxnet::ltp
