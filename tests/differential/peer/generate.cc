#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/differential/peer/script.hh"
#include "tests/differential/peer/wire.hh"
#include "tests/differential/walk/choice.hh"

namespace peer {
namespace {

using Kind = Step::Kind;
using walk::Choice;

// What most of a script is about.
enum class Theme : uint8_t { Sending, Receiving, Mixed, Closing, Handshake, Bulk };

class Generator {
 public:
  explicit Generator(uint64_t seed) : seed_(seed), choice_(seed) {}

  Script generate() {
    choose_opening();
    open();
    const int steps = theme_ == Theme::Bulk ? 4 + choice_.below(6) : 12 + choice_.below(30);
    for (int i = 0; i < steps && millis_ < kLongest; ++i) step();
    if (!choice_.one_in(3)) end();
    // By numbers of their own: what else a seed says does not change with them.
    Choice apart(seed_ ^ 0x6b6e696c);
    script_.family = apart.of({Family::Inet, Family::Inet, Family::Inet6, Family::Inet6, Family::Mapped});
    if (apart.one_in(8)) choose_bbr();
    return std::move(script_);
  }

 private:
  int gap() {
    if (choice_.one_in(40)) return choice_.of({900, 1777, 3300});
    if (choice_.one_in(9)) return choice_.of({233, 277, 320, 450, 666});
    if (choice_.one_in(3)) return choice_.of({55, 77, 111, 150});
    return choice_.of({12, 14, 17, 21, 26, 33});
  }
  static constexpr int kLongest = 5000;  // milliseconds

  void add(Kind kind, int a = 0, int b = 0, int c = 0, int d = 0, int e = 0, int f = 0) {
    script_.steps.push_back(Step{.kind = kind, .gap = gap(), .a = a, .b = b, .c = c, .d = d, .e = e, .f = f});
    millis_ += script_.steps.back().gap + (kind == Kind::Bulk ? a * b : 0);
  }
  void at_once() { script_.steps.back().gap = 0; }
  void tunable(const char* name, const std::string& value) {
    script_.tunables.emplace_back(std::string("net.ipv4.") + name, value);
  }

  // ---- before the connection

  void choose_opening() {
    theme_ = choice_.of({Theme::Sending, Theme::Sending, Theme::Sending, Theme::Receiving, Theme::Receiving, Theme::Mixed,
                         Theme::Closing, Theme::Handshake, Theme::Bulk});
    is_passive_ = !choice_.one_in(3);
    script_.isn = choice_.of<uint32_t>({0, 1000, 0xfffff000, 0x7fffe000});
    script_.mss = choice_.of<uint16_t>({1460, 1460, 1000, 1000, 536, 200, 1400, 9000});
    script_.window_scale = choice_.of({-1, 0, 2, 7, 7, 7, 14});
    script_.stamps = !choice_.one_in(3);
    script_.sack = !choice_.one_in(4);
    script_.ecn = choice_.one_in(5);
    if (theme_ == Theme::Bulk) script_.window_scale = 7;
    script_.window = script_.window_scale > 4 ? choice_.of({500, 1000, 65535 >> 2}) : choice_.of({32768, 65535, 5000});
    is_cubic_ = choice_.one_in(2);
    script_.is_summary = theme_ == Theme::Bulk && is_cubic_;
    choose_tunables();
  }

  void choose_tunables() {
    tunable("tcp_congestion_control", "reno");
    tunable("tcp_rmem", "4096 131072 6291456");
    tunable("tcp_wmem", "4096 262144 4194304");
    tunable("tcp_no_metrics_save", "1");
    tunable("tcp_fastopen", theme_ == Theme::Handshake ? "1543" : "1");
    tunable("tcp_ecn", script_.ecn ? "1" : "2");
    constexpr struct {
      const char* name;
      const char* values[3];
    } kRare[] = {{"tcp_slow_start_after_idle", {"0", "0", "0"}},
                 {"tcp_recovery", {"0", "2", "4"}},
                 {"tcp_early_retrans", {"0", "4", "0"}},
                 {"tcp_frto", {"0", "1", "0"}},
                 {"tcp_sack", {"0", "0", "0"}},
                 {"tcp_dsack", {"0", "0", "0"}},
                 {"tcp_timestamps", {"0", "0", "2"}},
                 {"tcp_window_scaling", {"0", "0", "0"}},
                 {"tcp_retrans_collapse", {"0", "0", "0"}},
                 {"tcp_moderate_rcvbuf", {"0", "0", "0"}},
                 {"tcp_shrink_window", {"1", "1", "1"}},
                 {"tcp_reordering", {"1", "5", "10"}},
                 {"tcp_thin_linear_timeouts", {"1", "1", "1"}},
                 {"tcp_comp_sack_nr", {"0", "3", "100"}},
                 {"tcp_abort_on_overflow", {"1", "1", "1"}},
                 {"tcp_retries2", {"2", "3", "1"}},
                 {"tcp_orphan_retries", {"1", "2", "3"}},
                 {"tcp_fin_timeout", {"1", "2", "1"}},
                 {"tcp_adv_win_scale", {"1", "2", "-2"}},
                 {"tcp_app_win", {"0", "4", "31"}},
                 {"tcp_limit_output_bytes", {"1000000", "262144", "4194304"}},
                 {"tcp_mtu_probing", {"1", "2", "2"}},
                 {"tcp_rfc1337", {"1", "1", "1"}},
                 {"tcp_stdurg", {"1", "1", "1"}},
                 {"tcp_syncookies", {"0", "2", "2"}},
                 {"tcp_min_tso_segs", {"1", "4", "8"}},
                 {"tcp_pingpong_thresh", {"1", "2", "3"}},
                 {"tcp_notsent_lowat", {"1000", "20000", "100000"}}};
    for (const auto& [name, values] : kRare) {
      if (choice_.one_in(30)) tunable(name, values[choice_.below(3)]);
    }
  }

