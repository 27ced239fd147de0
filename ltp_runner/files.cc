#include "ltp_runner/files.hh"

#include <errno.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace lxnet::ltp {

absl::StatusOr<std::string> read_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return absl::ErrnoToStatus(errno, path);
  std::string text;
  char block[65536];
  for (size_t size; (size = std::fread(block, 1, sizeof block, file)) > 0;) text.append(block, size);
  bool failed = std::ferror(file) != 0;
  int error = errno;
  std::fclose(file);
  if (failed) return absl::ErrnoToStatus(error, path);
  return text;
}

absl::Status write_file(const std::string& path, absl::string_view text) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return absl::ErrnoToStatus(errno, path);
  bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  bool closed = std::fclose(file) == 0;
  if (!written || !closed) return absl::ErrnoToStatus(errno, path);
  return absl::OkStatus();
}

}  // namespace lxnet::ltp
