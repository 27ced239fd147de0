// TCP_REPAIR: a connection taken out of one socket and put into another, and the wire hears nothing of it.
#include "stack/tcp/option_calls.hh"
#include "tests/stack/tcp/tcp_wire.hh"

namespace lxnet::testing {
namespace {

using Calls = TcpOptionCalls;

TEST(TcpRepair, MovesAConnectionToAnotherSocket) {
  TcpWire wire;
  Ref<TcpSocket> first = wire.accept_from_peer(true);
  wire.inject({.flags = "PA", .seq = 1, .ack = 1, .text = "hello"});
  wire.expect("A 1:1 ack 6 win 64235");
  EXPECT_EQ(wire.send(*first, "world"), 5);
  wire.expect("PA 1:6 ack 6 win 64235");
  Calls::RepairWindow window{};
  int send_seq = 0, receive_seq = 0, stamp = 0;
  {
    Entry entry(wire.stack());
    ASSERT_TRUE(Calls::set_repair(entry, *first, 1).is_ok());
    ASSERT_TRUE(Calls::set_repair_queue(entry, *first, 2).is_ok());
    send_seq = Calls::queue_seq(entry, *first).take();
    ASSERT_TRUE(Calls::set_repair_queue(entry, *first, 1).is_ok());
    receive_seq = Calls::queue_seq(entry, *first).take();
    window = Calls::repair_window(entry, *first);
    stamp = Calls::timestamp(entry, *first).take();
  }
  EXPECT_EQ(wire.receive(*first, 10), minus(Errno::EPERM));
  EXPECT_EQ(wire.receive(*first, 10, kMessagePeek), 5);
  EXPECT_EQ(wire.received, "hello");
  {
    Entry entry(wire.stack());
    ASSERT_TRUE(Calls::set_repair_queue(entry, *first, 2).is_ok());
  }
  EXPECT_EQ(wire.receive(*first, 10, kMessagePeek), 5);
  EXPECT_EQ(wire.received, "world");
  wire.close(wire.listener);
  wire.close(first);
  wire.expect_nothing();

  Ref<TcpSocket> second = wire.socket();
  {
    Entry entry(wire.stack());
    EXPECT_TRUE(Calls::set_repair_queue(entry, *second, 1).is_error(Errno::EPERM));
    ASSERT_TRUE(Calls::set_repair(entry, *second, 1).is_ok());
    ASSERT_TRUE(Calls::set_repair_queue(entry, *second, 2).is_ok());
    ASSERT_TRUE(Calls::set_queue_seq(entry, *second, send_seq - 5).is_ok());
    ASSERT_TRUE(Calls::set_repair_queue(entry, *second, 1).is_ok());
    ASSERT_TRUE(Calls::set_queue_seq(entry, *second, receive_seq - 5).is_ok());
  }
  ASSERT_EQ(wire.bind(*second, "192.0.2.1", 80), Errno{});
  ASSERT_EQ(wire.connect(*second, "192.0.2.2", 5000), Errno{});
  EXPECT_EQ(second->state(), TcpState::Established);
  EXPECT_EQ(wire.send(*second, "hello"), 5);  // into the receive queue
  {
    Entry entry(wire.stack());
    ASSERT_TRUE(Calls::set_repair_option(entry, *second, 2, 1460).is_ok());
    ASSERT_TRUE(Calls::set_repair_option(entry, *second, 3, 0).is_ok());
    ASSERT_TRUE(Calls::set_repair_option(entry, *second, 4, 0).is_ok());
    EXPECT_TRUE(Calls::set_repair_option(entry, *second, 3, 15).is_error(Errno::EFBIG));
    ASSERT_TRUE(Calls::set_timestamp(entry, *second, stamp).is_ok());
    ASSERT_TRUE(Calls::set_repair_queue(entry, *second, 2).is_ok());
  }
  EXPECT_EQ(wire.send(*second, "world"), 5);
  {
    Entry entry(wire.stack());
    ASSERT_TRUE(Calls::set_repair_window(entry, *second, window).is_ok());
    ASSERT_TRUE(Calls::set_repair(entry, *second, 0).is_ok());
  }
  // The first word since: what is the window now?
  wire.expect("A 0:0 ack 6 win 64235");
  EXPECT_EQ(wire.read(*second), "hello");
  wire.inject({.flags = "A", .seq = 6, .ack = 6});
  EXPECT_EQ(TcpTestAccess::recovery(*second).out, 0u);
  EXPECT_EQ(wire.send(*second, "!"), 1);
  wire.expect("PA 6:7 ack 6 win 64235");
  wire.inject({.flags = "R", .seq = 6});
  wire.close(second);
  wire.device.sent.clear();
}

}  // namespace
}  // namespace lxnet::testing
