#include "tests/oracle/modules.hh"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ltp_runner/files.hh"

namespace lxnet::oracle {
namespace {

bool is_below(absl::string_view file, const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    if (absl::StartsWith(file, folder + "/")) return true;
  }
  return false;
}

}  // namespace

absl::Status add_modules(ltp::GuestArchive& archive, const std::string& directory, const std::vector<std::string>& folders) {
  absl::StatusOr<std::string> dependencies = ltp::read_file(directory + "/modules.dep");
  if (!dependencies.ok()) return dependencies.status();
  std::string kept;
  // "kernel/crypto/algif_hash.ko: kernel/crypto/af_alg.ko": what it needs is all in the line.
  for (absl::string_view line : absl::StrSplit(*dependencies, '\n', absl::SkipEmpty())) {
    if (!is_below(line, folders)) continue;
    absl::StrAppend(&kept, line, "\n");
    for (absl::string_view file : absl::StrSplit(line, absl::ByAnyChar(": "), absl::SkipEmpty())) {
      if (absl::Status status = archive.copy_file(absl::StrCat(directory, "/", file)); !status.ok()) return status;
    }
  }
  archive.add_file(directory + "/modules.dep", kept, 0644);
  for (const char* list : {"/modules.alias", "/modules.softdep", "/modules.symbols", "/modules.builtin"}) {
    static_cast<void>(archive.copy_file(directory + list));
  }
  return absl::OkStatus();
}

}  // namespace lxnet::oracle
