#include "compat/afalg/algorithm_name.hh"

namespace lxnet {
namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

constexpr size_t kTooManyArguments = 32;  // CRYPTO_MAX_ATTRS

// A cursor that reads a terminator past the end.
struct Cursor {
  NameView text;
  size_t at = 0;

  char peek() const { return at < text.size ? text.data[at] : '\0'; }
  void skip_name() {
    while (is_name_character(peek())) ++at;
  }
  // From '(' to behind its ')'. False when that never comes.
  bool skip_parentheses() {
    for (size_t depth = 0; at < text.size; ++at) {
      if (peek() == '(') ++depth;
      if (peek() == ')' && --depth == 0) {
        ++at;
        return true;
      }
    }
    return false;
  }
};

}  // namespace

NameView NameView::of(const char* text) {
  size_t size = 0;
  while (text[size] != '\0') ++size;
  return {text, size};
}

bool NameView::has_prefix(const char* prefix) const {
  for (size_t i = 0; prefix[i] != '\0'; ++i) {
    if (i == size || data[i] != prefix[i]) return false;
  }
  return true;
}

bool NameView::operator==(const char* text) const { return of(text).size == size && has_prefix(text); }

Result<TemplateName> TemplateName::parse(NameView text) {
  TemplateName parsed;
  Cursor cursor{text};
  cursor.skip_name();
  parsed.name = {text.data, cursor.at};
  if (cursor.at == 0 || cursor.peek() != '(') return Errno::ENOENT;
  for (;;) {
    const size_t start = ++cursor.at;
    cursor.skip_name();
    if (cursor.peek() == '(' && !cursor.skip_parentheses()) return Errno::ENOENT;
    if (cursor.at == start) return Errno::ENOENT;
    if (parsed.argument_count < kMaxArguments) parsed.arguments[parsed.argument_count] = {text.data + start, cursor.at - start};
    if (++parsed.argument_count == kTooManyArguments) return Errno::ENOENT;
    if (cursor.peek() == ')') return parsed;
    if (cursor.peek() != ',') return Errno::ENOENT;
  }
}

NameWriter& NameWriter::add(NameView text) {
  if (is_full_ || text.size >= kAlgorithmNameSize - size_) {
    is_full_ = true;
    return *this;
  }
  memcpy(buffer_ + size_, text.data, text.size);
  size_ += text.size;
  buffer_[size_] = 0;
  return *this;
}

}  // namespace lxnet
