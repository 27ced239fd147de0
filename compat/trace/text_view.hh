// TextView: characters that stand somewhere else; the core has no std::string_view.
#pragma once

#include <cstddef>

namespace lxnet {

struct TextView {
  constexpr TextView(const char* text) : data(text) {
    while (text[size] != '\0') ++size;
  }
  constexpr TextView(const char* text, size_t count) : data(text), size(count) {}

  constexpr bool starts_with(TextView other) const {
    if (other.size > size) return false;
    for (size_t i = 0; i < other.size; ++i) {
      if (data[i] != other.data[i]) return false;
    }
    return true;
  }
  constexpr bool operator==(TextView other) const { return size == other.size && starts_with(other); }

  const char* data;
  size_t size = 0;
};

}  // namespace lxnet
