#include "compat/afnetlink/diag_filter.hh"

namespace lxnet {
namespace {

struct Operation {
  uint8_t code, yes;
  uint16_t no;
};
struct HostCondition {
  uint8_t family, prefix;
  uint16_t pad;
  int32_t port;
};
enum : uint8_t {
  kNothing,
  kJump,
  kLocalAtLeast,
  kLocalAtMost,
  kRemoteAtLeast,
  kRemoteAtMost,
  kAutomatic,
  kLocalHost,
  kRemoteHost,
  kDevice,
  kMark,
  kLocalEquals,
  kRemoteEquals
};
constexpr size_t kStep = sizeof(Operation);

Operation operation_at(ByteSpan program, size_t at) {
  Operation operation{};
  copy_bytes(mutable_bytes_of(operation), program.subspan(at));
  return operation;
}

bool is_port_test(uint8_t code) {
  return (code >= kLocalAtLeast && code <= kRemoteAtMost) || code == kLocalEquals || code == kRemoteEquals;
}

// struct inet_diag_markcond.
struct MarkCondition {
  uint32_t mark, mask;
};

size_t size_of_host(ByteSpan program, size_t at) {
  const size_t left = program.size() - at;
  if (left < kStep + sizeof(HostCondition)) return 0;
  HostCondition condition{};
  copy_bytes(mutable_bytes_of(condition), program.subspan(at + kStep));
  const size_t address = condition.family == 2 ? 4 : condition.family == 10 ? 16 : 0;
  if (condition.family != 0 && address == 0) return 0;
  if (condition.prefix > 8 * address) return 0;
  return kStep + sizeof(HostCondition) + address;
}

// With its operands; 0 for what is not known.
size_t size_of(ByteSpan program, size_t at) {
  const uint8_t code = operation_at(program, at).code;
  if (is_port_test(code)) return 2 * kStep;
  switch (code) {
    case kNothing:
    case kJump:
    case kAutomatic:
      return kStep;
    case kLocalHost:
    case kRemoteHost:
      return size_of_host(program, at);
    case kDevice:
      return kStep + sizeof(uint32_t);
    case kMark:
      return kStep + sizeof(MarkCondition);
    default:
      return 0;
  }
}

// Of what follows an instruction.
template <typename T>
T operand_at(ByteSpan program, size_t at) {
  T operand{};
  copy_bytes(mutable_bytes_of(operand), program.subspan(at + kStep));
  return operand;
}

// By the jumps that are taken when everything holds.
bool leads_to(ByteSpan program, size_t place) {
  for (size_t at = 0; at < place;) {
    const uint8_t yes = operation_at(program, at).yes;
    if (yes < kStep || yes % kStep != 0) return false;
    at += yes;
    if (at == place) return true;
  }
  return false;
}

bool matches_host(ByteSpan operands, uint8_t family, ByteSpan address, uint16_t port) {
  HostCondition condition{};
  copy_bytes(mutable_bytes_of(condition), operands);
  if (condition.port != -1 && condition.port != port) return false;
  ByteSpan wanted = operands.subspan(sizeof condition);
  if (condition.family == 2 && family == 10) {
    // An IPv4 address in IPv6's clothes.
    constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (memcmp(address.data(), kMapped, sizeof kMapped) != 0) return false;
    address = address.subspan(12);
  } else if (condition.family != 0 && condition.family != family) {
    return false;
  }
  const size_t whole = condition.prefix / 8u, rest = condition.prefix % 8u;
  if (memcmp(address.data(), wanted.data(), whole) != 0) return false;
  if (rest == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff00u >> rest);
  return ((address[whole] ^ wanted[whole]) & mask) == 0;
}

bool holds(ByteSpan program, size_t at, const DiagSubject& subject) {
  const Operation operation = operation_at(program, at);
  const uint16_t number = is_port_test(operation.code) ? operation_at(program, at + kStep).no : uint16_t{0};
  switch (operation.code) {
    case kJump:
      return false;
    case kLocalAtLeast:
      return subject.local_port >= number;
    case kLocalAtMost:
      return subject.local_port <= number;
    case kRemoteAtLeast:
      return subject.remote_port >= number;
    case kRemoteAtMost:
      return subject.remote_port <= number;
    case kLocalEquals:
      return subject.local_port == number;
    case kRemoteEquals:
      return subject.remote_port == number;
    case kAutomatic:
      return !subject.is_port_bound;
    case kDevice:
      return subject.interface == operand_at<uint32_t>(program, at);
    case kMark: {
      const auto condition = operand_at<MarkCondition>(program, at);
      return (subject.mark & condition.mask) == condition.mark;
    }
    case kLocalHost:
      return matches_host(program.subspan(at + kStep), subject.family, subject.local, subject.local_port);
    case kRemoteHost:
      return matches_host(program.subspan(at + kStep), subject.family, subject.remote, subject.remote_port);
    default:
      return true;
  }
}

}  // namespace

// A jump that leads one step past the end is a refusal, and so may every `no` be that leads there.
Result<> check_diag_filter(ByteSpan program, bool is_administrator) {
  if (program.size() < kStep) return Errno::EINVAL;
  size_t at = 0;
  while (at < program.size()) {
    const size_t left = program.size() - at;
    if (left < kStep) return Errno::EINVAL;
    const Operation operation = operation_at(program, at);
    if (operation.code == kMark && !is_administrator) return Errno::EPERM;
    const size_t size = size_of(program, at);
    if (size == 0 || size > left) return Errno::EINVAL;
    if (operation.code != kNothing) {
      if (operation.no < size || operation.no > left + kStep || operation.no % kStep != 0) return Errno::EINVAL;
      if (operation.no < left && !leads_to(program, at + operation.no)) return Errno::EINVAL;
    }
    if (operation.yes < size || operation.yes > left + kStep || operation.yes % kStep != 0) return Errno::EINVAL;
    at += operation.yes;
  }
  return at == program.size() ? ok() : Result<>(Errno::EINVAL);
}

bool diag_filter_accepts(ByteSpan program, const DiagSubject& subject) {
  size_t at = 0;
  while (at < program.size()) {
    const Operation operation = operation_at(program, at);
    at += holds(program, at, subject) ? operation.yes : operation.no;
  }
  return at == program.size();
}

}  // namespace lxnet
