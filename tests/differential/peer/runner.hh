// Runner: plays a script to a kernel and writes down what it sees: every segment that leaves, and what the application is told.
#pragma once

#include <cstdarg>
#include <map>
#include <set>
#include <string>

#include "stack/tcp/info.hh"
#include "tests/differential/peer/kernel.hh"
#include "tests/differential/peer/receiver.hh"
#include "tests/differential/peer/script.hh"
#include "tests/differential/peer/wire.hh"

namespace peer {

struct Play {
  std::set<int> only;  // of the steps; empty: all
  // Steps that come before what a timer does less than so many microseconds before them, where time is simulated.
  std::map<int, int64_t> first;
  int stretch = 1000;  // permille: every gap is so much longer
};

class Runner {
 public:
  Runner(Kernel& kernel, const Script& script, std::string& log) : kernel_(kernel), script_(script), log_(log) {}

  void run(const Play& play);

 private:
  void print(const char* format, ...) __attribute__((format(printf, 2, 3)));

  // ---- runner.cc: time
  void hurry(const Play& play, int index);
  void run_step(int index, const Step& step);
  void pause(int millis);
  void wait_until(int64_t when);
  void take_packet(const std::string& packet, int64_t left_at);
  void show_segment(const Segment& segment, int64_t left_at);

  // ---- runner_application.cc
  void call_step(const Step& step);
  void open_socket();
  void listen(const Step& step);
  void connect(const Step& step);
  void accept();
  void write(const Step& step);
  void read(const Step& step);
  void set_option(int level, int name, int value);
  void show_result(const char* what, int64_t result);
  void observe();
  void show_state();
  void show_info(const lxnet::TcpInfo& info, socklen_t size);
  void show_measures();

  // ---- runner_peer.cc
  void peer_step(const Step& step);
  Segment bare() const;
  Segment bare_ack() const;
  void send(Segment segment);
  void send_error(const Step& step);
  void send_syn(const Step& step);
  void send_syn_ack(const Step& step);
  void send_acks(uint32_t lost, int stride, int flags);
  void send_sacks(const Step& step);
  void send_data(const Step& step);
  void send_raw(const Step& step);
  void bulk(const Step& step);
  uint32_t ack_base(int base) const;
  uint32_t clock() const { return 100'000 + static_cast<uint32_t>(due_ / 1000); }
  std::string pattern(uint32_t seq, uint32_t size) const;

  Kernel& kernel_;
  const Script& script_;
  std::string& log_;
  int stretch_ = 1000;
  int64_t due_ = 0;    // when the step that is under way was to begin, in microseconds
  int64_t hurry_ = 0;  // by how much a pause of this step comes before a timer
  bool is_silent_ = false;

  // The application.
  int64_t listener_ = -1, socket_ = -1;
  std::vector<Step> options_;  // what was asked for before there was a socket
  uint32_t written_ = 0;
  int polled_ = -1;
  std::string state_;
  lxnet::TcpInfo info_{};
  uint32_t memory_[9] = {};

  // The peer.
  Receiver receiver_;
  uint32_t isn_ = 0, kernel_ack_ = 0, kernel_window_ = 0;
  uint8_t kernel_scale_ = 0;
  bool has_stamps_ = false, has_sack_ = false, has_scale_ = false;
  uint32_t last_stamp_ = 0, first_stamp_ = 0;
  int64_t first_stamp_at_ = -1, last_left_at_ = 0;
  int stamping_ = 0, window_ = 0;
  int segments_seen_ = 0;
  std::string last_packet_, cookie_;
};

}  // namespace peer
