#include "ltp_runner/suite_file.hh"

#include <algorithm>
#include <filesystem>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ltp_runner/files.hh"

namespace lxnet::ltp {
namespace {

constexpr absl::string_view kSuffix = ".txt";

// Cuts REASON off a line that says one; empty when it says none.
std::string take_reason(absl::string_view& line, absl::string_view mark) {
  size_t at = line.find(mark);
  if (at == absl::string_view::npos) return "";
  std::string reason(absl::StripAsciiWhitespace(line.substr(at + mark.size())));
  line = line.substr(0, at);
  return reason;
}

bool parse_flag(absl::string_view flag, SuiteEntry& entry) {
  if (flag == "alone") {
    entry.alone = true;
    return true;
  }
  if (absl::StartsWith(flag, "--")) {
    entry.run_options.emplace_back(flag);
    return true;
  }
  if (absl::StartsWith(flag, "LTP_") && absl::StrContains(flag, '=')) {
    entry.variables.emplace_back(flag);
    return true;
  }
  return absl::ConsumePrefix(&flag, "timeout=") && absl::SimpleAtoi(flag, &entry.timeout_seconds) && entry.timeout_seconds > 0;
}

bool parse_entry(absl::string_view line, SuiteEntry& entry) {
  entry.excluded = take_reason(line, " - ");
  entry.waits = take_reason(line, " waits: ");
  std::vector<std::string> words = absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  if (words.empty()) return false;
  entry.test = words[0];
  return std::all_of(words.begin() + 1, words.end(), [&](const std::string& flag) { return parse_flag(flag, entry); });
}

}  // namespace

absl::StatusOr<Suite> parse_suite(absl::string_view name, absl::string_view text) {
  Suite suite;
  suite.name = std::string(name);
  std::string call;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    number++;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty()) continue;
    if (absl::ConsumePrefix(&line, "#")) {
      if (suite.title.empty()) suite.title = std::string(absl::StripAsciiWhitespace(line));
    } else if (absl::ConsumePrefix(&line, "runtest ")) {
      for (absl::string_view file : absl::StrSplit(line, ' ', absl::SkipEmpty())) suite.runtest_files.emplace_back(file);
    } else if (absl::ConsumePrefix(&line, "[") && absl::ConsumeSuffix(&line, "]")) {
      call = std::string(line);
    } else {
      SuiteEntry entry;
      entry.call = call;
      if (!parse_entry(line, entry))
        return absl::InvalidArgumentError(absl::StrCat(name, ":", number, ": '", line, "' is no test"));
      suite.entries.push_back(std::move(entry));
    }
  }
  return suite;
}

absl::StatusOr<Suite> read_suite(const std::string& directory, absl::string_view name) {
  absl::StatusOr<std::string> text = read_file(absl::StrCat(directory, "/", name, kSuffix));
  if (!text.ok()) return text.status();
  return parse_suite(name, *text);
}

std::vector<std::string> list_suites(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(directory, error)) {
    std::string name = file.path().filename();
    if (absl::EndsWith(name, kSuffix)) names.emplace_back(name.substr(0, name.size() - kSuffix.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace lxnet::ltp
