// The file or files of a strace log, mapped.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace lxnet::trace {

struct TraceFile {
  std::string path;
  uint32_t thread = 0;  // of PREFIX.123
  std::shared_ptr<const std::string_view> content;
};

// PATH itself, or every PATH.NUMBER in rising order when there is no such file.
absl::StatusOr<std::vector<TraceFile>> map_trace_files(const std::string& path);

}  // namespace lxnet::trace
