// The page of the HTML report: @DATA@ is the JSON report. It loads nothing.
#pragma once

#include <string_view>

namespace lxnet::trace {
extern const std::string_view kHtmlPage;
}  // namespace lxnet::trace
