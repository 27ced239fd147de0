#include "trace_diff/mapped_file.hh"
#include "trace_diff/text.hh"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"

namespace lxnet::trace {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<std::shared_ptr<const std::string_view>> map(const std::string& path) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, path);
  absl::Cleanup closing = [fd] { close(fd); };
  struct stat status {};
  if (fstat(fd, &status) != 0) return absl::ErrnoToStatus(errno, path);
  if (!S_ISREG(status.st_mode)) return absl::InvalidArgumentError(cat(path, ": not a regular file"));
  auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return std::make_shared<const std::string_view>();
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) return absl::ErrnoToStatus(errno, path);
  auto unmap = [data, size](const std::string_view* view) {
    munmap(data, size);
    delete view;
  };
  return std::shared_ptr<const std::string_view>(new std::string_view(static_cast<const char*>(data), size), unmap);
}

std::vector<TraceFile> files_of_prefix(const std::string& prefix) {
  std::vector<TraceFile> files;
  fs::path path(prefix);
  std::string start = path.filename().string() + ".";
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path.has_parent_path() ? path.parent_path() : ".", error)) {
    std::string name = entry.path().filename().string();
    uint32_t number = 0;
    if (name.starts_with(start) && read_number(std::string_view(name).substr(start.size()), number)) {
      files.push_back({.path = entry.path().string(), .thread = number, .content = nullptr});
    }
  }
  std::sort(files.begin(), files.end(), [](const TraceFile& a, const TraceFile& b) { return a.thread < b.thread; });
  return files;
}

}  // namespace

absl::StatusOr<std::vector<TraceFile>> map_trace_files(const std::string& path) {
  std::vector<TraceFile> files;
  if (access(path.c_str(), F_OK) == 0) {
    files.push_back({.path = path, .thread = 0, .content = nullptr});
  } else {
    files = files_of_prefix(path);
  }
  if (files.empty()) {
    return absl::NotFoundError(cat("there is no file '", path, "', nor ", path, ".NUMBER as strace -ff writes them"));
  }
  for (TraceFile& file : files) {
    auto content = map(file.path);
    if (!content.ok()) return content.status();
    file.content = *content;
  }
  return files;
}

}  // namespace lxnet::trace
