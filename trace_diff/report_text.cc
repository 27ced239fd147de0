#include <algorithm>

#include "absl/strings/str_format.h"
#include "trace_diff/report.hh"
#include "trace_diff/text.hh"

namespace lxnet::trace {
namespace {

constexpr std::string_view kRed = "\033[31m", kGreen = "\033[32m", kBold = "\033[1m", kDim = "\033[2m", kPlain = "\033[0m";
constexpr size_t kNarrow = 100;       // below it the two runs stand under each other
constexpr size_t kLongestLine = 600;  // of a call, in the report

class Writer {
 public:
  Writer(const Report& report, const TextOptions& options) : report_(report), options_(options) {}

  std::string run() {
    size_t shown = 0, number = 0;
    for (const Divergence& divergence : report_.comparison.divergences) {
      if (!divergence.explanation.empty() && !options_.shows_explained) continue;
      number++;
      if (options_.most != 0 && shown == options_.most) continue;
      shown++;
      write(divergence, number);
    }
    if (shown < number) append(out_, number - shown, " more are not shown; --most 0 shows all\n\n");
    write_totals();
    return std::move(out_);
  }

 private:
  std::string_view style(std::string_view code) const { return options_.has_color ? code : std::string_view(); }

  void write(const Divergence& divergence, size_t number) {
    std::string subject = subject_of(divergence, report_.linux_trace, report_.lxnet_trace);
    const DivergenceClassRow& row = row_of(divergence.which);
    append(out_, style(kBold), number, ". ", row.name, ": ", subject, style(kPlain), "  thread ", divergence.thread);
    if (row.severity == Severity::Minor) append(out_, "  (minor)");
    append(out_, "\n");
    if (options_.width < kNarrow) {
      write_stacked(divergence);
    } else {
      write_columns(divergence);
    }
    for (const Difference& difference : divergence.differences) {
      if (divergence.which == DivergenceClass::Order || divergence.which == DivergenceClass::Exit) break;
      append(out_, "   ", difference.place, ": Linux ", style(kGreen), shown(difference.linux_text), style(kPlain), ", lxnet ",
             style(kRed), shown(difference.lxnet_text), style(kPlain), "\n");
    }
    if (!divergence.explanation.empty()) append(out_, "   known: ", divergence.explanation, "\n");
    append(out_, "\n");
  }

  static std::string shown(const std::string& text) { return text.empty() ? "nothing" : text.substr(0, kLongestLine); }

  std::string line_of(const Trace& trace, uint32_t event) const {
    return cat(trace.events[event].line, " ", shown_text(trace.events[event]).substr(0, kLongestLine));
  }

  void write_stacked(const Divergence& divergence) {
    auto side = [&](std::string_view name, std::string_view color, const Trace& trace, uint32_t event) {
      if (event == kNoEvent) return;
      for (uint32_t near : around(trace, event, options_.context, options_.context)) {
        bool is_it = near == event;
        append(out_, is_it ? style(color) : style(kDim), is_it ? " > " : "   ", name, " ", line_of(trace, near), style(kPlain),
               "\n");
      }
    };
    side("Linux", kGreen, report_.linux_trace, divergence.linux_event);
    side("lxnet", kRed, report_.lxnet_trace, divergence.lxnet_event);
  }

