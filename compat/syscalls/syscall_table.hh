// The rows of the system-call table: handler, its numbers in each ABI, and how much of it is done.
//
// Handlers are typed functions; the adapter from registers is generated from the signature. docs/coverage.md is printed from the
// rows.
#pragma once

#include <type_traits>
#include <utility>

#include "compat/syscalls/context.hh"

namespace lxnet {

using SyscallHandler = Result<int64_t> (*)(SyscallContext& context, const uint64_t* arguments);
enum class Support : uint8_t { Full, Partial, Missing };

inline constexpr int16_t kNoNumber = -1;

struct SyscallRow {
  const char* name;
  SyscallHandler handler;
  uint8_t arity;
  Support support;
  int16_t numbers[3];  // x86_64, i386, generic
  const char* note;
};

namespace internal {

// Registers to C types: a UserAddress from the whole register (the host zero-extends those of 32-bit callers), an integer as the
// ABI truncates it.
template <typename T>
T argument_as(uint64_t value) {
  if constexpr (std::is_same_v<T, UserAddress>) {
    return UserAddress(value);
  } else {
    return static_cast<T>(value);
  }
}

template <auto Handler>
struct Adapter;

template <typename... Arguments, Result<int64_t> (*Handler)(SyscallContext&, Arguments...)>
struct Adapter<Handler> {
  static constexpr uint8_t arity = sizeof...(Arguments);
  static Result<int64_t> call(SyscallContext& context, [[maybe_unused]] const uint64_t* arguments) {
    return [&]<size_t... I>(std::index_sequence<I...>) { return Handler(context, argument_as<Arguments>(arguments[I])...); }
    (std::index_sequence_for<Arguments...>{});
  }
};

}  // namespace internal

template <auto Handler>
constexpr SyscallRow syscall_row(const char* name, int16_t x86_64, int16_t i386, int16_t generic, Support support,
                                 const char* note = "") {
  return {name, &internal::Adapter<Handler>::call, internal::Adapter<Handler>::arity, support, {x86_64, i386, generic}, note};
}

// What the core's own table holds, for printing.
std::span<const SyscallRow> core_syscalls();

}  // namespace lxnet
