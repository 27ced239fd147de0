// Mib: the counters that /proc/net/snmp, /proc/net/netstat and /proc/net/snmp6 show, under Linux's names.
//
// Whoever does what a name says counts it where it happens: count(entry, Mib::IpInReceives). What is not a counter there
// (Forwarding, DefaultTTL, RtoMin) is asked of its owner by who prints the file.
#pragma once

#include <cstdint>

#include "base/result.hh"
#include "base/sharing.hh"
#include "stack/entry.hh"

namespace lxnet {

enum class Mib : uint16_t {
#define LXNET_MIB(group, name) group##name,
#include "stack/mib_rows.inc"
#undef LXNET_MIB
};

struct MibRow {
  const char* group;  // "TcpExt"
  const char* name;   // "ListenDrops"
};
inline constexpr MibRow kMibRows[] = {
#define LXNET_MIB(group, name) {#group, #name},
#include "stack/mib_rows.inc"
#undef LXNET_MIB
};
inline constexpr unsigned kMibCount = sizeof(kMibRows) / sizeof(kMibRows[0]);

class MibCounters {
 public:
  explicit MibCounters(Sharing sharing) : sharing_(sharing) {}

  void add(Mib counter, uint64_t amount) { add_to_statistic(values_[index(counter)], amount, sharing_); }
  void subtract(Mib gauge, uint64_t amount) { __atomic_fetch_sub(&values_[index(gauge)], amount, __ATOMIC_RELAXED); }
  uint64_t get(Mib counter) const { return __atomic_load_n(&values_[index(counter)], __ATOMIC_RELAXED); }
  // By row, for who prints them all.
  uint64_t get(unsigned row) const { return __atomic_load_n(&values_[row], __ATOMIC_RELAXED); }

  // IcmpMsg's InType and OutType, and Icmp6's: per ICMP type, shown where not zero. A type with a row of its own (InEchos) is
  // counted there too.
  enum class Direction : uint8_t { In, Out };
  void count_icmp4(Direction direction, uint8_t type);
  void count_icmp6(Direction direction, uint8_t type);
  uint64_t icmp4(Direction direction, uint8_t type) const { return read(icmp4_types_[static_cast<unsigned>(direction)][type]); }
  uint64_t icmp6(Direction direction, uint8_t type) const { return read(icmp6_types_[static_cast<unsigned>(direction)][type]); }

 private:
  static constexpr unsigned index(Mib counter) { return static_cast<unsigned>(counter); }
  static uint64_t read(const uint64_t& value) { return __atomic_load_n(&value, __ATOMIC_RELAXED); }

  const Sharing sharing_;
  uint64_t values_[kMibCount] = {};
  uint64_t icmp4_types_[2][256] = {};
  uint64_t icmp6_types_[2][256] = {};
};

inline void count(Entry& entry, Mib counter, uint64_t amount = 1) { entry.mib().add(counter, amount); }
// The row of a group and a name; ENOENT.
Result<Mib> find_mib(const char* group, const char* name);

}  // namespace lxnet
