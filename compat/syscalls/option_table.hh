// Socket options as rows: level, number, who may, how the value crosses, what it does.
//
// The rules of length, range and EFAULT live in the codecs, written once; a row says only what is its own. A row that is Missing
// fails as Linux does on a kernel without the feature, and docs/coverage.md is printed from the rows.
#pragma once

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

// do_ipv6_setsockopt(): EINVAL below four bytes; a null pointer is a zero.
Result<int> read_ipv6_int(const OptionInput& input);

// Runs the row of (level, name). ENOPROTOOPT where there is none, or none in this direction.
Result<> set_option(std::span<const OptionRow> rows, const OptionInput& input, int level, int name);
Result<> get_option(std::span<const OptionRow> rows, const OptionOutput& output, int level, int name);

// SOL_SOCKET, which every family shares (options_socket.cc).
std::span<const OptionRow> socket_level_options();

}  // namespace lxnet
