// TcpOptionCalls: the IPPROTO_TCP options that do something when they are set, or that are looked up when they are read. Ranges
// that are the value's alone are checked by whoever decodes it; what depends on the connection is decided here.
#pragma once

#include "stack/socket_diagnosis.hh"
#include "stack/tcp/fast_open/keys.hh"
#include "stack/tcp/info.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

class TcpOptionCalls {
 public:
  static Result<> set_no_delay(Entry& entry, TcpSocket& socket, int value);
  static Result<> set_cork(Entry& entry, TcpSocket& socket, int value);
  static Result<> set_quick_ack(Entry& entry, TcpSocket& socket, int value);
  static Result<int> quick_ack(Entry& entry, TcpSocket& socket);
  static Result<> set_max_segment(Entry& entry, TcpSocket& socket, int value);
  static Result<int> max_segment(Entry& entry, TcpSocket& socket);
  static Result<> set_keep_idle(Entry& entry, TcpSocket& socket, int seconds);
  static Result<> set_window_clamp(Entry& entry, TcpSocket& socket, int value);
  static Result<int> window_clamp(Entry& entry, TcpSocket& socket);
  static Result<> set_defer_accept(Entry& entry, TcpSocket& socket, int seconds);
  static Result<int> defer_accept(Entry& entry, TcpSocket& socket);
  static Result<> set_not_sent_low_water(Entry& entry, TcpSocket& socket, int value);
  // SO_RCVLOWAT: the buffer must be able to hold so much.
  static void make_room_for_low_water(Entry& entry, TcpSocket& socket);
  static Result<> set_rto_bounds(Entry& entry, TcpSocket& socket, Duration least, Duration most);
  static Result<> set_transmit_delay(Entry& entry, TcpSocket& socket, int micros);
  static Result<int> timestamp(Entry& entry, TcpSocket& socket);
  // The peer has said its last, and all of it has been read or not (Linux's SOCK_DONE).
  static bool has_seen_end(Entry& entry, TcpSocket& socket);
  // ENOENT; EPERM for one that the tunables do not allow everybody.
  static Result<> set_congestion(Entry& entry, TcpSocket& socket, std::span<const char> name);
  static const char* congestion(Entry& entry, TcpSocket& socket);
  // Linux's union tcp_cc_info: its size, 0 when the algorithm tells nothing.
  static size_t congestion_info(Entry& entry, TcpSocket& socket, std::span<uint8_t, CongestionAlgorithm::kMaxInfo> out);
  // An empty key: none any more (ENOENT where there was none).
  static Result<> set_md5_key(Entry& entry, TcpSocket& socket, const IpAddress& peer, uint8_t prefix, ByteSpan key);
  // What the SYN's headers were, once: EINVAL and the size that is needed when `room` is less.
  static Result<> take_saved_syn(Entry& entry, TcpSocket& socket, size_t room, SavedSyn& out, size_t& size);

  // repair.cc
  struct RepairWindow {
    uint32_t snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup;  // Linux's struct tcp_repair_window
  };
  // EPERM: without CAP_NET_ADMIN, or a listener.
  static Result<> may_repair(Entry& entry, TcpSocket& socket);
  static Result<> set_repair(Entry& entry, TcpSocket& socket, int value);
  static Result<int> repair(Entry& entry, TcpSocket& socket);
  static Result<> set_repair_queue(Entry& entry, TcpSocket& socket, int value);
  static Result<int> repair_queue(Entry& entry, TcpSocket& socket);
  static Result<> set_queue_seq(Entry& entry, TcpSocket& socket, int value);
  static Result<int> queue_seq(Entry& entry, TcpSocket& socket);
  static Result<> may_set_repair_options(Entry& entry, TcpSocket& socket);
  static Result<> set_repair_option(Entry& entry, TcpSocket& socket, uint32_t code, uint32_t value);
  static Result<> set_timestamp(Entry& entry, TcpSocket& socket, int value);
  static Result<> set_repair_window(Entry& entry, TcpSocket& socket, const RepairWindow& window);
  static RepairWindow repair_window(Entry& entry, TcpSocket& socket);
  static bool is_in_repair(Entry& entry, TcpSocket& socket);

  // fast_open/option_calls.cc
  static Result<> set_fast_open(Entry& entry, TcpSocket& socket, int limit);
  static Result<int> fast_open(Entry& entry, TcpSocket& socket);
  static Result<> set_fast_open_connect(Entry& entry, TcpSocket& socket, int value);
  static Result<> set_fast_open_no_cookie(Entry& entry, TcpSocket& socket, int value);
  static Result<> set_fast_open_keys(Entry& entry, TcpSocket& socket, const FastOpenKeys& keys);
  static FastOpenKeys fast_open_keys(Entry& entry, TcpSocket& socket);
  // Of a socket whose lock is owned.
  static uint32_t fast_open_limit_owned(TcpSocket& socket);
  static Result<> set_fast_open_limit_owned(TcpSocket& socket, uint32_t limit);
  static TcpInfo info(Entry& entry, TcpSocket& socket);

  // diagnosis.cc
  static SocketDiagnosis diagnose(Entry& entry, TcpSocket& socket);
  // SOCK_DESTROY: an administrator ends it. ENOENT: it is closed already.
  static Result<> abort(Entry& entry, TcpSocket& socket);
  struct Md5KeyCopy {
    IpAddress address;
    uint8_t prefix, size;
    uint8_t bytes[Md5Key::kMaxSize];
  };
  // How many there are; as many as there is room for are copied.
  static size_t copy_md5_keys(Entry& entry, TcpSocket& socket, std::span<Md5KeyCopy> out);
  // owned
  static TcpInfo info_owned(const TcpSocket& socket, Instant now);

 private:
  static void fill_timer(SocketDiagnosis& told, const TcpSocket& socket, Instant now);
  static void fill_state(TcpInfo& info, const TcpSocket& socket, Instant now);
  static void fill_counters(TcpInfo& info, const TcpSocket& socket, Instant now);
};

}  // namespace lxnet
