// lxnet-oracle: one program on another Linux kernel, booted in QEMU with the program and what it needs in its initramfs.
//
// Prints what the program printed and ends as it ended: this is how a conformance test asks a Linux that has what the machine's
// own kernel lacks. tests/oracle/run finds the kernel.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ltp_runner/files.hh"
#include "ltp_runner/guest_boot.hh"
#include "tests/oracle/modules.hh"

ABSL_FLAG(std::string, kernel, "", "the image to boot");
ABSL_FLAG(std::string, module_directory, "", "the kernel's modules, as /lib/modules/VERSION");
ABSL_FLAG(std::vector<std::string>, modules, std::vector<std::string>({"kernel/crypto", "kernel/arch/x86/crypto", "kernel/lib"}),
          "the folders of it to take along; what their modules need comes with them");
ABSL_FLAG(std::vector<std::string>, environment, {}, "NAME=VALUE for the program");
ABSL_FLAG(std::vector<std::string>, qemu, {}, "further arguments for QEMU");
ABSL_FLAG(std::string, busybox, "/bin/busybox", "BusyBox");
ABSL_FLAG(int, timeout, 300, "seconds that the program may take");
ABSL_FLAG(std::string, keep, "", "a folder for the console's output and the archive");

namespace {

using namespace lxnet::ltp;

constexpr int kNotRun = 2;  // as the other commands say that they could not begin
constexpr char kName[] = "program";

int complain(const absl::Status& status) {
  std::fprintf(stderr, "oracle: %s\n", std::string(status.message()).c_str());
  return kNotRun;
}

absl::StatusOr<std::string> make_archive(const std::vector<char*>& words) {
  GuestArchive archive;
  if (absl::Status status = add_guest_base(archive, absl::GetFlag(FLAGS_busybox)); !status.ok()) return status;
  if (absl::Status status = archive.copy_program(words[0], "/bin/program"); !status.ok()) return status;
  const std::string modules = absl::GetFlag(FLAGS_module_directory);
  if (!modules.empty()) {
    absl::Status status = lxnet::oracle::add_modules(archive, modules, absl::GetFlag(FLAGS_modules));
    if (!status.ok()) return status;
  }
  std::string command = "exec env";
  for (const std::string& variable : absl::GetFlag(FLAGS_environment)) absl::StrAppend(&command, " ", shell_quoted(variable));
  absl::StrAppend(&command, " /bin/program");
  for (size_t i = 1; i < words.size(); i++) absl::StrAppend(&command, " ", shell_quoted(words[i]));
  archive.add_file("/init",
                   guest_init(absl::StrCat("run ", kName, " ", absl::GetFlag(FLAGS_timeout), " ", shell_quoted(command), "\n")),
                   0755);
  return archive.finish();
}

// The exit status for the only test of the boot.
int report(const GuestBoot& guest) {
  const auto& tests = guest.transcript().tests();
  if (tests.empty()) return complain(absl::InternalError("the kernel did not come as far as the program (see --keep)"));
  std::fputs(tests[0].output.c_str(), stdout);
  if (tests[0].has_ended) return tests[0].status;
  const bool panicked = guest.transcript().has_panicked();
  return complain(absl::InternalError(panicked ? "the kernel panicked" : "the program did not end"));
}

int run(const std::vector<char*>& words, const std::string& folder) {
  absl::StatusOr<std::string> archive = make_archive(words);
  if (!archive.ok()) return complain(archive.status());
  const std::string file = folder + "/initramfs";
  if (absl::Status status = write_file(file, *archive); !status.ok()) return complain(status);
  GuestMachine machine = {.kernel = absl::GetFlag(FLAGS_kernel),
                          .qemu_arguments = absl::GetFlag(FLAGS_qemu),
                          .longest_test = absl::Seconds(absl::GetFlag(FLAGS_timeout))};
  GuestBoot guest(machine, folder + "/console.txt");
  if (absl::Status status = guest.run(file); !status.ok()) return complain(status);
  return report(guest);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<char*> words = absl::ParseCommandLine(argc, argv);
  words.erase(words.begin());
  if (words.empty() || absl::GetFlag(FLAGS_kernel).empty()) {
    return complain(absl::InvalidArgumentError("usage: lxnet-oracle --kernel IMAGE [OPTIONS] -- PROGRAM [ARGUMENT]..."));
  }
  const std::string kept = absl::GetFlag(FLAGS_keep);
  std::error_code error;
  if (!kept.empty()) {
    std::filesystem::create_directories(kept, error);
    return run(words, kept);
  }
  char folder[] = "/tmp/lxnet-oracle-XXXXXX";
  if (::mkdtemp(folder) == nullptr) return complain(absl::ErrnoToStatus(errno, "mkdtemp"));
  const int status = run(words, folder);
  std::filesystem::remove_all(folder, error);
  return status;
}