  // What it does follows from times, as CUBIC's long transfers do.
  void choose_bbr() {
    constexpr int kBbr = 2;
    for (Step& step : script_.steps) {
      if (step.kind == Kind::Congestion) step.a = kBbr;
    }
    script_.steps.insert(script_.steps.begin(), Step{.kind = Kind::Congestion, .gap = 12, .a = kBbr});
    script_.is_summary = theme_ == Theme::Bulk;
  }

  void rare_options() {
    if (is_cubic_) add(Kind::Congestion, 1);
    if (theme_ == Theme::Bulk) return;
    if (choice_.one_in(4)) add(Kind::Option, SOL_SOCKET, SO_RCVBUF, choice_.of({1, 4000, 10000, 40000, 100000}));
    if (choice_.one_in(5)) add(Kind::Option, SOL_SOCKET, SO_SNDBUF, choice_.of({1, 5000, 20000, 60000}));
    if (choice_.one_in(8)) add(Kind::Option, IPPROTO_TCP, TCP_MAXSEG, choice_.of({300, 536, 1000}));
    if (choice_.one_in(12)) add(Kind::Option, IPPROTO_TCP, TCP_WINDOW_CLAMP, choice_.of({2000, 10000, 70000}));
    if (choice_.one_in(10)) add(Kind::Option, IPPROTO_TCP, TCP_DEFER_ACCEPT, choice_.of({1, 3}));
    if (choice_.one_in(3)) option();
  }

  void open() {
    if (is_passive_) {
      rare_options();
      add(Kind::Listen);
      add(Kind::Syn, theme_ == Theme::Handshake && choice_.one_in(2) ? choice_.of({0, 100, 1000, 3000}) : 0,
          theme_ == Theme::Handshake && choice_.one_in(2));
      disturb();
      add(Kind::AckAt, Step::kNext);
      if (choice_.one_in(6)) data();
      add(Kind::Accept);
      at_once();
    } else {
      rare_options();
      add(Kind::Connect, theme_ == Theme::Handshake && choice_.one_in(2) ? choice_.of({100, 1000, 5000}) : -1);
      disturb();
      add(Kind::SynAck, theme_ == Theme::Handshake && choice_.one_in(4) ? choice_.of({100, 1000}) : 0, choice_.one_in(3));
    }
  }

  // Between the steps of a handshake.
  void disturb() {
    if (theme_ != Theme::Handshake) return;
    for (int i = choice_.below(4); i > 0; --i) {
      if (choice_.one_in(3)) {
        add(Kind::Syn, 0, 0, choice_.of({0, 0, 1, 5000}));
      } else if (choice_.one_in(3)) {
        add(Kind::Wait);
      } else if (choice_.one_in(5)) {
        icmp();
      } else {
        raw();
      }
    }
  }

  // ---- what happens then

  void step() {
    if (choice_.one_in(12)) return option();
    if (choice_.one_in(14)) return add(Kind::Info);
    switch (theme_) {
      case Theme::Sending:
        return choice_.one_in(8) ? receiving() : sending();
      case Theme::Receiving:
        return choice_.one_in(8) ? sending() : receiving();
      case Theme::Mixed:
      case Theme::Handshake:
        return choice_.one_in(2) ? sending() : receiving();
      case Theme::Closing:
        return choice_.one_in(4) ? closing() : choice_.one_in(2) ? sending() : receiving();
      case Theme::Bulk:
        return bulk();
    }
  }

  int loss() {
    if (choice_.one_in(2)) return 0;
    if (choice_.one_in(3)) return 1 << choice_.below(6);
    return static_cast<int>(choice_.next() & choice_.next() & 0xffff);
  }
  int mark() { return script_.ecn && choice_.one_in(4) ? kEce : 0; }

