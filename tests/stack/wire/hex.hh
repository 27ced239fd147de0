// Packets in tests are written as hexadecimal digits; white space between them is for the reader.
#pragma once

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hh"

namespace lxnet {

using Bytes = std::vector<uint8_t>;

inline Bytes from_hex(std::string_view text) {
  std::string digits;
  for (char c : text) {
    if (std::isxdigit(static_cast<unsigned char>(c)) != 0) digits += c;
  }
  Bytes bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

inline Bytes to_bytes(ByteSpan span) { return Bytes(span.begin(), span.end()); }

// What emit() writes, in a buffer of exactly the size it asked for, so that a sanitizer sees the first byte too many.
template <typename Header>
Bytes emitted(const Header& header) {
  Bytes bytes(header.encoded_size(), 0xee);
  header.emit(bytes);
  return bytes;
}

}  // namespace lxnet
