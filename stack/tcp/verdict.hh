// Verdict: what the arrival of a segment is to lead to. The steps of input fill it; TcpSocket::carry_out() alone acts on it.
#pragma once

#include "stack/drop_reason.hh"
#include "stack/poll_events.hh"

namespace lxnet {

enum class Step : uint8_t { Continue, Done };

struct Verdict {
  enum class Acknowledge : uint8_t {
    No,
    Consider,  // new data was taken: now or later, as the delayed-acknowledgment rules say
    Now,
    OutOfWindow,  // RFC 9293 3.10.7.4 first: rate-limited, and no answer to a bare acknowledgment
    Challenge,    // RFC 5961: rate-limited for the whole stack
  };

  Acknowledge acknowledge = Acknowledge::No;
  bool reset_peer = false;  // answer with a reset
  bool send = false;        // the window or the queue changed: data may leave
  bool was_dropped = false;
  DropReason reason{};
  PollEvents wake = 0;
  bool has_new_state = false;    // everybody looks, before `wake`
  PollEvents told_of_state = 0;  // and SIGIO says this of it

  Step drop_for(DropReason why) {
    was_dropped = true;
    reason = why;
    return Step::Done;
  }
};

}  // namespace lxnet
