#include "trace_diff/known.hh"
#include "trace_diff/text.hh"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace lxnet::trace {
namespace {

constexpr std::string_view kForm = "a known difference is written: CALL CLASS LINUX LXNET : reason";

std::string pattern_of(std::string_view word) {
  if (word == "-") return "";
  std::string pattern(word);
  std::replace(pattern.begin(), pattern.end(), '_', ' ');
  return pattern;
}

// Underscores stand for spaces in patterns, and names have underscores: both are read as spaces.
std::string spaced(std::string_view text) {
  std::string result(text);
  std::replace(result.begin(), result.end(), '_', ' ');
  return result;
}

}  // namespace

namespace {

// A name, or a name and arguments.
bool is_call(std::string_view pattern, const Event& event) {
  if (pattern.find('(') != pattern.npos) return matches_pattern(pattern, spaced(event.text));
  return pattern == "*" || pattern == event.name();
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = pattern.npos, restart = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      restart = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      p++, t++;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++restart;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') p++;
  return p == pattern.size();
}

absl::Status KnownDifferences::add(std::string_view name, std::string_view text) {
  int number = 0;
  while (!text.empty()) {
    std::string_view line = trimmed(take_line(text));
    number++;
    if (line.empty() || line.front() == '#') continue;
    size_t colon = line.find(" : ");
    std::vector<std::string_view> words = split(line.substr(0, colon), " \t");
    if (colon == line.npos || words.size() != 4) return absl::InvalidArgumentError(cat(name, ":", number, ": ", kForm));
    Row row{.call = words[0].find('(') == std::string_view::npos ? std::string(words[0]) : pattern_of(words[0]),
            .linux_pattern = pattern_of(words[2]),
            .lxnet_pattern = pattern_of(words[3]),
            .reason = {},
            .which = {}};
    row.reason = std::string(trimmed(line.substr(colon + 3)));
    int which = 0;
    while (which < kDivergenceClasses && kDivergenceClassRows[which].name != words[1]) which++;
    if (which == kDivergenceClasses) {
      return absl::InvalidArgumentError(cat(name, ":", number, ": there is no class of differences '", words[1], "'"));
    }
    row.which = static_cast<DivergenceClass>(which);
    rows_.push_back(std::move(row));
  }
  return absl::OkStatus();
}

absl::Status KnownDifferences::add_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(cat("cannot read the known differences in '", path, "'"));
  std::ostringstream text;
  text << file.rdbuf();
  return add(path, text.str());
}

std::string KnownDifferences::explain(const Divergence& divergence, const Trace& linux_trace, const Trace& lxnet_trace) const {
  const Event& event = divergence.linux_event != kNoEvent ? linux_trace.events[divergence.linux_event]
                                                          : lxnet_trace.events[divergence.lxnet_event];
  std::string in_linux, in_lxnet;
  if (!divergence.differences.empty()) {
    in_linux = spaced(divergence.differences.front().linux_text);
    in_lxnet = spaced(divergence.differences.front().lxnet_text);
  } else {
    (divergence.which == DivergenceClass::Missing ? in_linux : in_lxnet) = spaced(event.text);
  }
  for (const Row& row : rows_) {
    if (row.which != divergence.which || !is_call(row.call, event)) continue;
    if (matches_pattern(row.linux_pattern, in_linux) && matches_pattern(row.lxnet_pattern, in_lxnet)) return row.reason;
  }
  return "";
}

}  // namespace lxnet::trace
