// Strings put together and taken apart. Debian's abseil is built for C++14, whose string_view is another type than std's.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace lxnet::trace {

inline void append(std::string& out, std::string_view text) { out += text; }
inline void append(std::string& out, char c) { out += c; }
template <std::integral Number>
void append(std::string& out, Number number) {
  out += std::to_string(number);
}

template <typename First, typename Second, typename... Rest>
void append(std::string& out, const First& first, const Second& second, const Rest&... rest) {
  append(out, first);
  append(out, second, rest...);
}

template <typename... Parts>
std::string cat(const Parts&... parts) {
  std::string out;
  append(out, parts...);
  return out;
}

// The whole text is a number.
template <std::integral Number>
bool read_number(std::string_view text, Number& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

inline std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

inline std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    size_t begin = text.find_first_not_of(separators);
    if (begin == text.npos) break;
    size_t end = text.find_first_of(separators, begin);
    parts.push_back(text.substr(begin, end - begin));
    text = end == text.npos ? std::string_view() : text.substr(end);
  }
  return parts;
}

// The next line of `text`, which is shortened by it.
inline std::string_view take_line(std::string_view& text) {
  size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text = end == text.npos ? std::string_view() : text.substr(end + 1);
  return line;
}

}  // namespace lxnet::trace
