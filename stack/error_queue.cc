// Queueing and taking reports.
#include "stack/error_queue.hh"

#include "hal/memory.hh"
#include "stack/ip/transport.hh"

namespace lxnet {
namespace {

constexpr uint8_t kZeroCopyCopied = 1;  // SO_EE_CODE_ZEROCOPY_COPIED

bool is_icmp(const ExtendedError& error) {
  return error.origin == static_cast<uint8_t>(ErrorOrigin::Icmp) || error.origin == static_cast<uint8_t>(ErrorOrigin::Icmp6);
}

}  // namespace

ExtendedError ErrorQueue::report_of(const IpError& error) {
  ExtendedError report;
  report.error = error.error;
  report.origin = static_cast<uint8_t>(error.origin);
  report.type = error.type;
  report.code = error.code;
  report.info = error.info;
  report.offender.address = error.offender;
  if (error.offender.v6().needs_scope_id()) report.offender.scope_id = error.interface_index;
  return report;
}

Endpoint ErrorQueue::destination_of(const IpError& error, uint16_t port) {
  return {.address = error.destination,
          .port = port,
          .scope_id = error.destination.v6().needs_scope_id() ? error.interface_index : 0};
}

bool ErrorQueue::push(Ref<Packet> payload, const ExtendedError& error, const Endpoint& destination, size_t room) {
  Report* report = construct<Report>(mutex_.hal());
  if (report == nullptr) return false;
  // Linux queues the packet itself, or an empty one.
  report->charge = payload ? payload->true_size() : Packet::charge_of(0);
  report->payload = std::move(payload);
  report->error = error;
  report->destination = destination;
  {
    MutexLock lock(mutex_);
    if (push_locked(*report, room)) return true;
  }
  dispose(mutex_.hal(), report);
  return false;
}

bool ErrorQueue::push_locked(Report& report, size_t room) {
  if (report.charge >= room) return false;
  reports_.push_back(report);
  __atomic_store_n(&bytes_, bytes_ + report.charge, __ATOMIC_RELAXED);
  __atomic_store_n(&count_, count_ + 1, __ATOMIC_RELAXED);
  return true;
}

bool ErrorQueue::push_zero_copy(uint32_t first, uint32_t last_id, size_t room) {
  {
    MutexLock lock(mutex_);
    Report* last = reports_.back();
    if (last != nullptr && last->error.origin == static_cast<uint8_t>(ErrorOrigin::ZeroCopy) && last->error.data + 1 == first) {
      last->error.data = last_id;
      return true;
    }
  }
  const ExtendedError error{.error = {},
                            .origin = static_cast<uint8_t>(ErrorOrigin::ZeroCopy),
                            .type = 0,
                            .code = kZeroCopyCopied,
                            .info = first,
                            .data = last_id,
                            .offender = {}};
  return push(nullptr, error, {}, room);
}

ErrorQueue::Report* ErrorQueue::take() {
  MutexLock lock(mutex_);
  Report* report = reports_.take_front();
  if (report == nullptr) return nullptr;
  __atomic_store_n(&bytes_, bytes_ - report->charge, __ATOMIC_RELAXED);
  __atomic_store_n(&count_, count_ - 1, __ATOMIC_RELAXED);
  return report;
}

Result<size_t> ErrorQueue::receive(ReceiveRequest& request, Taken& taken) {
  Report* report = take();
  if (report == nullptr) return Errno::EAGAIN;
  {
    MutexLock lock(mutex_);
    const Report* next = reports_.front();
    taken.has_more = next != nullptr;
    const bool next_is_icmp = next != nullptr && is_icmp(next->error);
    taken.changes_error = next_is_icmp || is_icmp(report->error);
    if (next_is_icmp) taken.error = next->error.error;
  }
  const size_t size = report->payload ? report->payload->size() : 0;
  size_t copied = 0;
  size_t wanted = size < request.sink.room() ? size : request.sink.room();
  if (wanted != 0) {
    report->payload->for_each_run(0, wanted, [&](ByteSpan run) { copied += request.sink.copy(run); });
  }
  request.full_size = size;
  request.result_flags |= kMessageErrorQueue;
  if (wanted < size) request.result_flags |= kMessageTruncated;
  request.is_error = true;
  request.wall_nanos = report->error.wall_nanos;
  request.error = report->error;
  request.error_destination = report->destination;
  request.packet = std::move(report->payload);
  dispose(mutex_.hal(), report);
  if (copied != wanted) return Errno::EFAULT;
  return Result<size_t>(copied);
}

void ErrorQueue::clear() {
  while (Report* report = take()) dispose(mutex_.hal(), report);
}

}  // namespace lxnet
