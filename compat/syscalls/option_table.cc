// Moving an option's value.
#include "compat/syscalls/option_table.hh"

namespace lxnet {
namespace {

Result<int> read_int_or_char(const OptionInput& input) {
  if (static_cast<size_t>(input.length) >= sizeof(int)) return input.read<int>();
  if (input.length == 0) return 0;
  return static_cast<int>(TRY(read_user<uint8_t>(input.context.hal(), input.value)));
}

Result<int> read_int(const OptionInput& input, const OptionRow& row) {
  const auto size = static_cast<size_t>(input.length);
  int value = 0;
  switch (row.rule) {
    case IntRule::Strict:
      value = TRY(input.read<int>());
      break;
    case IntRule::IntOrChar:
      value = TRY(read_int_or_char(input));
      break;
    case IntRule::Ipv6:
      if (size >= sizeof(int) || row.length != IntLength::ShortIsZero) value = TRY(read_ipv6_int(input));
      break;
  }
  if (row.length == IntLength::AtLeastOne && size == 0) return Errno::EINVAL;
  if (row.length == IntLength::ExactlyFour && size != sizeof(int)) return Errno::EINVAL;
  return value;
}

Result<> write_int(const OptionOutput& output, IntRule rule, int value) {
  // do_ip_getsockopt(): less room than an int, and a value that one byte holds, gives one byte.
  if (rule == IntRule::IntOrChar && output.length > 0 && output.length < static_cast<int>(sizeof(int)) && value >= 0 &&
      value <= 255) {
    return output.write(static_cast<uint8_t>(value));
  }
  return output.write(value);
}

}  // namespace

Result<> OptionOutput::write(ByteSpan bytes) const {
  const size_t size = static_cast<size_t>(length) < bytes.size() ? static_cast<size_t>(length) : bytes.size();
  if (is_value_first) TRY(copy_out(context.hal(), value, bytes.first(size)));
  TRY(write_user(context.hal(), length_address, static_cast<int>(size)));
  return is_value_first ? ok() : copy_out(context.hal(), value, bytes.first(size));
}

Result<int> read_ipv6_int(const OptionInput& input) {
  if (static_cast<size_t>(input.length) < sizeof(int)) return Errno::EINVAL;
  return input.value.is_null() ? Result<int>(0) : input.read<int>();
}

Result<> set_option(const OptionTable& table, const OptionInput& input, int level, int name) {
  const OptionRow* row = table.find(level, name);
  if (row == nullptr) return Errno::ENOPROTOOPT;
  if (row->set != nullptr) return row->set(input);
  if (row->set_int == nullptr) return Errno::ENOPROTOOPT;
  const int value = TRY(read_int(input, *row));
  if (value < row->min || value > row->max) return Errno::EINVAL;
  return row->set_int(input.context, input.socket, value);
}

Result<> get_option(const OptionTable& table, const OptionOutput& output, int level, int name) {
  const OptionRow* row = table.find(level, name);
  if (row == nullptr) return Errno::ENOPROTOOPT;
  if (row->get != nullptr) return row->get(output);
  if (row->get_int == nullptr) return Errno::ENOPROTOOPT;
  return write_int(output, row->rule, TRY(row->get_int(output.context, output.socket)));
}

}  // namespace lxnet
