#include "trace_diff/value.hh"

namespace lxnet::trace {
namespace {

constexpr size_t npos = std::string_view::npos;
constexpr int kDeepest = 64;  // real traces nest less than ten deep

constexpr std::string_view kUnfinished = "<unfinished ...>";

bool is_word_end(char c) { return c == ',' || c == ')' || c == ']' || c == '}' || c == '(' || c == '[' || c == '{' || c == '"'; }

bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

// A recursive descent over one line. Every function takes the position to read from and returns the one after, npos for nonsense.
class Parser {
 public:
  Parser(std::string_view text, ValueTree& tree) : text_(text), tree_(tree) {}

  size_t list(size_t position, char closing, ValueIndex& first, bool& is_cut) {
    if (++depth_ > kDeepest) return npos;
    ValueIndex last = kNoValue;
    first = kNoValue;
    is_cut = false;
    for (;;) {
      position = skip_spaces(position);
      if (position >= text_.size()) return npos;
      if (text_[position] == closing) break;
      if (text_[position] == ',') {
        position++;
        continue;
      }
      if (text_.substr(position, 3) == "..." && ends_item(position + 3)) {
        is_cut = true;
        position += 3;
        continue;
      }
      ValueIndex item = kNoValue;
      position = member(position, closing == ']', item);
      if (position == npos) return npos;
      (last == kNoValue ? first : tree_.edit(last).next) = item;
      last = item;
    }
    depth_--;
    return position + 1;
  }

  size_t member(size_t position, bool in_array, ValueIndex& result) {
    std::string_view key;
    size_t end = position;
    while (end < text_.size() && is_name(text_[end])) end++;
    if (end > position && end + 1 < text_.size()) {
      if (text_[end] == '=' && text_[end + 1] != '=' && text_[end + 1] != '>') {
        key = text_.substr(position, end - position);
        position = end + 1;
      } else if (!in_array && text_[end] == ' ' && (text_[end + 1] == '[' || text_[end + 1] == '{')) {
        key = text_.substr(position, end - position);  // `in [3 4], left {tv_sec=0, tv_usec=5}`
        position = end + 1;
      }
    }
    position = value(position, in_array, result);
    if (position != npos) tree_.edit(result).key = key;
    return position;
  }

  size_t value(size_t position, bool in_array, ValueIndex& result) {
    position = atom(position, in_array, result);
    if (position == npos) return npos;
    size_t after = skip_spaces(position);
    if (text_.substr(after, 2) == "=>") {
      ValueIndex before = result, later = kNoValue;
      size_t start = begin_of_;
      after = atom(skip_spaces(after + 2), in_array, later);
      if (after == npos) return npos;
      tree_.edit(before).next = later;
      result = tree_.add({.kind = ValueKind::Change, .text = text_.substr(start, after - start), .first = before});
      return after;
    }
    split_old_change(result);
    return position;
  }

  // strace 5 writes `[28->16]`.
  void split_old_change(ValueIndex& result) {
    const std::string_view text = tree_.at(result).text;
    const size_t arrow = text.find("->");
    if (tree_.at(result).kind != ValueKind::Word || arrow == npos || arrow == 0) return;
    if (text.find_first_not_of("0123456789->") != npos) return;
    const ValueIndex later = tree_.add({.kind = ValueKind::Word, .text = text.substr(arrow + 2)});
    const ValueIndex before = tree_.add({.kind = ValueKind::Word, .text = text.substr(0, arrow), .next = later});
    result = tree_.add({.kind = ValueKind::Change, .text = text, .first = before});
  }

  // strace 5 names no member of struct epoll_event: `{EPOLLIN, {u32=6, u64=6}}`.
  void name_old_members(ValueIndex first) {
    if (first == kNoValue || !tree_.at(first).key.empty()) return;
    const ValueIndex second = tree_.at(first).next;
    if (second == kNoValue || tree_.at(second).kind != ValueKind::Struct || !tree_.at(second).key.empty()) return;
    if (tree_.find_member(second, "u32") == kNoValue || tree_.find_member(second, "u64") == kNoValue) return;
    tree_.edit(first).key = "events";
    tree_.edit(second).key = "data";
  }

  size_t atom(size_t position, bool in_array, ValueIndex& result) {
    begin_of_ = position;
    if (position >= text_.size()) return npos;
    char c = text_[position];
    if (c == '"') return string(position + 1, position, result);
    if (c == '@' && text_.substr(position + 1, 1) == "\"") return string(position + 2, position, result);
    if (c == '{') return bracketed(position, position + 1, '}', ValueKind::Struct, result);
    if (c == '[') return bracketed(position, position + 1, ']', ValueKind::Array, result);
    if (c == '~' && text_.substr(position + 1, 1) == "[") return bracketed(position, position + 2, ']', ValueKind::Array, result);
    return word(position, in_array, result);
  }

  size_t bracketed(size_t start, size_t inside, char closing, ValueKind kind, ValueIndex& result) {
    ValueIndex first = kNoValue;
    bool is_cut = false;
    size_t end = list(inside, closing, first, is_cut);
    if (end == npos) return npos;
    if (kind == ValueKind::Struct) name_old_members(first);
    bool is_negated = text_[start] == '~';
    result = tree_.add(
        {.kind = kind, .is_cut = is_cut, .is_negated = is_negated, .text = text_.substr(start, end - start), .first = first});
    begin_of_ = start;
    return end;
  }

