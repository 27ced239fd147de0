#include "tests/conformance/epoll/scenes.hh"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include <csignal>
#include <vector>

namespace conformance {
namespace {

constexpr uint32_t kIn = EPOLLIN | EPOLLRDNORM;
constexpr uint32_t kOut = EPOLLOUT | EPOLLWRNORM;
constexpr uint32_t kOutBand = kOut | EPOLLWRBAND;  // what datagram and local sockets say
constexpr uint32_t kEnd = EPOLLRDHUP;
constexpr uint32_t kHangUp = EPOLLHUP;
constexpr uint32_t kError = EPOLLERR;

void set_nonblocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

// ---- scenes

template <int Family>
Fd tcp_listener() {
  Fd listener(::socket(Family, SOCK_STREAM, 0));
  if (Family == AF_INET) {
    bind_to(listener, loopback4());
  } else {
    bind_to(listener, loopback6());
  }
  ::listen(listener, 8);
  return listener;
}

long connect_like(int fd, int listener) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size);
  return answer(::connect(fd, reinterpret_cast<sockaddr*>(&name), size));
}

template <int Family>
Scene tcp_connected() {
  Fd listener = tcp_listener<Family>();
  Fd client(::socket(Family, SOCK_STREAM, 0));
  connect_like(client, listener);
  Fd server(::accept(listener, nullptr, nullptr));
  return {std::move(client), std::move(server), std::move(listener)};
}

template <int Family>
Scene tcp_listening() {
  Fd listener = tcp_listener<Family>();
  return {std::move(listener), Fd(::socket(Family, SOCK_STREAM, 0)), Fd()};
}

template <int Family>
Scene tcp_fresh() {
  return {Fd(::socket(Family, SOCK_STREAM | SOCK_NONBLOCK, 0)), tcp_listener<Family>(), Fd()};
}

// A client whose handshake nobody answers: the listener's queue is full.
Scene tcp_connecting() {
  Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  bind_to(listener, loopback4());
  ::listen(listener, 0);
  Fd filler(::socket(AF_INET, SOCK_STREAM, 0));
  connect_like(filler, listener);
  Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  connect_like(client, listener);
  return {std::move(client), std::move(listener), std::move(filler)};
}

template <int Family>
Scene udp_connected() {
  Fd a(::socket(Family, SOCK_DGRAM, 0)), b(::socket(Family, SOCK_DGRAM, 0));
  if (Family == AF_INET) {
    bind_to(a, loopback4());
    bind_to(b, loopback4());
  } else {
    bind_to(a, loopback6());
    bind_to(b, loopback6());
  }
  connect_like(a, b);
  connect_like(b, a);
  return {std::move(a), std::move(b), Fd()};
}

template <int Type>
Scene local_pair() {
  int ends[2];
  ::socketpair(AF_UNIX, Type, 0, ends);
  return {Fd(ends[0]), Fd(ends[1]), Fd()};
}

template <int Type>
Scene local_listening() {
  Fd listener(::socket(AF_UNIX, Type, 0));
  const sa_family_t unnamed = AF_UNIX;
  ::bind(listener, reinterpret_cast<const sockaddr*>(&unnamed), sizeof unnamed);  // an abstract name of the kernel's choice
  ::listen(listener, 8);
  return {std::move(listener), Fd(::socket(AF_UNIX, Type, 0)), Fd()};
}

template <int Type>
Scene local_fresh() {
  return {Fd(::socket(AF_UNIX, Type, 0)), Fd(), Fd()};
}

enum class End { Read, Write };
template <End Watched>
Scene pipe_scene() {
  int ends[2];
  ::pipe(ends);
  Fd read_end(ends[0]), write_end(ends[1]);
  set_nonblocking(write_end);
  if (Watched == End::Read) return {std::move(read_end), std::move(write_end), Fd()};
  return {std::move(write_end), std::move(read_end), Fd()};
}

Scene event_counter() { return {Fd(::eventfd(0, EFD_NONBLOCK)), Fd(), Fd()}; }
Scene timer() { return {Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK)), Fd(), Fd()}; }

// None of an earlier scene waits.
Scene signal_file() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGUSR2);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  const timespec none{};
  while (::sigtimedwait(&signals, nullptr, &none) > 0) continue;
  return {Fd(::signalfd(-1, &signals, SFD_NONBLOCK)), Fd(), Fd()};
}
void signal_is_sent(Scene&) { ::kill(::getpid(), SIGUSR2); }
Scene with_signal() {
  Scene scene = signal_file();
  signal_is_sent(scene);
  return scene;
}
void signal_is_read(Scene& scene) {
  signalfd_siginfo info;
  ::read(scene.watched, &info, sizeof info);
}

