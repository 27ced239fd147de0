#include "ltp_runner/runtest_file.hh"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ltp_runner/files.hh"

namespace lxnet::ltp {

std::vector<RuntestEntry> parse_runtest(absl::string_view text) {
  std::vector<RuntestEntry> entries;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line);
    size_t gap = line.find_first_of(" \t");
    if (line.empty() || line[0] == '#' || gap == absl::string_view::npos) continue;
    entries.push_back({std::string(line.substr(0, gap)), std::string(absl::StripAsciiWhitespace(line.substr(gap)))});
  }
  return entries;
}

absl::StatusOr<std::vector<RuntestEntry>> read_runtest(const std::string& root, absl::string_view name) {
  absl::StatusOr<std::string> text = read_file(absl::StrCat(root, "/runtest/", name));
  if (!text.ok()) return text.status();
  return parse_runtest(*text);
}

}  // namespace lxnet::ltp
