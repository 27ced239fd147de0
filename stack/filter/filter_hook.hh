// Where packets meet rules, in which tables, and what becomes of them: Linux's names for it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lxnet {

// NF_INET_*.
enum class FilterHook : uint8_t { PreRouting = 0, LocalIn = 1, Forward = 2, LocalOut = 3, PostRouting = 4 };
inline constexpr size_t kFilterHookCount = 5;

constexpr uint8_t hook_bit(FilterHook hook) { return static_cast<uint8_t>(1u << static_cast<unsigned>(hook)); }

// The tables of ip_tables and ip6_tables.
enum class FilterTableKind : uint8_t { Raw, Mangle, Nat, Filter, Security };
inline constexpr size_t kFilterTableCount = 5;

// Drop: its sender is told, if it is ours. Queue: for a program that nobody is; the packet is gone, and its sender is not told.
enum class FilterVerdict : uint8_t { Accept, Drop, Queue };

}  // namespace lxnet