Scene watched_file() {
  char name[] = "/tmp/lxnet-watched-XXXXXX";
  Scene scene{Fd(::inotify_init1(IN_NONBLOCK)), Fd(::mkstemp(name)), Fd()};
  ::inotify_add_watch(scene.watched, name, IN_MODIFY);
  ::unlink(name);
  return scene;
}

Scene terminal() {
  Fd main_side(::posix_openpt(O_RDWR | O_NOCTTY));
  ::grantpt(main_side);
  ::unlockpt(main_side);
  return {Fd(::open(::ptsname(main_side), O_RDWR | O_NOCTTY)), std::move(main_side), Fd()};
}

// A set that watches one end of a pair; the other end is the peer.
Scene nested_set() {
  Scene pair = local_pair<SOCK_STREAM>();
  Fd set(::epoll_create1(0));
  epoll_event event{};
  event.events = EPOLLIN;
  ::epoll_ctl(set, EPOLL_CTL_ADD, pair.watched, &event);
  return {std::move(set), std::move(pair.peer), std::move(pair.watched)};
}

template <Scene Make()>
Scene full() {
  Scene scene = Make();
  static const char bytes[4096] = {};
  set_nonblocking(scene.watched);
  while (::write(scene.watched, bytes, sizeof bytes) > 0) {
  }
  while (::write(scene.watched, bytes, 1) > 0) {
  }
  return scene;
}

template <Scene Make()>
Scene with_data() {
  Scene scene = Make();
  ::send(scene.peer, "x", 1, 0);
  return scene;
}

// ---- what happens

void await(int fd, short events) { poll_now(fd, events, -1); }

