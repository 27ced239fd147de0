// Attributes that are checked before they are read: Linux's nla_policy and nla_parse_deprecated().
//
// An attribute is known by where it stands in the program's message, so that an error can name it.
#pragma once

#include "base/bytes.hh"
#include "base/endian.hh"
#include "base/result.hh"

namespace lxnet {

// What an acknowledgement says of an error beside its number: netlink_ext_ack.
struct NetlinkComplaint {
  const uint8_t* attribute = nullptr;  // in the message
  const char* text = nullptr;
  uint16_t missing_type = 0;  // of an attribute that should have been there
};

class Nla {
 public:
  static constexpr size_t kHead = 4;

  Nla() = default;
  explicit Nla(const uint8_t* at) : at_(at) {}
  explicit operator bool() const { return at_ != nullptr; }
  const uint8_t* place() const { return at_; }
  uint16_t type() const { return static_cast<uint16_t>(word(1) & 0x3fff); }  // the rest says how the value is coded
  ByteSpan value() const { return ByteSpan(at_ + kHead, word(0) - kHead); }
  // Zeros behind what is there.
  template <typename T>
  T as() const {
    T result{};
    copy_bytes(mutable_bytes_of(result), value());
    return result;
  }
  uint8_t u8() const { return as<uint8_t>(); }
  uint16_t be16() const { return as<Be16>().get(); }
  uint32_t be32() const { return as<Be32>().get(); }
  uint64_t be64() const { return as<Be64>().get(); }
  // A text without its end.
  ByteSpan text() const;
  bool is_text(const char* other) const;

 private:
  uint16_t word(size_t index) const {
    uint16_t result;
    memcpy(&result, at_ + index * 2, sizeof result);
    return result;
  }
  const uint8_t* at_ = nullptr;
};

// One attribute after the other; what does not add up ends them.
class NlaRange {
 public:
  explicit NlaRange(ByteSpan bytes) : bytes_(bytes) {}
  explicit NlaRange(Nla nest) : bytes_(nest.value()) {}

  class Iterator {
   public:
    explicit Iterator(ByteSpan rest) : rest_(rest) {}
    Nla operator*() const { return Nla(rest_.data()); }
    Iterator& operator++();
    bool is_end() const;
    bool operator!=(const Iterator&) const { return !is_end(); }

   private:
    ByteSpan rest_;
  };
  Iterator begin() const { return Iterator(bytes_); }
  Iterator end() const { return Iterator(ByteSpan()); }

 private:
  ByteSpan bytes_;
};

enum class NlaKind : uint8_t { Any, U8, U16, U32, U64, Text, EndedText, Binary, Exact, Nested, Array, Refused };

struct NlaPolicy {
  NlaKind kind = NlaKind::Any;
  uint16_t length = 0;                // the longest text or bytes, or what Exact is as long as; 0: any
  uint32_t most = 0;                  // of a number; 0: any
  uint32_t mask = 0;                  // the bits a number may have; 0: any
  const NlaPolicy* inside = nullptr;  // of the attributes in a nest, or in each of an array
  uint8_t inside_last = 0;
};

// Attributes by their types. Of two of a type the later counts; unknown ones are passed over.
struct NlaTable {
  static constexpr size_t kRoom = 33;
  Nla items[kRoom];
  Nla operator[](size_t type) const { return items[type]; }
};

// Of types up to `last` < kRoom; `policy` has as many rows and one more. ERANGE, EINVAL; and what of it to complain about.
Result<> parse_attributes(NlaTable& table, ByteSpan bytes, uint8_t last, const NlaPolicy* policy,
                          NetlinkComplaint* complaint = nullptr);

}  // namespace lxnet
