// What a comparison found, for a terminal, for programs and for a browser.
#pragma once

#include <string>

#include "trace_diff/comparison.hh"
#include "trace_diff/summary.hh"

namespace lxnet::trace {

struct Report {
  const Comparison& comparison;
  const Summary& summary;
  const Trace& linux_trace;
  const Trace& lxnet_trace;
};

struct TextOptions {
  bool has_color = false;
  bool shows_explained = false;
  bool shows_times = false;
  size_t width = 120;  // of the terminal
  size_t most = 20;    // divergences printed; 0 for all
  size_t context = 3;  // calls before and after
};

std::string text_report(const Report& report, const TextOptions& options);
std::string json_report(const Report& report);
// One file that needs nothing else.
std::string html_report(const Report& report);

// As a report shows it: without the time spent in the call.
std::string_view shown_text(const Event& event);

// The events of a thread around one: `before` and `after` of them, and itself.
std::vector<uint32_t> around(const Trace& trace, uint32_t event, size_t before, size_t after);

}  // namespace lxnet::trace
