// A cpio archive as Linux unpacks it at boot ("newc"), uncompressed.
#pragma once

#include <sys/types.h>

#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace lxnet::ltp {

class GuestArchive {
 public:
  // Names are absolute; the folders above them are made.
  void add_file(absl::string_view name, absl::string_view contents, mode_t permissions);
  void add_link(absl::string_view name, absl::string_view target);
  void add_folder(absl::string_view name, mode_t permissions);
  void add_device(absl::string_view name, unsigned major, unsigned minor);
  // A file of this machine, under its own name.
  absl::Status copy_file(const std::string& path);
  // A program of this machine under `name`, and what the dynamic loader needs for it.
  absl::Status copy_program(const std::string& path, absl::string_view name);

  // The archive's bytes; nothing may be added afterwards.
  std::string finish();

 private:
  void add_parents(absl::string_view name);
  void add_entry(absl::string_view name, mode_t mode, absl::string_view contents, unsigned major = 0, unsigned minor = 0);

  std::string bytes_;
  absl::flat_hash_set<std::string> names_;
  unsigned next_inode_ = 1;
};

}  // namespace lxnet::ltp
