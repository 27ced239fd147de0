// Runs tests on a kernel in QEMU: they are packed into an initramfs with a shell, and what they print comes over the serial
// console.
//
// The kernel needs nothing but a serial console, an initramfs, procfs, tmpfs and loopback. One that panics or hangs is started
// anew with the tests that are left; the test that was running then has that as its result.
#pragma once

#include <string>
#include <vector>

#include "ltp_runner/guest_boot.hh"
#include "ltp_runner/runner.hh"

namespace lxnet::ltp {

struct GuestOptions {
  GuestMachine machine;
  std::string root;  // of LTP
  std::string output_directory;
  std::string busybox = "/bin/busybox";
  absl::Duration timeout = absl::Minutes(5);
};

// Fills the rows' second runs and judges them.
absl::Status run_in_guest(std::vector<Row>& rows, const GuestOptions& options, const Progress& progress);

// The archive for these tests.
absl::StatusOr<std::string> guest_archive(const std::vector<const Row*>& rows, const GuestOptions& options);

}  // namespace lxnet::ltp
