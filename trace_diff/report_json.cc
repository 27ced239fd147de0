#include "absl/strings/str_format.h"
#include "trace_diff/report.hh"
#include "trace_diff/text.hh"

namespace lxnet::trace {
namespace {

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f || c == '<') {
      // `<` too, so that the text may stand in a script of an HTML page. A log's bytes are taken for Latin-1.
      out += absl::StrFormat("\\u%04x", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string side(const Trace& trace, uint32_t event) {
  if (event == kNoEvent) return "null";
  std::string context;
  for (uint32_t near : around(trace, event, 3, 3)) {
    append(context, context.empty() ? "" : ",", "{\"line\":", trace.events[near].line,
           ",\"text\":", json_string(shown_text(trace.events[near])), near == event ? ",\"is_it\":true}" : "}");
  }
  return cat("{\"line\":", trace.events[event].line, ",\"position\":", event,
             ",\"text\":", json_string(shown_text(trace.events[event])), ",\"context\":[", context, "]}");
}

std::string divergence_row(const Divergence& divergence, const Report& report) {
  std::string differences;
  for (const Difference& difference : divergence.differences) {
    append(differences, differences.empty() ? "" : ",", "{\"class\":", json_string(row_of(difference.which).name),
           ",\"place\":", json_string(difference.place), ",\"linux\":", json_string(difference.linux_text),
           ",\"lxnet\":", json_string(difference.lxnet_text), "}");
  }
  const DivergenceClassRow& row = row_of(divergence.which);
  return cat("{\"class\":", json_string(row.name),
             ",\"severity\":", row.severity == Severity::Serious ? "\"serious\"" : "\"minor\"",
             ",\"call\":", json_string(subject_of(divergence, report.linux_trace, report.lxnet_trace)),
             ",\"thread\":", json_string(divergence.thread), ",\"linux\":", side(report.linux_trace, divergence.linux_event),
             ",\"lxnet\":", side(report.lxnet_trace, divergence.lxnet_event), ",\"differences\":[", differences,
             "],\"explanation\":", divergence.explanation.empty() ? "null" : json_string(divergence.explanation), "}");
}

std::string call_rows(const Summary& summary) {
  std::string out;
  for (const auto& [name, figures] : summary.calls) {
    append(out, out.empty() ? "" : ",\n  ", "{\"call\":", json_string(name), ",\"linux\":", figures.linux_count,
           ",\"lxnet\":", figures.lxnet_count, ",\"divergent\":", figures.divergent, ",\"explained\":", figures.explained,
           ",\"linux_ns\":", figures.linux_nanos, ",\"lxnet_ns\":", figures.lxnet_nanos, "}");
  }
  return out;
}

std::string thread_rows(const Trace& trace) {
  std::string out;
  for (const Thread& thread : trace.threads) {
    append(out, out.empty() ? "" : ",\n  ", "{\"thread\":", json_string(thread.path), ",\"number\":", thread.number,
           ",\"first\":", thread.events.front(), ",\"last\":", thread.events.back(), ",\"events\":", thread.events.size(), "}");
  }
  return out;
}

}  // namespace

std::string json_report(const Report& report) {
  const Totals& totals = report.comparison.totals;
  std::string rows;
  for (const Divergence& divergence : report.comparison.divergences) {
    append(rows, rows.empty() ? "" : ",\n  ", divergence_row(divergence, report));
  }
  return cat("{\n\"linux\":", json_string(report.linux_trace.name), ",\n\"lxnet\":", json_string(report.lxnet_trace.name),
             ",\n\"totals\":{\"compared\":", totals.compared, ",\"equal\":", totals.equal, ",\"regrouped\":", totals.regrouped,
             ",\"explained\":", totals.explained, ",\"divergent\":", totals.divergent, "},\n\"calls\":[\n  ",
             call_rows(report.summary), "],\n\"threads\":[\n  ", thread_rows(report.linux_trace), "],\n\"divergences\":[\n  ",
             rows, "]\n}\n");
}

}  // namespace lxnet::trace
