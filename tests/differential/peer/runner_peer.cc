#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstdlib>

#include "tests/differential/peer/runner.hh"

namespace peer {

using Kind = Step::Kind;

void Runner::peer_step(const Step& step) {
  switch (step.kind) {
    case Kind::Syn:
      print("syn\n");
      return send_syn(step);
    case Kind::SynAck:
      print("syn-ack\n");
      return send_syn_ack(step);
    case Kind::Acks:
      print("acks, lost %x, one for %d\n", static_cast<unsigned>(step.a), step.b);
      return send_acks(static_cast<uint32_t>(step.a), step.b, step.c);
    case Kind::AckAt: {
      print("ack\n");
      Segment segment = bare_ack();
      segment.ack = ack_base(step.a) + static_cast<uint32_t>(step.b);
      segment.flags |= static_cast<uint8_t>(step.c);
      return send(segment);
    }
    case Kind::Duplicates:
      print("duplicates\n");
      for (int i = 0; i < step.a; ++i) send(bare_ack());
      return;
    case Kind::Sacks:
      print("sacks\n");
      return send_sacks(step);
    case Kind::Renege:
      print("renege\n");
      return receiver_.renege();
    case Kind::Window:
      window_ = step.a;
      print("window %d\n", window_);
      if (step.b != 0) send(bare_ack());
      return;
    case Kind::Data:
      print("data\n");
      return send_data(step);
    case Kind::Raw:
      print("raw\n");
      return send_raw(step);
    case Kind::Stamp:
      stamping_ = step.a;
      print("stamps %d\n", step.a);
      return;
    case Kind::Icmp:
      print("icmp %d %d mtu %d\n", step.a, step.b, step.c);
      return send_error(step);
    case Kind::Bulk:
      print("bulk of %d rounds of %d ms, lost %x in %d\n", step.a, step.b, static_cast<unsigned>(step.c), step.d);
      return bulk(step);
    default:
      print("wait\n");
  }
}

Segment Runner::bare() const {
  Segment segment;
  segment.seq = kernel_ack_;
  segment.window = static_cast<uint16_t>(window_);
  if (has_stamps_ && stamping_ != 4) {
    segment.stamps = Stamps{clock(), last_stamp_};
    if (stamping_ == 1) segment.stamps->value -= 50'000;
    if (stamping_ == 2) segment.stamps->echo = 0;
    if (stamping_ == 3) segment.stamps->echo += 100'000;
  }
  return segment;
}

Segment Runner::bare_ack() const {
  Segment segment = bare();
  segment.flags = kAck;
  segment.ack = receiver_.has_begun() ? receiver_.next() : 0;
  return segment;
}

void Runner::send(Segment segment) {
  if ((segment.flags & kAck) != 0 && (segment.flags & kRst) == 0) receiver_.note_acked(segment.ack);
  if (!is_silent_) {
    print("  < %s %u:%u(%zu)", show_flags(segment.flags).c_str(), segment.seq - isn_,
          segment.seq - isn_ + static_cast<uint32_t>(segment.payload.size()), segment.payload.size());
    if ((segment.flags & kAck) != 0) print(" ack %u", segment.ack - receiver_.iss());
    print(" win %u", segment.window);
    if ((segment.flags & kUrg) != 0) print(" urg %u", segment.urgent);
    if (segment.tos != 0) print(" tos %u", segment.tos);
    if (segment.stamps) print(" TS val %u%s", segment.stamps->value - 100'000, segment.stamps->echo == 0 ? " ecr 0" : "");
    for (const auto& [begin, end] : segment.sacks) print(" sack %u:%u", begin - receiver_.iss(), end - receiver_.iss());
    print("\n");
  }
  kernel_.deliver(encode(script_.family == Family::Inet6 ? Version::Six : Version::Four, segment));
}

void Runner::send_error(const Step& step) {
  if (last_packet_.empty()) return;
  const auto type = static_cast<uint8_t>(step.a), code = static_cast<uint8_t>(step.b);
  const auto mtu = static_cast<uint16_t>(step.c);
  if (script_.family != Family::Inet6) return kernel_.deliver(encode_error(type, code, mtu, last_packet_));
  // What comes closest to it: RFC 7915, 4.2, and a few more.
  constexpr std::pair<uint8_t, uint8_t> kOfUnreachable[] = {{1, 0}, {1, 3}, {4, 1}, {1, 4}, {2, 0}, {1, 5}};
  const auto [type6, code6] = code < std::size(kOfUnreachable) ? kOfUnreachable[code] : std::pair<uint8_t, uint8_t>{1, 1};
  kernel_.deliver(encode_error6(type6, code6, mtu, last_packet_));
}

void Runner::send_syn(const Step& step) {
  if (step.c != 0) {
    isn_ = kernel_ack_ + static_cast<uint32_t>(step.c);
    receiver_.begin_again();
  }
  kernel_ack_ = isn_ + 1;
  Segment segment;
  segment.seq = isn_;
  segment.flags = script_.ecn ? kSyn | kEce | kCwr : kSyn;
  segment.window = static_cast<uint16_t>(script_.window_scale > 0 ? 65535 : script_.window);
  segment.mss = script_.mss;
  segment.may_sack = script_.sack;
  if (script_.stamps) segment.stamps = Stamps{clock(), 0};
  if (script_.window_scale >= 0) segment.window_scale = static_cast<uint8_t>(script_.window_scale);
  if (step.b != 0) segment.cookie = cookie_;
  segment.payload = pattern(1, static_cast<uint32_t>(step.a));
  send(segment);
}

void Runner::send_syn_ack(const Step& step) {
  while (const auto segment = receiver_.take_waiting()) {
    if (step.b == 0 && !segment->payload.empty()) receiver_.take_in(*segment);
  }
  Segment segment;
  segment.seq = isn_;
  segment.ack = receiver_.next();
  segment.flags = kSyn | kAck;
  segment.window = static_cast<uint16_t>(script_.window_scale > 0 ? 65535 : script_.window);
  segment.mss = script_.mss;
  segment.may_sack = has_sack_;
  if (has_stamps_) segment.stamps = Stamps{clock(), last_stamp_};
  if (has_scale_) segment.window_scale = static_cast<uint8_t>(script_.window_scale);
  if (script_.ecn) segment.flags |= kEce;
  segment.payload = pattern(1, static_cast<uint32_t>(step.a));
  send(segment);
}

void Runner::send_acks(uint32_t lost, int stride, int flags) {
  const auto acknowledge = [&] {
    Segment ack = bare_ack();
    ack.flags |= static_cast<uint8_t>(flags);
    if (has_sack_) ack.sacks = receiver_.take_sacks();
    send(ack);
  };
  int since = 0, index = 0;
  bool has_sent = false;
  while (const auto segment = receiver_.take_waiting()) {
    if (index < 32 && (lost >> index++ & 1) != 0) continue;
    receiver_.take_in(*segment);
    if (segment->stamps) last_stamp_ = segment->stamps->value;
    if (++since < stride) continue;
    since = 0;
    has_sent = true;
    acknowledge();
  }
  if (since != 0 || !has_sent) acknowledge();
}

void Runner::send_sacks(const Step& step) {
  Segment ack = bare_ack();
  const uint32_t size = info_.snd_mss != 0 ? info_.snd_mss : 1000;
  if (has_sack_) {
    if (step.d != 0) ack.sacks.emplace_back(receiver_.next() - size, receiver_.next());
    const uint32_t begin = receiver_.next() + static_cast<uint32_t>(step.a) * size;
    const uint32_t end = begin + static_cast<uint32_t>(step.b) * size;
    ack.sacks.emplace_back(begin, end);
    if (step.c != 0)
      ack.sacks.emplace_back(end + static_cast<uint32_t>(step.c) * size, end + static_cast<uint32_t>(step.c + 1) * size);
  }
  send(ack);
}

void Runner::send_data(const Step& step) {
  Segment segment = bare_ack();
  segment.seq = kernel_ack_ + static_cast<uint32_t>(step.a);
  segment.flags = static_cast<uint8_t>(step.c);
  segment.tos = static_cast<uint8_t>(step.d);
  if ((segment.flags & kUrg) != 0) segment.urgent = static_cast<uint16_t>(step.e);
  segment.payload = pattern(segment.seq - isn_, static_cast<uint32_t>(step.b));
  send(segment);
  // What was taken in order is known before the kernel says so, when more follows at once.
  if (step.a == 0) kernel_ack_ += static_cast<uint32_t>(step.b);
}

void Runner::send_raw(const Step& step) {
  Segment segment = bare();
  segment.flags = static_cast<uint8_t>(step.a);
  const uint32_t base = step.b == Step::kWindowEnd ? kernel_ack_ + kernel_window_ : step.b == Step::kStart ? isn_ : kernel_ack_;
  segment.seq = base + static_cast<uint32_t>(step.c);
  segment.ack = ack_base(step.d) + static_cast<uint32_t>(step.e);
  if ((segment.flags & kUrg) != 0) segment.urgent = 1;
  segment.payload = pattern(segment.seq - isn_, static_cast<uint32_t>(step.f));
  send(segment);
}

uint32_t Runner::ack_base(int base) const {
  if (!receiver_.has_begun()) return 0;
  if (base == Step::kSent) return receiver_.sent();
  if (base == Step::kAcked) return receiver_.acked();
  if (base == Step::kStart) return receiver_.iss();
  return receiver_.next();
}

// The application writes what it can, and a round trip later what has come is acknowledged.
void Runner::bulk(const Step& step) {
  for (int round = 0; round < step.a; ++round) {
    segments_seen_ = 0;
    for (;;) {
      const std::string bytes = pattern(1 + written_, 20'000);
      const int64_t result = kernel_.call(SYS_sendto, socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL, nullptr, 0);
      if (result > 0) written_ += static_cast<uint32_t>(result);
      if (result < static_cast<int64_t>(bytes.size())) break;
    }
    pause(step.b);
    if (!is_silent_) print("  round %d\n", round);
    send_acks(round == step.d ? static_cast<uint32_t>(step.c) : 0, step.e, 0);
    if (!is_silent_) continue;
    lxnet::TcpInfo info{};
    socklen_t size = sizeof info;
    if (kernel_.call(SYS_getsockopt, socket_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) continue;
    print("  round %d %%sent=%d %%cwnd=%u %%ssthresh=%u state=%u %%retrans=%u\n", round, segments_seen_, info.snd_cwnd,
          info.snd_ssthresh, info.ca_state, info.total_retrans);
  }
}

}  // namespace peer
