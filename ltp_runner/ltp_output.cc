#include "ltp_runner/ltp_output.hh"

#include <cctype>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace lxnet::ltp {
namespace {

struct Word {
  absl::string_view text;
  Outcome outcome;
};
constexpr Word kWords[] = {{"TPASS", Outcome::Pass},
                           {"TFAIL", Outcome::Fail},
                           {"TBROK", Outcome::Broken},
                           {"TCONF", Outcome::Skipped},
                           {"TWARN", Outcome::Warning}};

struct SummaryWord {
  absl::string_view text;
  int Counts::*count;
};
constexpr SummaryWord kSummaryWords[] = {{"passed", &Counts::pass},
                                         {"failed", &Counts::fail},
                                         {"broken", &Counts::brok},
                                         {"skipped", &Counts::conf},
                                         {"warnings", &Counts::warn}};

bool is_number(absl::string_view text) {
  if (text.empty()) return false;
  for (char c : text) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

std::string without_colours(absl::string_view line) {
  std::string plain;
  for (size_t i = 0; i < line.size(); i++) {
    if (line[i] == '\x1b' && i + 1 < line.size() && line[i + 1] == '[') {
      while (i < line.size() && !absl::ascii_isalpha(static_cast<unsigned char>(line[i]))) i++;
      continue;
    }
    plain += line[i];
  }
  return plain;
}

// "NAME:LINE: " before the word, or "NAME COUNT " (the old library pads both).
std::optional<std::string> place_before(absl::string_view before) {
  absl::string_view text = absl::StripTrailingAsciiWhitespace(before);
  bool is_new = absl::ConsumeSuffix(&text, ":");
  size_t gap = is_new ? text.rfind(':') : text.find_last_of(" \t");
  if (gap == absl::string_view::npos || gap == 0 || !is_number(text.substr(gap + 1))) return std::nullopt;
  absl::string_view name = absl::StripAsciiWhitespace(text.substr(0, gap));
  if (name.empty() || absl::StrContains(name, ' ')) return std::nullopt;
  return absl::StrCat(name, is_new ? ":" : " ", text.substr(gap + 1));
}

std::optional<ResultLine> parse_line(absl::string_view line) {
  for (const Word& word : kWords) {
    size_t at = line.find(word.text);
    if (at == absl::string_view::npos || at == 0) continue;
    absl::string_view after = absl::StripLeadingAsciiWhitespace(line.substr(at + word.text.size()));
    if (!absl::ConsumePrefix(&after, ":")) continue;
    std::optional<std::string> where = place_before(line.substr(0, at));
    if (!where) continue;
    return ResultLine{word.outcome, *std::move(where), normalised(absl::StripAsciiWhitespace(after))};
  }
  return std::nullopt;
}

// The five lines after "Summary:"; nothing unless all are there.
std::optional<Counts> parse_summary(const std::vector<absl::string_view>& lines, size_t first) {
  Counts counts;
  for (const SummaryWord& word : kSummaryWords) {
    if (first >= lines.size()) return std::nullopt;
    absl::string_view line = lines[first++];
    int value;
    if (!absl::ConsumePrefix(&line, word.text) || !absl::SimpleAtoi(line, &value)) return std::nullopt;
    counts.*word.count = value;
  }
  return counts;
}

}  // namespace

absl::string_view outcome_name(Outcome outcome) {
  for (const Word& word : kWords) {
    if (word.outcome == outcome) return word.text;
  }
  return "?";
}

std::string normalised(absl::string_view message) {
  std::string text;
  for (size_t i = 0; i < message.size();) {
    auto is_hex = [&](size_t at) { return at < message.size() && absl::ascii_isxdigit(static_cast<unsigned char>(message[at])); };
    if (message.substr(i, 2) == "0x" && is_hex(i + 2)) {
      for (i += 2; is_hex(i);) i++;
      text += "0xN";
      continue;
    }
    size_t end = i;
    while (end < message.size() && absl::ascii_isdigit(static_cast<unsigned char>(message[end]))) end++;
    if (end - i >= 4) {  // shorter ones are errnos, lengths and counts
      text += 'N';
    } else if (end > i) {
      absl::StrAppend(&text, message.substr(i, end - i));
    } else {
      text += message[end++];
    }
    i = end;
  }
  return text;
}

LtpOutput parse_ltp_output(absl::string_view text) {
  LtpOutput output;
  std::string plain = without_colours(text);
  std::vector<absl::string_view> lines = absl::StrSplit(plain, '\n');
  for (size_t i = 0; i < lines.size(); i++) {
    if (absl::StripAsciiWhitespace(lines[i]) == "Summary:") {
      std::optional<Counts> summary = parse_summary(lines, i + 1);
      if (!summary) continue;
      // A program may run another that has a summary of its own: the last word is the outermost one's.
      output.counts = *summary;
      output.has_summary = true;
    } else if (std::optional<ResultLine> result = parse_line(lines[i])) {
      if (!output.has_summary) output.counts.of(result->outcome)++;
      output.results.push_back(*std::move(result));
    }
  }
  return output;
}

}  // namespace lxnet::ltp
