// TCP_MD5SIG: MD5 itself (RFC 1321), and what is signed, believed and dropped (RFC 2385).
#include "stack/tcp/option_calls.hh"
#include "stack/tcp/signature/md5.hh"
#include "tests/stack/tcp/tcp_wire.hh"

namespace lxnet::testing {
namespace {

using Calls = TcpOptionCalls;

std::string md5_of(const std::string& text, size_t piece = 1000) {
  Md5 hash;
  for (size_t at = 0; at < text.size(); at += piece) {
    hash.add(ByteSpan(reinterpret_cast<const uint8_t*>(text.data()) + at, std::min(piece, text.size() - at)));
  }
  uint8_t digest[Md5::kSize];
  hash.finish(digest);
  std::string hex;
  for (const uint8_t byte : digest) {
    hex += "0123456789abcdef"[byte >> 4];
    hex += "0123456789abcdef"[byte & 15];
  }
  return hex;
}

TEST(Md5, GivesTheDigestsOfRfc1321) {
  EXPECT_EQ(md5_of(""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(md5_of("a"), "0cc175b9c0f1b6a831c399e269772661");
  EXPECT_EQ(md5_of("abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(md5_of("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(md5_of("abcdefghijklmnopqrstuvwxyz"), "c3fcd3d76192e4007dfb496cca67e13b");
  EXPECT_EQ(md5_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), "d174ab98d277d9f5a5611c2c9f419d9f");
  const std::string digits = "12345678901234567890123456789012345678901234567890123456789012345678901234567890";
  for (const size_t piece : {1u, 7u, 63u, 64u, 65u, 80u}) EXPECT_EQ(md5_of(digits, piece), "57edf4a22be3c955ac49da2e2107b67a");
}

class Signatures : public ::testing::Test {
 protected:
  Errno set_key(TcpSocket& socket, const std::string& key, const char* peer = "192.0.2.2", uint8_t prefix = 32) {
    Entry entry(wire_.stack());
    return TcpHost::errno_of(Calls::set_md5_key(entry, socket, TcpHost::endpoint(peer, 0).address, prefix,
                                                ByteSpan(reinterpret_cast<const uint8_t*>(key.data()), key.size())));
  }
  uint64_t count(Mib counter) { return wire_.stack().mib().get(counter); }
  Ref<TcpSocket> listen() {
    Ref<TcpSocket> listener = wire_.socket();
    EXPECT_EQ(wire_.bind(*listener, "192.0.2.1", 80), Errno{});
    EXPECT_EQ(wire_.listen(*listener, 4), Errno{});
    return listener;
  }
  TcpWire wire_;
};

TEST_F(Signatures, AreOnEverySegmentOfAConnectionWithAKey) {
  Ref<TcpSocket> socket = wire_.socket();
  ASSERT_EQ(set_key(*socket, "secret"), Errno{});
  EXPECT_EQ(wire_.connect(*socket, "192.0.2.2", 5000), Errno::EINPROGRESS);
  wire_.learn_iss();
  wire_.expect("S 0:0 win 64240 md5 mss 1460 sackOK ws 10");
  // Unsigned, wrongly signed, and right.
  wire_.inject({.flags = "SA", .seq = 0, .ack = 1, .mss = 1000});
  EXPECT_EQ(count(Mib::TcpExtTCPMD5NotFound), 1u);
  wire_.inject({.flags = "SA", .seq = 0, .ack = 1, .mss = 1000, .md5_key = "secreT"});
  EXPECT_EQ(count(Mib::TcpExtTCPMD5Failure), 1u);
  wire_.expect_nothing();
  wire_.inject({.flags = "SA", .seq = 0, .ack = 1, .mss = 1000, .md5_key = "secret"});
  wire_.expect("A 1:1 ack 1 win 64240 md5");
  // Twenty bytes of each segment are the signature's, and each is signed by itself.
  EXPECT_EQ(wire_.send(*socket, std::string(1500, 'x')), 1500);
  wire_.expect(R"(A 1:981 ack 1 win 64240 md5
                  PA 981:1501 ack 1 win 64240 md5)");
  wire_.inject({.flags = "R", .seq = 1});
  EXPECT_EQ(socket->state(), TcpState::Established);
  wire_.inject({.flags = "R", .seq = 1, .md5_key = "secret"});
  EXPECT_EQ(socket->state(), TcpState::Closed);
  wire_.close(socket);
}

TEST_F(Signatures, AreAskedOfAListenersPeersAndInheritedByItsChildren) {
  Ref<TcpSocket> listener = listen();
  ASSERT_EQ(set_key(*listener, "other", "192.0.0.0", 8), Errno{});
  ASSERT_EQ(set_key(*listener, "secret", "192.0.2.0", 24), Errno{});
  wire_.inject({.flags = "S", .seq = 0, .mss = 1000});
  wire_.expect_nothing();
  wire_.inject(
      {.flags = "S", .seq = 0, .mss = 1000, .sack_permitted = true, .timestamps = TcpTimestamps{1, 0}, .md5_key = "secret"});
  wire_.learn_iss();
  wire_.expect("SA 0:0 ack 1 win 64240 md5 mss 1460 sackOK");
  wire_.inject({.flags = "A", .seq = 1, .ack = 1, .md5_key = "secret"});
  Ref<TcpSocket> accepted = wire_.accept(*listener);
  ASSERT_TRUE(accepted);
  ASSERT_EQ(set_key(*listener, "", "192.0.2.0", 24), Errno{});
  EXPECT_EQ(set_key(*listener, "", "192.0.2.0", 24), Errno::ENOENT);
  EXPECT_EQ(wire_.send(*accepted, "x"), 1);
  wire_.expect("PA 1:2 ack 1 win 64240 md5");
  wire_.inject({.flags = "A", .seq = 1, .ack = 2, .text = "y", .md5_key = "secret"});
  EXPECT_EQ(wire_.read(*accepted), "y");
  wire_.device.sent.clear();
  wire_.inject({.flags = "R", .seq = 2, .md5_key = "secret"});
  wire_.close(accepted);
  wire_.close(listener);
}

TEST_F(Signatures, AreUnexpectedWithoutAKey) {
  Ref<TcpSocket> listener = listen();
  wire_.inject({.flags = "S", .seq = 0, .mss = 1000, .md5_key = "secret"});
  wire_.expect_nothing();
  EXPECT_EQ(count(Mib::TcpExtTCPMD5Unexpected), 1u);
  wire_.close(listener);
}

}  // namespace
}  // namespace lxnet::testing
