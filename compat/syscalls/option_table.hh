// Socket options as rows: level, number, who may, how the value crosses, what it does.
//
// The rules of length, range and EFAULT live in the codecs, written once; a row says only what is its own. A row that is Missing
// fails as Linux does on a kernel without the feature, and docs/coverage.md is printed from the rows.
#pragma once

#include <array>

#include "compat/syscalls/socket_file.hh"
#include "compat/syscalls/syscall_table.hh"

namespace lxnet {

// How an int crosses. The levels differ, as Linux's functions do:
enum class IntRule : uint8_t {
  Strict,     // SOL_SOCKET, TCP, UDP: set needs four bytes; get copies up to four
  IntOrChar,  // IPPROTO_IP: set takes an int or one byte; get of a small value into less than four bytes gives one byte
  Ipv6,       // IPPROTO_IPV6: set needs four bytes, and a null pointer is a zero; get copies up to four
};

// What single options ask of an int's length beside their level's rule.
enum class IntLength : uint8_t {
  Usual,
  AtLeastOne,   // IPPROTO_IP: no bytes at all are not a zero
  ExactlyFour,  // neither a char nor more than an int
  ShortIsZero,  // IPPROTO_IPV6: fewer than four bytes are a zero
};

// A value on its way in, or out.
struct OptionInput {
  SyscallContext& context;
  SocketFile& socket;
  UserAddress value;
  int length;  // not negative

  // Exactly the first sizeof(T) bytes; EINVAL when there are fewer.
  template <typename T>
  Result<T> read() const {
    if (static_cast<size_t>(length) < sizeof(T)) return Errno::EINVAL;
    return read_user<T>(context.hal(), value);
  }
};

struct OptionOutput {
  SyscallContext& context;
  SocketFile& socket;
  UserAddress value;
  UserAddress length_address;
  int length;                   // the room; negative only at levels where Linux takes it as unsigned
  bool is_value_first = false;  // SOL_SOCKET: a value that cannot be written leaves the length as it was

  // Copies what fits of the bytes and stores that size.
  Result<> write(ByteSpan bytes) const;
  template <typename T>
  Result<> write(const T& value_out) const {
    return write(bytes_of(value_out));
  }
};

struct OptionRow {
  int level;
  int name;
  const char* text;  // "SO_REUSEADDR"
  Support support = Support::Full;
  IntRule rule = IntRule::Strict;
  // Ints. Range violations are EINVAL.
  int min = INT32_MIN, max = INT32_MAX;
  IntLength length = IntLength::Usual;
  Result<> (*set_int)(SyscallContext& context, SocketFile& socket, int value) = nullptr;
  Result<int> (*get_int)(SyscallContext& context, SocketFile& socket) = nullptr;
  // Everything else.
  Result<> (*set)(const OptionInput& input) = nullptr;
  Result<> (*get)(const OptionOutput& output) = nullptr;
  const char* note = "";
};

// The rows of a level, and where each number's stands.
class OptionTable {
 public:
  constexpr OptionTable() = default;
  template <size_t N>
  explicit consteval OptionTable(const OptionRow (&rows)[N]) : rows_(rows) {
    static_assert(N < kNoRow);
    // A number beyond the index does not compile.
    for (size_t i = 0; i < N; ++i) index_[static_cast<size_t>(rows[i].name)] = static_cast<uint8_t>(i);
  }

  std::span<const OptionRow> rows() const { return rows_; }
  // Null: there is none.
  const OptionRow* find(int level, int name) const {
    const auto number = static_cast<uint32_t>(name);
    if (number >= kNumbers || index_[number] == kNoRow) return nullptr;
    const OptionRow& row = rows_[index_[number]];
    return row.level == level ? &row : nullptr;
  }

 private:
  static constexpr uint32_t kNumbers = 128;
  static constexpr uint8_t kNoRow = 0xff;

  std::span<const OptionRow> rows_;
  std::array<uint8_t, kNumbers> index_ = [] {
    std::array<uint8_t, kNumbers> none{};
    none.fill(kNoRow);
    return none;
  }();
};

// do_ipv6_setsockopt(): EINVAL below four bytes; a null pointer is a zero.
Result<int> read_ipv6_int(const OptionInput& input);

// Runs the row of (level, name). ENOPROTOOPT where there is none, or none in this direction.
Result<> set_option(const OptionTable& table, const OptionInput& input, int level, int name);
Result<> get_option(const OptionTable& table, const OptionOutput& output, int level, int name);

// SOL_SOCKET, which every family shares (options_socket.cc).
const OptionTable& socket_level_options();

}  // namespace lxnet
