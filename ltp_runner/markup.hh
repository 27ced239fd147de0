// Text inside XML and HTML.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace lxnet::ltp {

// Control characters, which XML cannot hold, become question marks, and so do bytes that are not ASCII.
std::string escaped(absl::string_view text);

}  // namespace lxnet::ltp
