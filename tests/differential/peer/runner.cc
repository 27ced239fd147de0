#include "tests/differential/peer/runner.hh"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace peer {

namespace {

constexpr int kLeastGap = 12;
constexpr int64_t kLate = 3000;  // microseconds: a machine that is busy otherwise does not show what Linux would do
constexpr int64_t kIntoMillisecond = 50, kLastOfMillisecond = 700;
constexpr int64_t kAtOnce = 300;  // microseconds: what follows at once follows on either kernel so much later

}  // namespace

void Runner::print(const char* format, ...) {
  char line[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  log_ += line;
}

void Runner::run(const Play& play) {
  stretch_ = play.stretch;
  is_silent_ = script_.is_summary;
  window_ = script_.window;
  isn_ = kernel_ack_ = script_.isn;
  for (const auto& [name, value] : script_.tunables) kernel_.set_tunable(name, value);
  due_ = 20'000;
  int index = 0;
  bool was_left_out = false;
  for (Step step : script_.steps) {
    const bool is_left_out = !play.only.empty() && !play.only.contains(index);
    if (was_left_out && step.gap == 0) step.gap = kLeastGap;
    hurry(play, index);
    if (!is_left_out) run_step(index, step);
    was_left_out = is_left_out;
    ++index;
  }
  hurry(play, index);
  kernel_.come_first(hurry_);
  wait_until(due_ + 300'000);
  observe();
}

void Runner::hurry(const Play& play, int index) {
  const auto hurried = play.first.find(index);
  hurry_ = hurried != play.first.end() ? hurried->second : 0;
}

void Runner::run_step(int index, const Step& step) {
  pause(step.gap);
  if (step.gap != 0) observe();
  print("%d +%d ", index, step.gap);
  if (step.kind < Step::Kind::Syn) {
    call_step(step);
  } else {
    peer_step(step);
  }
}

void Runner::pause(int millis) {
  // On a kernel whose stamps count milliseconds a burst is to have one stamp.
  int64_t end = millis == 0 ? due_ + kAtOnce : (due_ + int64_t{millis} * stretch_) / 1000 * 1000 + kIntoMillisecond;
  // What is answered to it would leave when the next millisecond has begun, on the slower kernel.
  if (end % 1000 > kLastOfMillisecond) end = (end / 1000 + 1) * 1000 + kIntoMillisecond;
  kernel_.come_first(hurry_);
  wait_until(end);
  due_ = end;
  if (kernel_.now() > end + kLate) print("late\n");
}

void Runner::wait_until(int64_t when) {
  std::string packet;
  int64_t left_at = 0;
  while (kernel_.take(when, packet, left_at)) take_packet(packet, left_at);
}

void Runner::take_packet(const std::string& packet, int64_t left_at) {
  const Arrival arrival = decode(packet);
  if (arrival.kind == Arrival::Kind::Malformed) print("  > malformed\n");
  if (arrival.kind != Arrival::Kind::Tcp) return;
  const Segment& segment = arrival.segment;
  last_packet_ = packet;
  ++segments_seen_;
  if ((segment.flags & kSyn) != 0 && (!receiver_.has_begun() || receiver_.iss() != segment.seq)) receiver_.begin(segment.seq);
  if (segment.stamps && first_stamp_at_ < 0) {
    first_stamp_at_ = left_at;
    first_stamp_ = segment.stamps->value;
  }
  if (!is_silent_) show_segment(segment, left_at);
  if ((segment.flags & kRst) != 0) return;
  if ((segment.flags & kSyn) != 0) {
    kernel_scale_ = segment.window_scale && script_.window_scale >= 0 ? *segment.window_scale : 0;
    has_scale_ = segment.window_scale.has_value() && script_.window_scale >= 0;
    has_stamps_ = segment.stamps && script_.stamps;
    has_sack_ = segment.may_sack && script_.sack;
    if (segment.cookie && !segment.cookie->empty()) cookie_ = *segment.cookie;
  }
  if (segment.stamps) last_stamp_ = segment.stamps->value;
  if ((segment.flags & kAck) != 0) {
    kernel_ack_ = segment.ack;
    kernel_window_ = (segment.flags & kSyn) != 0 ? segment.window : uint32_t{segment.window} << kernel_scale_;
  }
  receiver_.queue(segment);
}

// As packetdrill writes it; first the time since the step, and since what it last sent that is to be acknowledged. The kernel's
// stamps count milliseconds: they are shown where they do not.
void Runner::show_segment(const Segment& segment, int64_t left_at) {
  const uint32_t seq = segment.seq - receiver_.iss();
  const bool has_ack = (segment.flags & kAck) != 0;
  print("  @%lld/%lld > %s %u:%u(%zu)", static_cast<long long>(left_at - due_), static_cast<long long>(left_at - last_left_at_),
        show_flags(segment.flags).c_str(), seq, seq + static_cast<uint32_t>(segment.payload.size()), segment.payload.size());
  if (has_ack) print(" ack %u", segment.ack - isn_);
  print(" win %u", segment.window);
  if ((segment.flags & kUrg) != 0) print(" urg %u", segment.urgent);
  if (segment.tos != 0) print(" tos %u", segment.tos);
  if (segment.to_port != kRemotePort) print(" to %u", segment.to_port);
  if (segment.mss) print(" mss %u", *segment.mss);
  if (segment.window_scale) print(" wscale %u", *segment.window_scale);
  if (segment.may_sack) print(" sackOK");
  if (segment.stamps) {
    const int64_t off = static_cast<int32_t>(segment.stamps->value - first_stamp_) - (left_at - first_stamp_at_) / 1000;
    print(" TS%s ecr %u", off > 8 || off < -8 ? (" " + std::to_string(off / 16)).c_str() : "",
          segment.stamps->echo == 0 ? 0 : segment.stamps->echo - 100'000);
  }
  for (const auto& [begin, end] : segment.sacks) print(" sack %u:%u", begin - isn_, end - isn_);
  if (segment.cookie) print(" FO %zu", segment.cookie->size());
  if (segment.payload != pattern(segment.seq - receiver_.iss(), static_cast<uint32_t>(segment.payload.size())))
    print(" other bytes");
  print("\n");
  if (segment.length() != 0) last_left_at_ = left_at;
}

// What either end sends at a place of its stream.
std::string Runner::pattern(uint32_t seq, uint32_t size) const {
  std::string bytes(size, '\0');
  for (uint32_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((seq + i) * 7 + (seq + i) / 251);
  return bytes;
}

}  // namespace peer
