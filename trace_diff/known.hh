// Differences that are known, with the reason: counted apart, never hidden. One a line:
//
//   CALL CLASS LINUX LXNET : reason
//
// CALL is a name, *, or a name with its arguments as Linux's line has them, `getsockopt(*TCP_INFO*`; CLASS is one of
// divergence.hh; LINUX and LXNET are what differs. * stands for any text. Write _ for a space, - for nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "trace_diff/divergence.hh"
#include "trace_diff/trace.hh"

namespace lxnet::trace {

class KnownDifferences {
 public:
  absl::Status add(std::string_view name, std::string_view text);
  absl::Status add_file(const std::string& path);
  // The reason, or empty.
  std::string explain(const Divergence& divergence, const Trace& linux_trace, const Trace& lxnet_trace) const;

 private:
  struct Row {
    std::string call, linux_pattern, lxnet_pattern, reason;
    DivergenceClass which;
  };
  std::vector<Row> rows_;
};

// Whether `text` is `pattern`, in which * stands for any text.
bool matches_pattern(std::string_view pattern, std::string_view text);

}  // namespace lxnet::trace