  void sending() {
    const int roll = choice_.below(100);
    if (roll < 30) return write();
    if (roll < 70) return add(Kind::Acks, loss(), choice_.of({1, 1, 2, 2, 5, 100}), mark());
    if (roll < 75)
      return add(Kind::AckAt, choice_.of({Step::kNext, Step::kSent, Step::kAcked}), choice_.of({0, 1, -1, 100, 1000, -700}),
                 mark());
    if (roll < 79) return add(Kind::Duplicates, choice_.of({1, 1, 2, 3, 4, 7}));
    if (roll < 84) return add(Kind::Sacks, choice_.below(4), 1 + choice_.below(4), choice_.of({0, 0, 1, 2}), choice_.one_in(4));
    if (roll < 86) return add(Kind::Renege);
    if (roll < 91) return window();
    if (roll < 93) return add(Kind::Stamp, choice_.of({0, 0, 0, 1, 2, 3, 4}));
    if (roll < 94) return icmp();
    if (roll < 96) return raw();
    return add(Kind::Wait);
  }

  void write() {
    const int size = choice_.of({1, 10, 100, 500, 1000, 1448, 1460, 2000, 2896, 4000, 5000, 10000, 20000, 50000});
    add(Kind::Write, size, choice_.one_in(6) ? choice_.of<int>({MSG_MORE, MSG_MORE, MSG_OOB, MSG_EOR}) : 0);
    while (choice_.one_in(3)) {
      add(Kind::Write, choice_.of({1, 100, 700, 1460, 3000}), choice_.one_in(5) ? int{MSG_MORE} : 0);
      at_once();
    }
  }

  void window() {
    const int top = script_.window;
    add(Kind::Window, choice_.of({0, 0, 1, 5, top / 10, top / 4, top, top, top}), !choice_.one_in(4));
  }

  void receiving() {
    const int roll = choice_.below(100);
    if (roll < 62) return data();
    if (roll < 85) return read();
    if (roll < 88) return raw();
    if (roll < 90) return add(Kind::Stamp, choice_.of({0, 0, 0, 1, 2, 4}));
    if (roll < 93) return add(Kind::Acks, 0, 2, mark());
    return add(Kind::Wait);
  }

  void data() {
    const int full = script_.mss < 1460 ? script_.mss : 1448;
    const int size = choice_.of({full, full, full, full, 1, 10, 100, 300, full / 2, 0});
    int offset = 0;
    if (choice_.one_in(3)) {
      const int segments = choice_.of({1, 1, 2, 3, 4, 6, 8, -1, -1, -2});
      offset = segments * full + choice_.of({0, 0, 0, 0, 1, -1, 100, -100, full / 2});
    } else if (choice_.one_in(12)) {
      offset = choice_.of({-1, 1, 30000, 65536, 100000, -100000});
    }
    int flags = choice_.one_in(3) ? kAck | kPsh : kAck;
    if (choice_.one_in(40)) flags |= kFin;
    if (choice_.one_in(25)) flags |= kUrg;
    if (script_.ecn && choice_.one_in(6)) flags |= choice_.of<int>({kCwr, kEce});
    add(Kind::Data, offset, size, flags, script_.ecn && choice_.one_in(3) ? choice_.of({3, 2, 2}) : 0,
        choice_.of({1, 1, 2, 100, 2000}));
    // Bursts, of which some is lost or comes twice.
    while (offset == 0 && choice_.one_in(2)) {
      add(Kind::Data, choice_.one_in(5) ? choice_.of({full, -full, 2 * full}) : 0, full, kAck);
      at_once();
    }
  }

  void read() {
    const int flags = choice_.one_in(6) ? choice_.of<int>({MSG_PEEK, MSG_OOB, MSG_TRUNC, MSG_OOB | MSG_PEEK}) : 0;
    add(Kind::Read, choice_.of({1, 100, 1000, 3000, 10000, 100000, 100000}), flags);
  }

  void raw() {
    const int flags = choice_.of<int>({kRst, kRst | kAck, kFin | kAck, kSyn, kSyn | kAck, kAck, kAck, 0, kPsh | kUrg | kAck, kFin,
                                       kEce | kAck, kSyn | kFin, kFin | kPsh | kAck, kRst | kSyn});
    const int beyond = choice_.of({0, 0, 0, 0, 1, -1, 100, -100, 1000, 70000, -70000, 1 << 30});
    add(Kind::Raw, flags, choice_.of<int>({Step::kNext, Step::kNext, Step::kWindowEnd, Step::kStart}), beyond,
        choice_.of<int>({Step::kNext, Step::kNext, Step::kSent, Step::kAcked, Step::kStart}),
        choice_.of({0, 0, 0, 1, -1, 1000, -1000, 1 << 30}), choice_.of({0, 0, 0, 1, 100}));
  }