  void write_columns(const Divergence& divergence) {
    size_t column = (options_.width - 6) / 2;
    std::vector<uint32_t> left, right;
    size_t left_at = 0, right_at = 0;
    auto fill = [&](const Trace& trace, uint32_t event, std::vector<uint32_t>& lines, size_t& at) {
      if (event == kNoEvent) return;
      lines = around(trace, event, options_.context, options_.context);
      at = static_cast<size_t>(std::find(lines.begin(), lines.end(), event) - lines.begin());
    };
    fill(report_.linux_trace, divergence.linux_event, left, left_at);
    fill(report_.lxnet_trace, divergence.lxnet_event, right, right_at);
    // The differing lines stand beside each other; a side without one shows its neighbours beside the other's.
    size_t middle = std::max(left_at, right_at);
    size_t rows = std::max(left.size() + middle - left_at, right.size() + middle - right_at);
    for (size_t row = 0; row < rows; row++) {
      auto text_at = [&](const Trace& trace, const std::vector<uint32_t>& lines, size_t at) {
        size_t index = row + at - middle;
        bool is_there = row + at >= middle && index < lines.size();
        return is_there ? line_of(trace, lines[index]) : std::string();
      };
      bool is_it = row == middle;
      write_row(text_at(report_.linux_trace, left, left_at), text_at(report_.lxnet_trace, right, right_at), column, is_it);
    }
  }

  void write_row(std::string_view left, std::string_view right, size_t column, bool is_it) {
    bool is_first = true;
    do {
      std::string_view l = left.substr(0, column), r = right.substr(0, column);
      left.remove_prefix(l.size());
      right.remove_prefix(r.size());
      append(out_, is_it && is_first ? " > " : "   ", style(is_it ? kGreen : kDim), l, style(kPlain));
      if (!r.empty()) {
        append(out_, std::string(column - l.size(), ' '), " | ", style(is_it ? kRed : kDim), r, style(kPlain));
      }
      append(out_, "\n");
      is_first = false;
    } while (!left.empty() || !right.empty());
  }

  void write_totals() {
    const Totals& totals = report_.comparison.totals;
    append(out_, "calls compared ", totals.compared, ", equal ", totals.equal, ", cut or repeated differently ", totals.regrouped,
           ", explained ", totals.explained, ", divergent ", style(totals.divergent == 0 ? kGreen : kRed), totals.divergent,
           style(kPlain), "\n");
    for (int which = 0; which < kDivergenceClasses; which++) {
      uint64_t count = report_.summary.by_class[which];
      if (count != 0)
        absl::StrAppendFormat(&out_, "  %-8s %6d  %s\n", kDivergenceClassRows[which].name, count,
                              kDivergenceClassRows[which].meaning);
    }
    if (options_.shows_times && report_.summary.has_times) write_times();
  }

  void write_times() {
    absl::StrAppendFormat(&out_, "\n%-20s %10s %10s %12s %12s\n", "call", "Linux", "lxnet", "Linux us", "lxnet us");
    for (const auto& [name, figures] : report_.summary.calls) {
      auto mean = [](int64_t nanos, uint64_t count) {
        return count == 0 ? 0.0 : static_cast<double>(nanos) / 1e3 / static_cast<double>(count);
      };
      absl::StrAppendFormat(&out_, "%-20s %10d %10d %12.1f %12.1f\n", name, figures.linux_count, figures.lxnet_count,
                            mean(figures.linux_nanos, figures.linux_count), mean(figures.lxnet_nanos, figures.lxnet_count));
    }
  }

  const Report& report_;
  const TextOptions& options_;
  std::string out_;
};

}  // namespace

std::string_view shown_text(const Event& event) {
  size_t start = event.text.rfind(" <");
  bool has_time = event.kind == EventKind::Call && event.text.ends_with('>') && start != event.text.npos;
  return has_time ? event.text.substr(0, start) : event.text;
}

std::vector<uint32_t> around(const Trace& trace, uint32_t event, size_t before, size_t after) {
  const std::vector<uint32_t>& events = trace.threads[trace.events[event].thread].events;
  auto at = static_cast<size_t>(std::lower_bound(events.begin(), events.end(), event) - events.begin());
  size_t begin = at > before ? at - before : 0;
  size_t end = std::min(events.size(), at + after + 1);
  return {events.begin() + static_cast<ptrdiff_t>(begin), events.begin() + static_cast<ptrdiff_t>(end)};
}

std::string text_report(const Report& report, const TextOptions& options) { return Writer(report, options).run(); }

}  // namespace lxnet::trace