  size_t string(size_t inside, size_t start, ValueIndex& result) {
    size_t end = inside;
    while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) return npos;
    std::string_view content = text_.substr(inside, end - inside);
    size_t after = end + 1;
    bool is_cut = text_.substr(after, 3) == "...";
    if (is_cut) after += 3;
    result = tree_.add({.kind = ValueKind::String, .is_cut = is_cut, .text = content});
    begin_of_ = start;
    return after;
  }

  // A word goes on over spaces only where an operator or a comment joins: `0x7ffe /* 20 vars */`, `16*sizeof(x)`.
  size_t word(size_t position, bool in_array, ValueIndex& result) {
    size_t start = position, end = position;
    while (end < text_.size() && !is_word_end(text_[end])) {
      char c = text_[end];
      if (c == '<' && end > start && is_name(text_[end - 1]) && text_.substr(end + 1, 1) != "<" && text_[end - 1] != '<') {
        return decorated(start, end, result);
      }
      if (c == ' ') {
        std::string_view rest = text_.substr(end + 1);
        if (rest.starts_with("/*")) {
          size_t comment = rest.find("*/");
          if (comment == npos) return npos;
          end += 1 + comment + 2;
          continue;
        }
        if (rest.starts_with("=>") || in_array || stops_at_space_ || rest.starts_with("<unfinished")) break;
      }
      if (c == '/' && text_.substr(end, 2) == "/*") {
        size_t comment = text_.find("*/", end);
        if (comment == npos) return npos;
        end = comment + 2;
        continue;
      }
      end++;
    }
    if (end == start) return npos;
    std::string_view content = text_.substr(start, end - start);
    while (content.ends_with(' ')) content.remove_suffix(1);
    if (end < text_.size() && text_[end] == '(' && !stops_at_space_) return call(start, end, content, result);
    result = tree_.add({.kind = ValueKind::Word, .text = content});
    begin_of_ = start;
    return end;
  }

  size_t call(size_t start, size_t opening, std::string_view name, ValueIndex& result) {
    ValueIndex first = kNoValue;
    bool is_cut = false;
    size_t end = list(opening + 1, ')', first, is_cut);
    if (end == npos) return npos;
    // `16*sizeof(int)`, `makedev(0x1, 0x3)|...`: what follows is taken as one word with it.
    if (end < text_.size() && !is_word_end(text_[end]) && text_[end] != ' ') {
      ValueIndex rest = kNoValue;
      size_t after = word(end, true, rest);
      if (after != npos) {
        result = tree_.add({.kind = ValueKind::Word, .text = text_.substr(start, after - start)});
        begin_of_ = start;
        return after;
      }
    }
    result = tree_.add({.kind = ValueKind::Call, .is_cut = is_cut, .text = name, .first = first});
    begin_of_ = start;
    return end;
  }

  // The decoration ends at the > that belongs to it: `3<TCP:[127.0.0.1:1->127.0.0.1:2]>` has one inside.
  size_t decorated(size_t start, size_t opening, ValueIndex& result) {
    size_t end = opening + 1;
    int brackets = 0, angles = 0;
    bool in_quotes = false;
    for (; end < text_.size(); end++) {
      char c = text_[end];
      if (c == '\\') {
        end++;
      } else if (c == '"') {
        in_quotes = !in_quotes;
      } else if (in_quotes) {
        continue;
      } else if (c == '[') {
        brackets++;
      } else if (c == ']') {
        brackets--;
      } else if (c == '<') {
        angles++;  // /dev/pts/0<char 136:0>
      } else if (c == '>' && brackets <= 0 && text_[end - 1] != '-' && angles-- == 0) {
        break;
      }
    }
    if (end >= text_.size()) return npos;
    ValueIndex inner = tree_.add({.kind = ValueKind::Word, .text = text_.substr(start, opening - start)});
    result = tree_.add({.kind = ValueKind::Decorated, .text = text_.substr(opening + 1, end - opening - 1), .first = inner});
    begin_of_ = start;
    return end + 1;
  }

  void stop_at_space() { stops_at_space_ = true; }

 private:
  size_t skip_spaces(size_t position) const {
    for (;;) {
      while (position < text_.size() && text_[position] == ' ') position++;
      // A call that its thread never came back from: `read(3,  <unfinished ...>) = ?`.
      if (text_.substr(position, kUnfinished.size()) == kUnfinished) {
        position += kUnfinished.size();
        continue;
      }
      if (text_.substr(position, 2) != "/*") return position;
      size_t end = text_.find("*/", position);
      if (end == npos) return text_.size();
      position = end + 2;
    }
  }
  bool ends_item(size_t position) const {
    return position >= text_.size() || is_word_end(text_[position]) || text_[position] == ' ';
  }

  std::string_view text_;
  ValueTree& tree_;
  int depth_ = 0;
  bool stops_at_space_ = false;
  size_t begin_of_ = 0;  // where the last value began
};

}  // namespace

uint32_t ValueTree::child_count(ValueIndex index) const {
  uint32_t count = 0;
  for (ValueIndex child = at(index).first; child != kNoValue; child = at(child).next) count++;
  return count;
}

ValueIndex ValueTree::find_member(ValueIndex structure, std::string_view key) const {
  for (ValueIndex child = at(structure).first; child != kNoValue; child = at(child).next) {
    if (at(child).key == key) return child;
  }
  return kNoValue;
}

size_t parse_values(std::string_view text, size_t position, char closing, ValueTree& tree, ValueIndex& first) {
  bool is_cut = false;
  return Parser(text, tree).list(position, closing, first, is_cut);
}

size_t parse_result(std::string_view text, size_t position, ValueTree& tree, ValueIndex& result) {
  Parser parser(text, tree);
  parser.stop_at_space();
  return parser.atom(position, false, result);
}

}  // namespace lxnet::trace
