#include "stack/stamp_demand.hh"

#include "stack/socket_options.hh"
#include "stack/timestamping.hh"

namespace lxnet {

void StampWish::follow(StampDemand& demand, const SocketOptions& options) {
  const bool is_wanted =
      (options.timestamp_flags & kTimestampKept) != 0 || (options.timestamping_flags & kTimestampReceiveSoftware) != 0;
  if (!is_wanted) return withdraw(demand);
  if (__atomic_exchange_n(&is_counted_, 1u, __ATOMIC_RELAXED) == 0) __atomic_fetch_add(&demand.sockets_, 1u, __ATOMIC_RELAXED);
}

void StampWish::withdraw(StampDemand& demand) {
  if (__atomic_exchange_n(&is_counted_, 0u, __ATOMIC_RELAXED) != 0) __atomic_fetch_sub(&demand.sockets_, 1u, __ATOMIC_RELAXED);
}

void keep_stamp(const SocketOptions& options, int64_t& last, int64_t stamp) {
  constexpr uint32_t kReports = kTimestampReportSoftware | kTimestampReportHardware;
  const uint32_t plain = options.timestamp_flags, flags = options.timestamping_flags;
  const bool tells_anything = (plain & kTimestampPlain) != 0 || options.receive_queue_overflow || options.receive_mark ||
                              options.receive_priority || (flags & kReports) != 0;
  if (tells_anything) return keep_report_stamp(options, last, stamp);
  if ((plain & kTimestampKept) == 0) {
    if (__atomic_load_n(&last, __ATOMIC_RELAXED) != -1) return;
    stamp = 0;
  }
  __atomic_store_n(&last, stamp, __ATOMIC_RELAXED);
}

void keep_report_stamp(const SocketOptions& options, int64_t& last, int64_t stamp) {
  const uint32_t flags = options.timestamping_flags;
  // Who is told the stamps as they come keeps none.
  const bool tells_stamp = (options.timestamp_flags & kTimestampPlain) != 0 || (flags & kTimestampReceiveSoftware) != 0 ||
                           (stamp != 0 && (flags & kTimestampReportSoftware) != 0);
  if (!tells_stamp) __atomic_store_n(&last, stamp, __ATOMIC_RELAXED);
}

}  // namespace lxnet
