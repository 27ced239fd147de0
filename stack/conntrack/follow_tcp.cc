// A TCP segment of a connection: what state it leads to, and for how long that is remembered. Linux's nf_conntrack_tcp_packet().
#include "stack/conntrack/follow.hh"

namespace lxnet {
namespace {

using State = TrackedTcpState;
using Sort = TcpSegmentSort;

class Segment {
 public:
  Segment(const FollowedPacket& followed, Connection& connection, FlowState state)
      : followed_(followed),
        connection_(connection),
        tracking_(connection.tcp),
        flow_state_(state),
        direction_(direction_of(state)) {}

  Followed follow() {
    if (!read_segment(followed_.packet(), followed_.headers.transport_offset, segment_)) return Followed::Invalid;
    if (followed_.has_wrong_checksum()) return Followed::Invalid;
    sort_ = sort_of(segment_.header.flags);
    if (!connection_.is(kConfirmed) && !begin()) return Followed::Invalid;
    before_ = tracking_.state;
    after_ = next_state(direction_, sort_, before_);
    switch (weigh()) {
      case Weight::Pass:
        return Followed::Yes;
      case Weight::Invalid:
        return Followed::Invalid;
      case Weight::Again:
        followed_.table.remove(connection_);
        return Followed::Again;
      case Weight::CheckWindow:
        switch (check_window(tracking_, direction_, sort_, segment_, followed_.settings().tcp_be_liberal != 0)) {
          case WindowVerdict::Ignore:
            return Followed::Yes;
          case WindowVerdict::Invalid:
            shorten_after_invalid();
            return Followed::Invalid;
          case WindowVerdict::Accept:
            break;
        }
        break;
      case Weight::InWindow:
        break;
    }
    enter();
    return Followed::Yes;
  }

 private:
  enum class Weight : uint8_t { CheckWindow, InWindow, Pass, Invalid, Again };

  TcpSide& own() { return tracking_.sides[direction_]; }
  TcpSide& peer() { return tracking_.sides[1 - direction_]; }
  SeqNum seq() const { return segment_.header.seq; }
  bool is_established() const { return tracking_.state == State::Established && connection_.is(kAssured); }
  Duration seconds_of(State state) const {
    return Duration::seconds(followed_.settings().tcp_seconds[static_cast<size_t>(state)]);
  }

  // tcp_new(): a SYN, or a segment of a connection that began before anybody looked.
  bool begin() {
    const State first = next_state(kOriginal, sort_, State::None);
    if (first == State::Invalid) return false;
    const bool is_syn = first == State::SynSent;
    if (!is_syn && followed_.settings().tcp_loose == 0) return false;
    tracking_ = TcpTracking();
    TcpSide& side = tracking_.sides[kOriginal];
    side.end = side.max_end = segment_.end;
    side.max_window = segment_.header.window == 0 ? 1 : segment_.header.window;
    if (is_syn) {
      side.scales = segment_.scales;
      side.scale = segment_.scale;
      side.has_sack = segment_.has_sack_permitted;
    } else {
      side.max_end += side.max_window;
      for (TcpSide& each : tracking_.sides) each.has_sack = each.is_liberal = true;
    }
    tracking_.last_sort = Sort::None;
    return true;
  }

  Weight weigh() {
    switch (after_) {
      case State::SynSent:
        if (before_ < State::TimeWait) return Weight::CheckWindow;
        // RFC 9293, 3.6.1: a new SYN may open a connection again that is at its end or was aborted.
        if (own().has_closed_first || peer().has_closed_first ||
            (tracking_.last_direction == direction_ && tracking_.last_sort == Sort::Rst)) {
          return Weight::Again;
        }
        return ignore();
      case State::Ignore:
        return ignore();
      case State::Invalid:
        return Weight::Invalid;
      case State::TimeWait:
        if (before_ == State::LastAck && sort_ == Sort::Ack && tracking_.last_direction != direction_ &&
            tracking_.last_sort == Sort::Syn && tracking_.expects_challenge) {
          tracking_.expects_challenge = false;
          return Weight::Pass;
        }
        return Weight::CheckWindow;
      case State::SynSent2:
        tracking_.is_simultaneous = true;
        return Weight::CheckWindow;
      case State::SynReceived:
        if (direction_ == kReply && sort_ == Sort::Ack && tracking_.is_simultaneous) after_ = State::Established;
        return Weight::CheckWindow;
      case State::Close:
        return sort_ == Sort::Rst ? weigh_reset() : Weight::CheckWindow;
      default:
        return Weight::CheckWindow;
    }
  }

  // What may signal the true connection between the two, of which this entry knows something wrong.
  Weight ignore() {
    if (sort_ == Sort::SynAck && tracking_.last_sort == Sort::Syn && tracking_.last_direction != direction_ &&
        segment_.header.ack == tracking_.last_end) {
      agree_with_ignored_syn();
      return Weight::CheckWindow;
    }
    tracking_.last_sort = sort_;
    tracking_.last_direction = direction_;
    tracking_.last_seq = seq();
    tracking_.last_end = segment_.end;
    tracking_.last_window = segment_.header.window;
    if (sort_ == Sort::Syn && direction_ == kOriginal) {
      tracking_.last_scales = segment_.scales;
      tracking_.last_scale = segment_.scale;
      tracking_.last_has_sack = segment_.has_sack_permitted;
      tracking_.expects_challenge = before_ == State::LastAck;
      tracking_.is_simultaneous = false;
    }
    if (before_ == State::SynSent && sort_ == Sort::Ack && direction_ == kReply) tracking_.last_ack = segment_.header.ack;
    return Weight::Pass;
  }

