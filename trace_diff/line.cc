#include "trace_diff/line.hh"

#include <charconv>

namespace lxnet::trace {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '?'; }

void drop_spaces(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

void drop_trailing_spaces(std::string_view& text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
}

bool take_number(std::string_view& text, uint64_t& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

// `[pid  123] ` or `123   `. A number with a dot or a colon behind it is a time.
void take_thread(std::string_view& text, Line& line) {
  std::string_view rest = text;
  bool in_brackets = rest.starts_with("[pid");
  if (in_brackets) rest.remove_prefix(4);
  drop_spaces(rest);
  uint64_t number = 0;
  if (!take_number(rest, number)) return;
  if (rest.starts_with('<')) rest.remove_prefix(rest.find('>') == rest.npos ? 0 : rest.find('>') + 1);  // 123<comm>
  if (in_brackets) {
    if (!rest.starts_with(']')) return;
    rest.remove_prefix(1);
  } else if (!rest.starts_with(' ')) {
    return;
  }
  drop_spaces(rest);
  line.thread = static_cast<uint32_t>(number);
  text = rest;
}

int64_t fraction_nanos(std::string_view& text) {
  if (!text.starts_with('.')) return 0;
  text.remove_prefix(1);
  int64_t nanos = 0, unit = 100'000'000;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), unit /= 10) nanos += (text.front() - '0') * unit;
  return nanos;
}

// 12:34:56.000001, 1700000000.000001 or seconds since the line before; each followed by a space.
void take_time(std::string_view& text, Line& line) {
  std::string_view rest = text;
  uint64_t seconds = 0;
  if (!take_number(rest, seconds)) return;
  for (int part = 0; part < 2 && rest.starts_with(':'); part++) {
    uint64_t next = 0;
    rest.remove_prefix(1);
    if (!take_number(rest, next)) return;
    seconds = seconds * 60 + next;
  }
  int64_t nanos = fraction_nanos(rest);
  if (!rest.starts_with(' ') && !rest.starts_with(')')) return;
  if (seconds > 100'000'000'000) return;
  rest.remove_prefix(1);
  drop_spaces(rest);
  if (rest.starts_with("(+")) {  // -ttt -r
    size_t end = rest.find(')');
    if (end == rest.npos) return;
    rest.remove_prefix(end + 1);
    drop_spaces(rest);
  }
  line.time_nanos = static_cast<int64_t>(seconds) * 1'000'000'000 + nanos;
  text = rest;
}

// `<0.000012>` at the end, which is taken off.
int64_t take_duration(std::string_view& text) {
  size_t start = text.ends_with('>') ? text.rfind('<') : text.npos;
  if (start == text.npos) return kNoDuration;
  std::string_view duration = text.substr(start + 1);
  uint64_t seconds = 0;
  if (!take_number(duration, seconds) || seconds > 1'000'000'000) return kNoDuration;
  int64_t nanos = static_cast<int64_t>(seconds) * 1'000'000'000 + fraction_nanos(duration);
  if (duration != ">") return kNoDuration;
  text = text.substr(0, start);
  drop_trailing_spaces(text);
  return nanos;
}

constexpr std::string_view kUnfinished = "<unfinished ...>";

// `= 3<...> (note) <0.000012>`, behind the closing parenthesis.
bool parse_outcome(std::string_view text, size_t position, ValueTree& tree, Call& call) {
  while (position < text.size() && text[position] == ' ') position++;
  if (text.substr(position, 2) != "= ") return false;
  position = parse_result(text, position + 2, tree, call.result);
  if (position == text.npos) return false;
  std::string_view rest = text.substr(position);
  drop_spaces(rest);
  if (!rest.empty() && rest.front() == 'E') {
    size_t end = 0;
    while (end < rest.size() && is_name(rest[end])) end++;
    call.error = rest.substr(0, end);
    rest.remove_prefix(end);
    drop_spaces(rest);
  }
  drop_trailing_spaces(rest);
  call.duration_nanos = take_duration(rest);
  if (rest.ends_with("(DELAYED)") || rest.ends_with("(INJECTED)")) rest = rest.substr(0, rest.rfind('('));
  drop_trailing_spaces(rest);
  if (call.error.empty() && rest.starts_with('(')) {
    size_t start = static_cast<size_t>(rest.data() - text.data());
    // Free text like (Timeout) parses too; what does not is a note nobody compares.
    if (parse_values(text, start + 1, ')', tree, call.note) == text.npos) call.note = kNoValue;
  }
  return true;
}

}  // namespace

Line read_line(std::string_view text) {
  Line line;
  drop_trailing_spaces(text);
  drop_spaces(text);
  take_thread(text, line);
  take_time(text, line);
  line.text = text;
  if (text.empty() || text.starts_with("strace:") || text.starts_with("Process ")) {
    line.kind = LineKind::Note;
  } else if (text.starts_with("--- ") && text.ends_with("---")) {
    line.kind = LineKind::Signal;
  } else if (text.starts_with("+++ ") && text.ends_with("+++")) {
    line.kind = LineKind::Exit;
  } else if (text.starts_with("<... ")) {
    size_t end = text.find(" resumed");
    if (end == text.npos || end <= 5) return line;
    size_t after = text.find('>', end);
    if (after == text.npos) return line;
    line.kind = LineKind::Resumed;
    line.name = text.substr(5, end - 5);
    line.text = text.substr(after + 1);
  } else {
    size_t end = 0;
    while (end < text.size() && is_name(text[end])) end++;
    if (end == 0 || end >= text.size() || text[end] != '(') return line;
    line.name = text.substr(0, end);
    bool is_whole = !text.ends_with(kUnfinished);
    line.kind = is_whole ? LineKind::Call : LineKind::Unfinished;
    if (!is_whole) {
      line.text.remove_suffix(kUnfinished.size());
      drop_trailing_spaces(line.text);
    }
  }
  return line;
}

int64_t duration_of(std::string_view text) { return take_duration(text); }

bool parse_call(std::string_view text, ValueTree& tree, Call& call) {
  tree.clear();
  call = Call{};
  call.text = text;
  size_t opening = 0;
  while (opening < text.size() && is_name(text[opening])) opening++;
  if (opening == 0 || opening >= text.size() || text[opening] != '(') return false;
  call.name = text.substr(0, opening);
  size_t end = parse_values(text, opening + 1, ')', tree, call.arguments);
  return end != text.npos && parse_outcome(text, end, tree, call);
}

}  // namespace lxnet::trace