void peer_sends(Scene& scene) { ::write(scene.peer, "x", 1); }
void peer_sends_urgent(Scene& scene) { ::send(scene.peer, "u", 1, MSG_OOB); }
void peer_shuts_writing(Scene& scene) { ::shutdown(scene.peer, SHUT_WR); }
void peer_shuts_reading(Scene& scene) { ::shutdown(scene.peer, SHUT_RD); }
void peer_shuts_both(Scene& scene) { ::shutdown(scene.peer, SHUT_RDWR); }
void peer_closes(Scene& scene) { scene.peer.reset(); }
void peer_resets(Scene& scene) {
  const linger abort{1, 0};
  ::setsockopt(scene.peer, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  scene.peer.reset();
}
void peer_closes_unread(Scene& scene) {
  ::send(scene.watched, "x", 1, 0);
  scene.peer.reset();
}
void own_shuts_writing(Scene& scene) { ::shutdown(scene.watched, SHUT_WR); }
void own_shuts_reading(Scene& scene) { ::shutdown(scene.watched, SHUT_RD); }
void own_shuts_both(Scene& scene) { ::shutdown(scene.watched, SHUT_RDWR); }
void both_shut_writing(Scene& scene) {
  ::shutdown(scene.watched, SHUT_WR);
  ::shutdown(scene.peer, SHUT_WR);
}
void peer_connects(Scene& scene) { connect_like(scene.peer, scene.watched); }
void own_connects(Scene& scene) { connect_like(scene.watched, scene.peer); }
void own_listens(Scene& scene) { ::listen(scene.watched, 1); }
void own_is_refused(Scene& scene) {
  sockaddr_in name = name_of(scene.peer);
  scene.peer.reset();
  connect_to(scene.watched, name);
}
void own_reads(Scene& scene) {
  char bytes[16];
  ::read(scene.watched, bytes, sizeof bytes);
}
void peer_reads_all(Scene& scene) {
  static char bytes[65536];
  set_nonblocking(scene.peer);
  // A stream's sender may still hold bytes that did not fit: until nothing comes any more.
  for (int silent = 0; silent < 3;) silent = ::read(scene.peer, bytes, sizeof bytes) > 0 ? 0 : silent + 1;
}
void own_sends_to_nobody(Scene& scene) {
  scene.peer.reset();
  ::send(scene.watched, "x", 1, 0);
}
void counter_rises(Scene& scene) {
  const uint64_t one = 1;
  ::write(scene.watched, &one, sizeof one);
}
void counter_is_full(Scene& scene) {
  const uint64_t most = UINT64_MAX - 1;
  ::write(scene.watched, &most, sizeof most);
}
void timer_expires(Scene& scene) {
  itimerspec now{};
  now.it_value.tv_nsec = 1;
  ::timerfd_settime(scene.watched, 0, &now, nullptr);
  await(scene.watched, POLLIN);
}
void line_is_typed(Scene& scene) {
  ::write(scene.peer, "x\n", 2);
  await(scene.watched, POLLIN);  // another thread of the kernel brings it
}

#define SCENE_ROWS_TCP(family, v)                                                                                        \
  {"tcp" v "_data", tcp_connected<family>, peer_sends, kOut, kOut | kIn},                                                \
      {"tcp" v "_urgent", tcp_connected<family>, peer_sends_urgent, kOut, kOut | EPOLLPRI},                              \
      {"tcp" v "_fin", tcp_connected<family>, peer_shuts_writing, kOut, kOut | kIn | kEnd},                              \
      {"tcp" v "_peer_closed", tcp_connected<family>, peer_closes, kOut, kOut | kIn | kEnd},                             \
      {"tcp" v "_reset", tcp_connected<family>, peer_resets, kOut, kOut | kIn | kEnd | kError | kHangUp, Steps::Many},   \
      {"tcp" v "_peer_closed_unread",                                                                                    \
       tcp_connected<family>,                                                                                            \
       peer_closes_unread,                                                                                               \
       kOut,                                                                                                             \
       kOut | kIn | kEnd | kError | kHangUp,                                                                             \
       Steps::Many},                                                                                                     \
      {"tcp" v "_own_shut_wr", tcp_connected<family>, own_shuts_writing, kOut, kOut},                                    \
      {"tcp" v "_own_shut_rd", tcp_connected<family>, own_shuts_reading, kOut, kOut | kIn | kEnd},                       \
      {"tcp" v "_own_shut_both", tcp_connected<family>, own_shuts_both, kOut, kOut | kIn | kEnd | kHangUp, Steps::Many}, \
      {"tcp" v "_both_fin", tcp_connected<family>, both_shut_writing, kOut, kOut | kIn | kEnd | kHangUp, Steps::Many},   \
      {"tcp" v "_peer_shut_rd", tcp_connected<family>, peer_shuts_reading, kOut, kOut},                                  \
      {"tcp" v "_drained", with_data<tcp_connected<family>>, own_reads, kOut | kIn, kOut},                               \
      {"tcp" v "_space", full<tcp_connected<family>>, peer_reads_all, 0, kOut, Steps::Many},                             \
      {"tcp" v "_listener_ready", tcp_listening<family>, peer_connects, 0, kIn},                                         \
      {"tcp" v "_connected", tcp_fresh<family>, own_connects, kOut | kHangUp, kOut}, {                                   \
    "tcp" v "_listens", tcp_fresh<family>, own_listens, kOut | kHangUp, 0                                                \
  }

#define SCENE_ROWS_LOCAL(type, v)                                                                          \
  {v "_data", local_pair<type>, peer_sends, kOutBand, kOutBand | kIn},                                     \
      {v "_fin", local_pair<type>, peer_shuts_writing, kOutBand, kOutBand | kIn | kEnd},                   \
      {v "_peer_shut_rd", local_pair<type>, peer_shuts_reading, kOutBand, kOutBand},                       \
      {v "_peer_shut_both", local_pair<type>, peer_shuts_both, kOutBand, kOutBand | kIn | kEnd | kHangUp}, \
      {v "_peer_closed", local_pair<type>, peer_closes, kOutBand, kOutBand | kIn | kEnd | kHangUp},        \
      {v "_peer_closed_unread",                                                                            \
       local_pair<type>,                                                                                   \
       peer_closes_unread,                                                                                 \
       kOutBand,                                                                                           \
       kOutBand | kIn | kEnd | kHangUp | kError,                                                           \
       Steps::Many},                                                                                       \
      {v "_own_shut_wr", local_pair<type>, own_shuts_writing, kOutBand, kOutBand},                         \
      {v "_own_shut_rd", local_pair<type>, own_shuts_reading, kOutBand, kOutBand | kIn | kEnd},            \
      {v "_own_shut_both", local_pair<type>, own_shuts_both, kOutBand, kOutBand | kIn | kEnd | kHangUp},   \
      {v "_both_fin", local_pair<type>, both_shut_writing, kOutBand, kOutBand | kIn | kEnd | kHangUp},     \
      {v "_drained", with_data<local_pair<type>>, own_reads, kOutBand | kIn, kOutBand},                    \
      {v "_space", full<local_pair<type>>, peer_reads_all, 0, kOutBand, Steps::Many}, {                    \
    v "_listener_ready", local_listening<type>, peer_connects, 0, kIn                                      \
  }

constexpr Transition kTransitions[] = {
    SCENE_ROWS_TCP(AF_INET, "4"),
    {"tcp4_refused", tcp_fresh<AF_INET>, own_is_refused, kOut | kHangUp, kOut | kIn | kEnd | kError | kHangUp, Steps::Many},
    {"tcp4_connecting_shut", tcp_connecting, own_shuts_both, 0, kOut | kError | kHangUp},
    SCENE_ROWS_TCP(AF_INET6, "6"),
    SCENE_ROWS_LOCAL(SOCK_STREAM, "local_stream"),
    {"local_stream_urgent", local_pair<SOCK_STREAM>, peer_sends_urgent, kOutBand, kOutBand | kIn | EPOLLPRI},
    {"local_stream_listens", local_fresh<SOCK_STREAM>, own_listens, kOutBand | kHangUp, kOutBand | kHangUp},
    SCENE_ROWS_LOCAL(SOCK_SEQPACKET, "local_packet"),
    {"local_datagram_data", local_pair<SOCK_DGRAM>, peer_sends, kOutBand, kOutBand | kIn},
    {"local_datagram_drained", with_data<local_pair<SOCK_DGRAM>>, own_reads, kOutBand | kIn, kOutBand},
    {"local_datagram_peer_closed", local_pair<SOCK_DGRAM>, peer_closes, kOutBand, kOutBand},
    {"local_datagram_own_shut_rd", local_pair<SOCK_DGRAM>, own_shuts_reading, kOutBand, kOutBand | kIn | kEnd},
    {"local_datagram_own_shut_both", local_pair<SOCK_DGRAM>, own_shuts_both, kOutBand, kOutBand | kIn | kEnd | kHangUp},
    {"local_datagram_space", full<local_pair<SOCK_DGRAM>>, peer_reads_all, 0, kOutBand, Steps::Many},
    {"udp4_data", udp_connected<AF_INET>, peer_sends, kOutBand, kOutBand | kIn},
    {"udp4_refused", udp_connected<AF_INET>, own_sends_to_nobody, kOutBand, kOutBand | kError},
    {"udp4_own_shut_rd", udp_connected<AF_INET>, own_shuts_reading, kOutBand, kOutBand | kIn | kEnd},
    {"udp4_own_shut_both", udp_connected<AF_INET>, own_shuts_both, kOutBand, kOutBand | kIn | kEnd | kHangUp},
    {"udp4_drained", with_data<udp_connected<AF_INET>>, own_reads, kOutBand | kIn, kOutBand},
    {"udp6_data", udp_connected<AF_INET6>, peer_sends, kOutBand, kOutBand | kIn},
    {"udp6_refused", udp_connected<AF_INET6>, own_sends_to_nobody, kOutBand, kOutBand | kError},
    {"udp6_own_shut_rd", udp_connected<AF_INET6>, own_shuts_reading, kOutBand, kOutBand | kIn | kEnd},
    {"udp6_drained", with_data<udp_connected<AF_INET6>>, own_reads, kOutBand | kIn, kOutBand},
    {"set_ready", nested_set, peer_sends, 0, kIn},
    {"set_peer_closed", nested_set, peer_closes, 0, kIn},
    {"pipe_data", pipe_scene<End::Read>, peer_sends, 0, kIn},
    {"pipe_writers_gone", pipe_scene<End::Read>, peer_closes, 0, kHangUp},
    {"pipe_readers_gone", pipe_scene<End::Write>, peer_closes, kOut, kOut | kError},
    {"pipe_space", full<pipe_scene<End::Write>>, peer_reads_all, 0, kOut, Steps::Many},
    {"eventfd_rises", event_counter, counter_rises, EPOLLOUT, EPOLLOUT | EPOLLIN},
    {"eventfd_full", event_counter, counter_is_full, EPOLLOUT, EPOLLIN},
    {"timerfd_expires", timer, timer_expires, 0, EPOLLIN},
    {"signalfd_signal", signal_file, signal_is_sent, 0, EPOLLIN},
    {"signalfd_read", with_signal, signal_is_read, EPOLLIN, 0},
    {"inotify_event", watched_file, peer_sends, 0, kIn},
    {"terminal_line", terminal, line_is_typed, kOut, kOut | kIn},
};

}  // namespace

std::span<const Transition> transitions() { return kTransitions; }

void settle(const Scene& scene, const Transition& transition) {
  constexpr uint32_t kAll = kIn | kOutBand | EPOLLPRI | EPOLLRDBAND | EPOLLMSG | EPOLLRDHUP;
  while (poll_now(scene.watched, static_cast<short>(kAll)) != transition.after) ::usleep(100);
}

}  // namespace conformance
