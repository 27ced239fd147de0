// Deadlines: what a connection waits for. They share one timer on the wheel, which stands at the earliest or before it: a
// deadline that is cleared or moved back, as every acknowledgment does, costs a store here and nothing there, and a timer that
// comes too early is set again.
#pragma once

#include <algorithm>

#include "base/time.hh"

namespace lxnet {

class Deadlines {
 public:
  enum class Kind : uint8_t {
    Probe,      // retransmission, loss probes, RACK and zero-window probes, which exclude each other
    Ack,        // a delayed acknowledgment
    KeepAlive,  // also FIN-WAIT-2's end
    Pacing,
  };
  static constexpr size_t kKinds = 4;

  bool is_set(Kind kind) const { return !at(kind).is_never(); }
  Instant at(Kind kind) const { return at_[static_cast<size_t>(kind)]; }
  void set(Kind kind, Instant when) { at_[static_cast<size_t>(kind)] = when; }
  void clear(Kind kind) { set(kind, Instant::never()); }
  // Whether it had come, which it then has no more.
  bool take(Kind kind, Instant now) {
    if (at(kind) > now) return false;
    clear(kind);
    return true;
  }
  Instant earliest() const { return *std::min_element(at_, at_ + kKinds); }

 private:
  Instant at_[kKinds] = {Instant::never(), Instant::never(), Instant::never(), Instant::never()};
};

}  // namespace lxnet
