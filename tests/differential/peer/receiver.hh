// Receiver: what the peer has got of the kernel's stream, and so what it acknowledges.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "tests/differential/peer/wire.hh"

namespace peer {

class Receiver {
 public:
  using Range = std::pair<uint32_t, uint32_t>;

  // A SYN of the kernel's: everything begins anew.
  void begin(uint32_t iss);
  void begin_again() { has_begun_ = false; }
  bool has_begun() const { return has_begun_; }
  // It came, and waits to be looked at.
  void queue(const Segment& segment);
  // The eldest that waits; nothing when none does.
  std::optional<Segment> take_waiting();
  // It is taken in; what of it had come before is the next DSACK.
  void take_in(const Segment& segment);
  void renege() { beyond_.clear(); }
  // What is beyond a hole, latest first, after a DSACK if there is one.
  std::vector<Range> take_sacks();

  uint32_t iss() const { return iss_; }
  uint32_t next() const { return next_; }
  uint32_t sent() const { return sent_; }    // the end of what the kernel has sent
  uint32_t acked() const { return acked_; }  // what an earlier ACK said
  void note_acked(uint32_t ack) { acked_ = ack; }

 private:
  bool has_begun_ = false;
  uint32_t iss_ = 0, next_ = 0, sent_ = 0, acked_ = 0;
  std::deque<Segment> waiting_;
  std::vector<Range> beyond_;  // latest first
  std::optional<Range> duplicate_;
};

}  // namespace peer
