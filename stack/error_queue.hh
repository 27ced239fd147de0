// ErrorQueue: what recvmsg(MSG_ERRQUEUE) reports: ICMP errors, packets found too large, completed zero-copy sends, time stamps.
//
// It is filled from the packet path without the socket's lock, and bounded: its bytes and those of the receive queue together
// stay below SO_RCVBUF, as the socket that owns both sees to.
#pragma once

#include "hal/mutex.hh"
#include "stack/socket.hh"

namespace lxnet {

struct IpError;

class ErrorQueue {
 public:
  explicit ErrorQueue(const Hal& hal) : mutex_(hal, LockRank::ErrorQueue) {}
  ~ErrorQueue() { clear(); }

  // What a message of ICMP's comes as, and to whom the packet went that it is about.
  static ExtendedError report_of(const IpError& error);
  static Endpoint destination_of(const IpError& error, uint16_t port);

  // below rank ErrorQueue. `payload` is what the report cites, its front where the program's own data began, and its true_size
  // that of the packet that brought it; may be null. `room`: the bytes that may still be queued. False: there was no room or no
  // memory, and the report is lost.
  bool push(Ref<Packet> payload, const ExtendedError& error, const Endpoint& destination, size_t room);
  // The zero-copy sends with these numbers are complete, their bytes having been copied; numbers in a row share one report. True:
  // there is one more.
  bool push_zero_copy(uint32_t first, uint32_t last, size_t room);

  // What SO_ERROR is to say once the oldest report has been taken.
  struct Taken {
    bool changes_error = false;
    Errno error{};
    bool has_more = false;
  };
  // task. Moves the oldest report into the request. EAGAIN: there is none. EFAULT: the sink could not hold the payload, and the
  // report is lost as on Linux.
  Result<size_t> receive(ReceiveRequest& request, Taken& taken);

  // Without the lock: hints.
  bool is_empty() const { return __atomic_load_n(&count_, __ATOMIC_RELAXED) == 0; }
  size_t bytes() const { return __atomic_load_n(&bytes_, __ATOMIC_RELAXED); }
  void clear();

  // SIOCGSTAMP, of the last datagram or report that was received; 0: it had none; -1: there was none.
  int64_t last_stamp = -1;

 private:
  struct Report {
    ListLink queue_link;
    Ref<Packet> payload;
    ExtendedError error;
    Endpoint destination;
    size_t charge = 0;
  };
  bool push_locked(Report& report, size_t room) REQUIRES(mutex_);
  Report* take();

  Mutex mutex_;
  List<Report, &Report::queue_link> reports_ GUARDED_BY(mutex_);
  size_t count_ = 0, bytes_ = 0;  // written under mutex_
};

// SO_EE_ORIGIN_*.
enum class ErrorOrigin : uint8_t { None = 0, Local = 1, Icmp = 2, Icmp6 = 3, Timestamping = 4, ZeroCopy = 5 };

}  // namespace lxnet
