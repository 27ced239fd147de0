#include "ltp_runner/json.hh"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace lxnet::ltp {
namespace {

constexpr int kDeepest = 32;

class Parser {
 public:
  explicit Parser(absl::string_view text) : all_(text), rest_(text) {}

  absl::StatusOr<Json> parse() {
    Json value;
    if (parse_value(value, 0) && skip_space() && rest_.empty()) return value;
    return absl::InvalidArgumentError(absl::StrCat("not JSON at byte ", all_.size() - rest_.size()));
  }

 private:
  bool skip_space() {
    rest_ = absl::StripLeadingAsciiWhitespace(rest_);
    return true;
  }
  bool take(absl::string_view token) { return skip_space() && absl::ConsumePrefix(&rest_, token); }

  bool parse_value(Json& value, int depth) {
    if (depth > kDeepest) return false;
    skip_space();
    if (rest_.empty()) return false;
    if (rest_[0] == '"') {
      value.kind = Json::Kind::String;
      return parse_string(value.text);
    }
    if (rest_[0] == '[') return parse_array(value, depth);
    if (rest_[0] == '{') return parse_object(value, depth);
    return parse_word(value);
  }

  bool parse_word(Json& value) {
    size_t size = 0;
    while (size < rest_.size() && (absl::ascii_isalnum(static_cast<unsigned char>(rest_[size])) || rest_[size] == '-' ||
                                   rest_[size] == '+' || rest_[size] == '.')) {
      size++;
    }
    value.text = std::string(rest_.substr(0, size));
    rest_.remove_prefix(size);
    if (value.text == "null") return true;
    value.kind = value.text == "true" || value.text == "false" ? Json::Kind::Boolean : Json::Kind::Number;
    double number;
    return value.kind == Json::Kind::Boolean || absl::SimpleAtod(value.text, &number);
  }

  bool parse_array(Json& value, int depth) {
    value.kind = Json::Kind::Array;
    if (!take("[")) return false;
    if (take("]")) return true;
    do {
      if (!parse_value(value.items.emplace_back(), depth + 1)) return false;
    } while (take(","));
    return take("]");
  }

  bool parse_object(Json& value, int depth) {
    value.kind = Json::Kind::Object;
    if (!take("{")) return false;
    if (take("}")) return true;
    do {
      auto& [name, member] = value.members.emplace_back();
      skip_space();
      if (!parse_string(name) || !take(":") || !parse_value(member, depth + 1)) return false;
    } while (take(","));
    return take("}");
  }

  bool parse_string(std::string& text) {
    if (!absl::ConsumePrefix(&rest_, "\"")) return false;
    while (!rest_.empty() && rest_[0] != '"') {
      if (rest_[0] == '\\') {
        if (!parse_escape(text)) return false;
      } else {
        text += rest_[0];
        rest_.remove_prefix(1);
      }
    }
    return absl::ConsumePrefix(&rest_, "\"");
  }

  bool parse_escape(std::string& text) {
    static constexpr absl::string_view kLetters = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    if (rest_.size() < 2) return false;
    char letter = rest_[1];
    if (size_t at = kLetters.find(letter); at != absl::string_view::npos) {
      text += kMeanings[at];
      rest_.remove_prefix(2);
      return true;
    }
    int code;
    if (letter != 'u' || rest_.size() < 6 || !absl::SimpleHexAtoi(rest_.substr(2, 4), &code)) return false;
    // json_string() writes single bytes so; other characters are kept as they are read.
    if (code < 0x100) {
      text += static_cast<char>(code);
    } else {
      absl::StrAppend(&text, rest_.substr(0, 6));
    }
    rest_.remove_prefix(6);
    return true;
  }

  absl::string_view all_, rest_;
};

}  // namespace

const Json* Json::find(absl::string_view name) const {
  for (const auto& [key, value] : members) {
    if (key == name) return &value;
  }
  return nullptr;
}

int Json::number_or(absl::string_view name, int otherwise) const {
  const Json* value = find(name);
  int number;
  return value != nullptr && absl::SimpleAtoi(value->text, &number) ? number : otherwise;
}

std::string Json::text_or(absl::string_view name, absl::string_view otherwise) const {
  const Json* value = find(name);
  return value != nullptr && value->kind == Kind::String ? value->text : std::string(otherwise);
}

absl::StatusOr<Json> parse_json(absl::string_view text) { return Parser(text).parse(); }

std::string json_string(absl::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) {
      absl::StrAppendFormat(&quoted, "\\u%04x", static_cast<unsigned char>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

}  // namespace lxnet::ltp