  void icmp() {
    if (choice_.one_in(2)) return add(Kind::Icmp, 3, 4, choice_.of({1400, 1000, 600, 576, 68, 0, 1500}));
    add(Kind::Icmp, 3, choice_.of({0, 1, 2, 3, 5, 13}), 0);
  }

  void closing() {
    const int roll = choice_.below(10);
    if (roll < 3) return add(Kind::Shutdown, choice_.of<int>({SHUT_WR, SHUT_WR, SHUT_RD, SHUT_RDWR}));
    if (roll < 5) return add(Kind::Close);
    if (roll < 7) return add(Kind::Data, 0, choice_.of({0, 0, 100, 1000}), kFin | kAck);
    if (roll < 8) return add(Kind::Linger, choice_.one_in(2), choice_.of({0, 0, 1}));
    if (roll < 9) return raw();
    add(Kind::Syn, 0, 0, choice_.of({1, 100, 100000, -100000}));
  }

  // A transfer, round after round.
  void bulk() {
    const int rounds = choice_.of({4, 8, 12, 20, 30});
    const int lost = choice_.one_in(3)   ? 0
                     : choice_.one_in(2) ? 1 << choice_.below(8)
                                         : static_cast<int>(choice_.next() & choice_.next() & 0xfff);
    add(Kind::Bulk, rounds, choice_.of({15, 20, 33, 50, 100}), lost, choice_.below(rounds), choice_.of({1, 1, 2, 2, 4}));
    if (choice_.one_in(4)) add(Kind::Wait);
  }

  void end() {
    for (int i = 2 + choice_.below(6); i > 0; --i) {
      if (choice_.one_in(3)) {
        closing();
      } else if (choice_.one_in(2)) {
        add(Kind::Acks, choice_.one_in(4) ? loss() : 0, choice_.of({1, 2}));
      } else {
        step();
      }
    }
  }

  void option() {
    const auto tcp = [this](int name, int value) { add(Kind::Option, IPPROTO_TCP, name, value); };
    switch (choice_.below(14)) {
      case 0:
      case 1:
        return tcp(TCP_NODELAY, choice_.below(2));
      case 2:
      case 3:
        return tcp(TCP_CORK, choice_.below(2));
      case 4:
        return tcp(TCP_QUICKACK, choice_.below(2));
      case 5:
        return tcp(TCP_USER_TIMEOUT, choice_.of({100, 500, 1000, 3000}));
      case 6:
        tcp(TCP_KEEPIDLE, 1);
        tcp(TCP_KEEPINTVL, 1);
        tcp(TCP_KEEPCNT, choice_.of({1, 2}));
        return add(Kind::Option, SOL_SOCKET, SO_KEEPALIVE, 1);
      case 7:
        return add(Kind::Option, SOL_SOCKET, SO_RCVBUF, choice_.of({1, 5000, 20000, 200000}));
      case 8:
        return add(Kind::Option, SOL_SOCKET, SO_SNDBUF, choice_.of({1, 5000, 20000, 200000}));
      case 9:
        return tcp(TCP_NOTSENT_LOWAT, choice_.of({1, 1000, 100000}));
      case 10:
        return add(Kind::Option, SOL_SOCKET, choice_.of<int>({SO_OOBINLINE, SO_RCVLOWAT}), choice_.of({1, 2000}));
      case 11:
        return add(Kind::Congestion, choice_.below(2));
      case 12:
        return tcp(choice_.of<int>({TCP_WINDOW_CLAMP, TCP_LINGER2, TCP_SYNCNT, TCP_THIN_LINEAR_TIMEOUTS}),
                   choice_.of({1, 2, 3000}));
      default:
        return add(Kind::Option, SOL_SOCKET, SO_RCVLOWAT, choice_.of({1, 100, 5000}));
    }
  }

  const uint64_t seed_;
  Choice choice_;
  Script script_;
  Theme theme_ = Theme::Mixed;
  bool is_passive_ = true, is_cubic_ = false;
  int millis_ = 0;
};

}  // namespace

Script generate(uint64_t seed) { return Generator(seed).generate(); }

std::string show_opening(const Script& script) {
  constexpr const char* kFamilies[] = {"ipv4", "ipv6", "ipv4 mapped"};
  std::string text = std::string(kFamilies[static_cast<size_t>(script.family)]) + ", isn " + std::to_string(script.isn) +
                     ", mss " + std::to_string(script.mss) + ", wscale " + std::to_string(script.window_scale) +
                     (script.stamps ? ", TS" : "") + (script.sack ? ", sackOK" : "") + (script.ecn ? ", ecn" : "") + ", win " +
                     std::to_string(script.window);
  for (const auto& [name, value] : script.tunables) text += " " + name + "=\"" + value + "\"";
  return text;
}

}  // namespace peer
