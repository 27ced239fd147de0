// Counting, and finding a counter by its name.
#include "stack/mib.hh"

#include <span>

namespace lxnet {

namespace {

bool is_same_text(const char* a, const char* b) {
  while (*a != 0 && *a == *b) ++a, ++b;
  return *a == *b;
}

}  // namespace

namespace {

struct IcmpRow {
  uint8_t type;
  Mib in, out;
};
constexpr IcmpRow kIcmp4Rows[] = {
    {0, Mib::IcmpInEchoReps, Mib::IcmpOutEchoReps},
    {3, Mib::IcmpInDestUnreachs, Mib::IcmpOutDestUnreachs},
    {4, Mib::IcmpInSrcQuenchs, Mib::IcmpOutSrcQuenchs},
    {5, Mib::IcmpInRedirects, Mib::IcmpOutRedirects},
    {8, Mib::IcmpInEchos, Mib::IcmpOutEchos},
    {11, Mib::IcmpInTimeExcds, Mib::IcmpOutTimeExcds},
    {12, Mib::IcmpInParmProbs, Mib::IcmpOutParmProbs},
    {13, Mib::IcmpInTimestamps, Mib::IcmpOutTimestamps},
    {14, Mib::IcmpInTimestampReps, Mib::IcmpOutTimestampReps},
    {17, Mib::IcmpInAddrMasks, Mib::IcmpOutAddrMasks},
    {18, Mib::IcmpInAddrMaskReps, Mib::IcmpOutAddrMaskReps},
};
constexpr IcmpRow kIcmp6Rows[] = {
    {1, Mib::Icmp6InDestUnreachs, Mib::Icmp6OutDestUnreachs},
    {2, Mib::Icmp6InPktTooBigs, Mib::Icmp6OutPktTooBigs},
    {3, Mib::Icmp6InTimeExcds, Mib::Icmp6OutTimeExcds},
    {4, Mib::Icmp6InParmProblems, Mib::Icmp6OutParmProblems},
    {128, Mib::Icmp6InEchos, Mib::Icmp6OutEchos},
    {129, Mib::Icmp6InEchoReplies, Mib::Icmp6OutEchoReplies},
    {130, Mib::Icmp6InGroupMembQueries, Mib::Icmp6OutGroupMembQueries},
    {131, Mib::Icmp6InGroupMembResponses, Mib::Icmp6OutGroupMembResponses},
    {132, Mib::Icmp6InGroupMembReductions, Mib::Icmp6OutGroupMembReductions},
    {133, Mib::Icmp6InRouterSolicits, Mib::Icmp6OutRouterSolicits},
    {134, Mib::Icmp6InRouterAdvertisements, Mib::Icmp6OutRouterAdvertisements},
    {135, Mib::Icmp6InNeighborSolicits, Mib::Icmp6OutNeighborSolicits},
    {136, Mib::Icmp6InNeighborAdvertisements, Mib::Icmp6OutNeighborAdvertisements},
    {137, Mib::Icmp6InRedirects, Mib::Icmp6OutRedirects},
    {143, Mib::Icmp6InMLDv2Reports, Mib::Icmp6OutMLDv2Reports},
};

void count_row(MibCounters& counters, std::span<const IcmpRow> rows, MibCounters::Direction direction, uint8_t type) {
  for (const IcmpRow& row : rows) {
    if (row.type == type) return counters.add(direction == MibCounters::Direction::In ? row.in : row.out, 1);
  }
}

}  // namespace

void MibCounters::count_icmp4(Direction direction, uint8_t type) {
  add_to_statistic(icmp4_types_[static_cast<unsigned>(direction)][type], 1, sharing_);
  count_row(*this, kIcmp4Rows, direction, type);
}

void MibCounters::count_icmp6(Direction direction, uint8_t type) {
  add_to_statistic(icmp6_types_[static_cast<unsigned>(direction)][type], 1, sharing_);
  count_row(*this, kIcmp6Rows, direction, type);
}

Result<Mib> find_mib(const char* group, const char* name) {
  for (unsigned row = 0; row < kMibCount; ++row) {
    if (is_same_text(kMibRows[row].group, group) && is_same_text(kMibRows[row].name, name))
      return Mib{static_cast<uint16_t>(row)};
  }
  return Errno::ENOENT;
}

}  // namespace lxnet
