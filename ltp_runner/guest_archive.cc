#include "ltp_runner/guest_archive.hh"

#include <stdio.h>
#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "ltp_runner/files.hh"

namespace lxnet::ltp {
namespace {

constexpr size_t kAlignment = 4;

// The loader and the libraries, by asking the loader itself. Empty for a static program.
std::vector<std::string> libraries_of(const std::string& program) {
  std::vector<std::string> libraries;
  std::string quoted = absl::StrCat("'", absl::StrReplaceAll(program, {{"'", "'\\''"}}), "'");
  FILE* pipe = ::popen(absl::StrCat("ldd ", quoted, " 2>/dev/null").c_str(), "re");
  if (pipe == nullptr) return libraries;
  std::string text;
  char block[4096];
  for (size_t size; (size = ::fread(block, 1, sizeof block, pipe)) > 0;) text.append(block, size);
  ::pclose(pipe);
  // "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)" and "/lib64/ld-linux-x86-64.so.2 (0x…)"
  for (absl::string_view word : absl::StrSplit(text, absl::ByAnyChar(" \t\n"), absl::SkipEmpty())) {
    if (word[0] == '/') libraries.emplace_back(word);
  }
  return libraries;
}

}  // namespace

void GuestArchive::add_parents(absl::string_view name) {
  size_t slash = name.rfind('/');
  if (slash == absl::string_view::npos || slash == 0) return;
  absl::string_view parent = name.substr(0, slash);
  if (!names_.contains(parent)) add_folder(parent, 0755);
}

void GuestArchive::add_entry(absl::string_view name, mode_t mode, absl::string_view contents, unsigned major, unsigned minor) {
  if (!names_.insert(std::string(name)).second) return;
  add_parents(name);
  absl::ConsumePrefix(&name, "/");
  auto pad = [&] { bytes_.resize((bytes_.size() + kAlignment - 1) / kAlignment * kAlignment); };
  // inode, mode, owner, group, links, time, size, the file system's device, the entry's device, length of the name, no checksum
  absl::StrAppendFormat(&bytes_, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", next_inode_++, mode, 0, 0, 1, 0,
                        contents.size(), 0, 0, major, minor, name.size() + 1, 0);
  absl::StrAppend(&bytes_, name);
  bytes_ += '\0';
  pad();
  absl::StrAppend(&bytes_, contents);
  pad();
}

void GuestArchive::add_file(absl::string_view name, absl::string_view contents, mode_t permissions) {
  add_entry(name, S_IFREG | permissions, contents);
}
void GuestArchive::add_link(absl::string_view name, absl::string_view target) { add_entry(name, S_IFLNK | 0777, target); }
void GuestArchive::add_folder(absl::string_view name, mode_t permissions) { add_entry(name, S_IFDIR | permissions, ""); }
void GuestArchive::add_device(absl::string_view name, unsigned major, unsigned minor) {
  add_entry(name, S_IFCHR | 0666, "", major, minor);
}

absl::Status GuestArchive::copy_file(const std::string& path) {
  if (names_.contains(path)) return absl::OkStatus();
  absl::StatusOr<std::string> contents = read_file(path);
  if (!contents.ok()) return contents.status();
  add_file(path, *contents, 0755);
  return absl::OkStatus();
}

absl::Status GuestArchive::copy_program(const std::string& path, absl::string_view name) {
  absl::StatusOr<std::string> contents = read_file(path);
  if (!contents.ok()) return contents.status();
  add_file(name, *contents, 0755);
  for (const std::string& library : libraries_of(path)) {
    if (absl::Status status = copy_file(library); !status.ok()) return status;
  }
  return absl::OkStatus();
}

std::string GuestArchive::finish() {
  add_entry("TRAILER!!!", 0, "");
  return std::move(bytes_);
}

}  // namespace lxnet::ltp