  // The server answers a SYN that was ignored: both ends agree, and what it said is taken for true.
  void agree_with_ignored_syn() {
    before_ = State::SynSent;
    after_ = State::SynReceived;
    peer() = TcpSide();
    peer().end = peer().max_end = tracking_.last_end;
    peer().max_window = tracking_.last_window == 0 ? 1 : tracking_.last_window;
    peer().scale = tracking_.last_scale;
    peer().scales = tracking_.last_scales;
    peer().has_sack = tracking_.last_has_sack;
    tracking_.expects_challenge = false;
    own().forget();
  }

  bool may_be_dropped_early() const {
    switch (tracking_.state) {
      case State::FinWait:
      case State::LastAck:
      case State::TimeWait:
      case State::Close:
      case State::CloseWait:
        return true;
      default:
        return false;
    }
  }

  Weight weigh_reset() {
    if (may_be_dropped_early()) return Weight::InWindow;
    if (peer().has_max_ack && tracking_.last_sort != Sort::Syn) {
      if (seq() == SeqNum(0) && !is_established()) return Weight::CheckWindow;
      if (seq().is_before(peer().max_ack) && followed_.settings().tcp_ignore_invalid_rst == 0) return Weight::Invalid;
      if (!is_established() || seq() == peer().max_ack) return Weight::CheckWindow;
      const bool ends_train =
          tracking_.last_sort == Sort::Ack && tracking_.last_direction == direction_ && seq() == tracking_.last_end;
      if (ends_train) return Weight::CheckWindow;
      after_ = before_;  // RFC 5961: the answer may be a challenge, and nothing is over
    }
    const bool refuses_syn =
        connection_.is(kSeenReply) && tracking_.last_sort == Sort::Syn && tracking_.last_direction != direction_;
    const bool refuses_ack = !connection_.is(kAssured) && tracking_.last_sort == Sort::Ack;
    if ((refuses_syn || refuses_ack) && segment_.header.ack == tracking_.last_end) return Weight::InWindow;
    if (before_ == State::SynSent && tracking_.last_sort == Sort::Ack && tracking_.last_direction == kReply &&
        seq() == tracking_.last_ack) {
      return Weight::InWindow;
    }
    return Weight::CheckWindow;
  }

  // nf_tcp_handle_invalid(): where even the ends disagree about the end, the entry shall not stay for days.
  void shorten_after_invalid() {
    if (!connection_.is(kAssured) || (sort_ != Sort::Rst && sort_ != Sort::Fin)) return;
    const bool answers =
        tracking_.last_direction != direction_ && (tracking_.last_sort == Sort::Fin || tracking_.last_sort == Sort::Rst);
    if (!answers) {
      tracking_.last_sort = sort_;
      tracking_.last_direction = direction_;
      return;
    }
    const Duration left = connection_.deadline - followed_.now;
    const Duration shorter = Duration::seconds(followed_.settings().tcp_unacknowledged_seconds);
    if (left >= Duration::seconds(120) && left > shorter) followed_.table.set_timeout(connection_, shorter, followed_.now);
  }

  Duration choose_timeout() const {
    const ConnectionSettings& settings = followed_.settings();
    const Duration usual = seconds_of(after_);
    const Duration retransmitted = Duration::seconds(settings.tcp_max_retrans_seconds);
    const Duration unacknowledged = Duration::seconds(settings.tcp_unacknowledged_seconds);
    const bool waits = tracking_.sides[0].has_unacknowledged || tracking_.sides[1].has_unacknowledged;
    if (tracking_.retransmissions >= settings.tcp_max_retrans && usual > retransmitted) return retransmitted;
    if (sort_ == Sort::Rst) return seconds_of(State::Close);
    if (waits && usual > unacknowledged) return unacknowledged;
    if (tracking_.last_window == 0 && usual > retransmitted) return retransmitted;
    return usual;
  }

  void enter() {
    tracking_.last_sort = sort_;
    tracking_.last_direction = direction_;
    tracking_.state = after_;
    if (before_ != after_ && after_ == State::FinWait) own().has_closed_first = true;
    Duration timeout = choose_timeout();
    if (!connection_.is(kSeenReply)) {
      // Refused: there is nothing to remember.
      if (segment_.header.flags.rst()) return followed_.table.remove(connection_);
      // A SYN that is sent again does not keep an entry alive.
      if (sort_ == Sort::Syn && before_ == State::SynSent) return;
      const Duration unacknowledged = Duration::seconds(followed_.settings().tcp_unacknowledged_seconds);
      if (after_ == State::Established && timeout > unacknowledged) timeout = unacknowledged;
    } else if (!connection_.is(kAssured) && (before_ == State::SynReceived || before_ == State::Established) &&
               after_ == State::Established) {
      connection_.status |= kAssured;
    }
    followed_.refresh(connection_, flow_state_, timeout);
  }

  const FollowedPacket& followed_;
  Connection& connection_;
  TcpTracking& tracking_;
  const FlowState flow_state_;
  const FlowDirection direction_;
  TrackedSegment segment_ = {};
  Sort sort_ = Sort::None;
  State before_ = State::None, after_ = State::None;
};

}  // namespace

Followed follow_tcp(const FollowedPacket& followed, Connection& connection, FlowState state) {
  return Segment(followed, connection, state).follow();
}

}  // namespace lxnet
