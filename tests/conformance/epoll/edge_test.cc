// Which watchers of one event alone hear of each transition, edge-triggered: not more than have the event, and no fewer.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/conformance/epoll/scenes.hh"
#include "tests/conformance/epoll/set.hh"

namespace conformance {
namespace {

// i IN, o OUT, p PRI, h RDHUP, r RDNORM, w WRNORM, b WRBAND, g RDBAND; n: nothing asked, which leaves ERR and HUP.
struct Bit {
  char letter;
  uint32_t event;
};
constexpr Bit kBits[] = {
    {'i', EPOLLIN},     {'o', EPOLLOUT},    {'p', EPOLLPRI},    {'h', EPOLLRDHUP}, {'r', EPOLLRDNORM},
    {'w', EPOLLWRNORM}, {'b', EPOLLWRBAND}, {'g', EPOLLRDBAND}, {'n', 0},
};

// What Linux's wake-ups carry. A state that changed wakes all, whatever they wait for: so the end of a TCP stream is an edge for
// its writers, and the end of a datagram socket's peer is none for anybody.
struct Edges {
  const char* transition;
  const char* heard_by;
};
constexpr Edges kEdges[] = {
    {"tcp4_data", "ir"},
    {"tcp4_urgent", "p"},
    {"tcp4_fin", "iohrw"},
    {"tcp4_peer_closed", "iohrw"},
    {"tcp4_reset", "iophrwbgn"},
    {"tcp4_peer_closed_unread", "iophrwbgn"},
    {"tcp4_own_shut_wr", "ow"},
    {"tcp4_own_shut_rd", "iohrw"},
    {"tcp4_own_shut_both", "iophrwbgn"},
    {"tcp4_both_fin", "iophrwbgn"},
    {"tcp4_peer_shut_rd", ""},
    {"tcp4_drained", ""},
    {"tcp4_space", "ow"},
    {"tcp4_listener_ready", "ir"},
    {"tcp4_connected", "ow"},
    {"tcp4_listens", ""},
    {"tcp4_refused", "iophrwbgn"},
    {"tcp4_connecting_shut", "iophrwbgn"},
    {"tcp6_data", "ir"},
    {"tcp6_urgent", "p"},
    {"tcp6_fin", "iohrw"},
    {"tcp6_peer_closed", "iohrw"},
    {"tcp6_reset", "iophrwbgn"},
    {"tcp6_peer_closed_unread", "iophrwbgn"},
    {"tcp6_own_shut_wr", "ow"},
    {"tcp6_own_shut_rd", "iohrw"},
    {"tcp6_own_shut_both", "iophrwbgn"},
    {"tcp6_both_fin", "iophrwbgn"},
    {"tcp6_peer_shut_rd", ""},
    {"tcp6_drained", ""},
    {"tcp6_space", "ow"},
    {"tcp6_listener_ready", "ir"},
    {"tcp6_connected", "ow"},
    {"tcp6_listens", ""},
    {"local_stream_data", "ir"},
    {"local_stream_fin", "iohrwb"},
    {"local_stream_peer_shut_rd", "owb"},
    {"local_stream_peer_shut_both", "iophrwbgn"},
    {"local_stream_peer_closed", "iophrwbgn"},
    {"local_stream_peer_closed_unread", "iophrwbgn"},
    {"local_stream_own_shut_wr", "owb"},
    {"local_stream_own_shut_rd", "iohrwb"},
    {"local_stream_own_shut_both", "iophrwbgn"},
    {"local_stream_both_fin", "iophrwbgn"},
    {"local_stream_drained", ""},
    {"local_stream_space", "owb"},
    {"local_stream_listener_ready", "ir"},
    {"local_stream_urgent", "ipr"},
    {"local_stream_listens", ""},
    {"local_packet_data", "ir"},
    {"local_packet_fin", "iohrwb"},
    {"local_packet_peer_shut_rd", "owb"},
    {"local_packet_peer_shut_both", "iophrwbgn"},
    {"local_packet_peer_closed", "iophrwbgn"},
    {"local_packet_peer_closed_unread", "iophrwbgn"},
    {"local_packet_own_shut_wr", "owb"},
    {"local_packet_own_shut_rd", "iohrwb"},
    {"local_packet_own_shut_both", "iophrwbgn"},
    {"local_packet_both_fin", "iophrwbgn"},
    {"local_packet_drained", ""},
    {"local_packet_space", "owb"},
    {"local_packet_listener_ready", "ir"},
    {"local_datagram_data", "ir"},
    {"local_datagram_drained", ""},
    {"local_datagram_peer_closed", ""},
    {"local_datagram_own_shut_rd", "iohrwb"},
    {"local_datagram_own_shut_both", "iophrwbgn"},
    {"local_datagram_space", "owb"},
    {"udp4_data", "ir"},
    {"udp4_refused", "iophrwbgn"},
    {"udp4_own_shut_rd", "iohrwb"},
    {"udp4_own_shut_both", "iophrwbgn"},
    {"udp4_drained", ""},
    {"udp6_data", "ir"},
    {"udp6_refused", "iophrwbgn"},
    {"udp6_own_shut_rd", "iohrwb"},
    {"udp6_drained", ""},
    {"set_ready", "i"},
    {"set_peer_closed", "i"},
    {"pipe_data", "ir"},
    {"pipe_writers_gone", "iophrwbgn"},
    {"pipe_readers_gone", "iophrwbgn"},
    {"pipe_space", "ow"},
    {"eventfd_rises", "i"},
    {"eventfd_full", "i"},
    {"timerfd_expires", "i"},
    {"signalfd_signal", "i"},
    {"signalfd_read", ""},
    {"inotify_event", "ir"},
    {"terminal_line", "ir"},
};

class EdgeTest : public testing::TestWithParam<Edges> {};

TEST_P(EdgeTest, IsHeardByThese) {
  const auto rows = transitions();
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [](const Transition& one) { return std::string(one.name) == GetParam().transition; });
  ASSERT_NE(row, rows.end());
  std::string heard_by;
  for (const Bit& bit : kBits) {
    Scene scene = row->make();
    const Set set;
    ASSERT_EQ(set.add(scene.watched, bit.event | EPOLLET), 0);
    set.wait_one();
    ASSERT_EQ(set.wait_one(), 0);
    row->happen(scene);
    settle(scene, *row);
    if (set.wait_one() != 0) heard_by += bit.letter;
  }
  EXPECT_EQ(heard_by, GetParam().heard_by);
}

INSTANTIATE_TEST_SUITE_P(Table, EdgeTest, testing::ValuesIn(kEdges),
                         [](const auto& info) { return std::string(info.param.transition); });

TEST(EdgeTableTest, HasEveryTransition) { EXPECT_EQ(std::size(kEdges), transitions().size()); }

}  // namespace
}  // namespace conformance
