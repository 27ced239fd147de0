// Whole files in and out.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lxnet::ltp {

absl::StatusOr<std::string> read_file(const std::string& path);
absl::Status write_file(const std::string& path, absl::string_view text);

}  // namespace lxnet::ltp
