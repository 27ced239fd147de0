// What a guest of the LTP runner boots: the tests and their libraries, and an init that runs one after the other.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ltp_runner/files.hh"
#include "ltp_runner/guest.hh"
#include "ltp_runner/guest_archive.hh"

namespace lxnet::ltp {
namespace {

int seconds_of(const Row& row, const GuestOptions& options) {
  int own = row.test.entry.timeout_seconds;
  return own > 0 ? own : static_cast<int>(absl::ToInt64Seconds(options.timeout));
}

// The configuration that Debian keeps beside its kernels, which LTP asks for.
void add_configuration(GuestArchive& archive, const std::string& kernel) {
  size_t name = kernel.rfind("/vmlinuz-");
  if (name == std::string::npos) return;
  absl::StatusOr<std::string> text = read_file(absl::StrCat(kernel.substr(0, name), "/config-", kernel.substr(name + 9)));
  if (text.ok()) archive.add_file("/ltp/kconfig", *text, 0644);
}

}  // namespace

absl::StatusOr<std::string> guest_archive(const std::vector<const Row*>& rows, const GuestOptions& options) {
  GuestArchive archive;
  if (absl::Status status = add_guest_base(archive, options.busybox); !status.ok()) return status;
  add_configuration(archive, options.machine.kernel);
  std::string commands;
  for (const Row* row : rows) {
    const std::string& command = row->test.command;
    std::string program = absl::StrCat("/testcases/bin/", command.substr(0, command.find(' ')));
    absl::Status status = archive.copy_program(options.root + program, absl::StrCat("/ltp", program));
    if (!status.ok()) return status;
    absl::StrAppend(&commands, "run ", shell_quoted(row->test.entry.test), " ", seconds_of(*row, options), " ",
                    shell_quoted(absl::StrJoin(row->test.entry.variables, " ") + " " + command), "\n");
  }
  archive.add_file("/init", guest_init(commands), 0755);
  return archive.finish();
}

}  // namespace lxnet::ltp
