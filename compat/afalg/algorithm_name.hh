// Names as the kernel's cryptomgr takes them apart: "template(argument,argument)", an argument being a name or such a thing
// again.
#pragma once

#include "compat/afalg/algorithm.hh"

namespace lxnet {

// Text that ends nowhere in particular.
struct NameView {
  const char* data = nullptr;
  size_t size = 0;

  static NameView of(const char* text);
  bool operator==(const char* text) const;
  // "cbc(aes)" has the prefix "cbc(".
  bool has_prefix(const char* prefix) const;
};

struct TemplateName {
  static constexpr size_t kMaxArguments = 2;

  NameView name;
  NameView arguments[kMaxArguments];
  size_t argument_count = 0;  // with those that are more than any template takes

  // ENOENT for what the grammar does not have. What follows the closing parenthesis is not looked at: the name of what was made
  // will not be the one that was asked for.
  static Result<TemplateName> parse(NameView text);
};

// Text put together in a buffer of kAlgorithmNameSize; ENAMETOOLONG when it does not fit.
class NameWriter {
 public:
  explicit NameWriter(char* buffer) : buffer_(buffer) { buffer_[0] = 0; }
  NameWriter& add(NameView text);
  NameWriter& add(const char* text) { return add(NameView::of(text)); }
  Result<> finish() const { return is_full_ ? Result<>(Errno::ENAMETOOLONG) : Result<>(ok()); }

 private:
  char* buffer_;
  size_t size_ = 0;
  bool is_full_ = false;
};

}  // namespace lxnet
