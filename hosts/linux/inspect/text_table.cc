#include "hosts/linux/inspect/text_table.hh"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace lxnet::host {
namespace {

const std::string* word(const TextTable::Cell& cell) { return std::get_if<std::string>(&cell); }

std::string text_of(const TextTable::Cell& cell) {
  return word(cell) != nullptr ? *word(cell) : absl::StrCat(std::get<uint64_t>(cell));
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      absl::StrAppend(&out, "\\", std::string(1, c));
    } else if (byte < 0x20) {
      absl::StrAppendFormat(&out, "\\u%04x", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string key_of(const std::string& column) {
  std::string key = absl::AsciiStrToLower(column);
  std::replace_if(
      key.begin(), key.end(), [](char c) { return !absl::ascii_isalnum(static_cast<unsigned char>(c)); }, '_');
  return key;
}

}  // namespace

std::string TextTable::as_text() const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); i++) {
    size_t width = columns_[i].size();
    for (const auto& row : rows_) width = std::max(width, text_of(row[i]).size());
    widths.push_back(width);
  }
  std::string out;
  auto append = [&](size_t i, const std::string& text, bool is_right) {
    std::string padding(widths[i] - text.size(), ' ');
    absl::StrAppend(&out, i == 0 ? "" : "  ", is_right ? padding : "", text, is_right || i + 1 == columns_.size() ? "" : padding);
  };
  for (size_t i = 0; i < columns_.size(); i++) {
    append(i, columns_[i], !rows_.empty() && word(rows_.front()[i]) == nullptr);
  }
  out += '\n';
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); i++) append(i, text_of(row[i]), word(row[i]) == nullptr);
    out += '\n';
  }
  return out;
}

std::string TextTable::as_json() const {
  std::string out = "[";
  for (const auto& row : rows_) {
    absl::StrAppend(&out, out.size() > 1 ? ",\n " : "", "{");
    for (size_t i = 0; i < row.size(); i++) {
      absl::StrAppend(&out, i == 0 ? "" : ", ", quoted(key_of(columns_[i])), ": ",
                      word(row[i]) != nullptr ? quoted(*word(row[i])) : text_of(row[i]));
    }
    out += '}';
  }
  return out + "]\n";
}

}  // namespace lxnet::host
