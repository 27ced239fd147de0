// PACKET_TX_RING: frames that a program puts into memory, sent by one call.
#include "tests/conformance/packet/mapped.hh"

namespace conformance {
namespace {

constexpr unsigned kBlocks = 2;
constexpr size_t kRing = size_t{kBlocks} * kPage;

long set_version(int fd, int version) { return set_option(fd, PACKET_VERSION, version); }

// Where a version's words lie in a slot.
struct Slot {
  int version;
  char* at;

  size_t begin() const { return version == TPACKET_V3 ? 48 : 32; }
  uint32_t status() const {
    return version == TPACKET_V1   ? static_cast<uint32_t>(reinterpret_cast<tpacket_hdr*>(at)->tp_status)
           : version == TPACKET_V2 ? reinterpret_cast<tpacket2_hdr*>(at)->tp_status
                                   : reinterpret_cast<tpacket3_hdr*>(at)->tp_status;
  }
  void request(const std::string& bytes, unsigned length, size_t offset = 0) const {
    if (offset == 0) offset = begin();
    memcpy(at + offset, bytes.data(), bytes.size());
    if (version == TPACKET_V1) {
      auto& header = *reinterpret_cast<tpacket_hdr*>(at);
      header.tp_len = length;
      header.tp_mac = header.tp_net = static_cast<uint16_t>(offset);
      header.tp_status = TP_STATUS_SEND_REQUEST;
    } else if (version == TPACKET_V2) {
      auto& header = *reinterpret_cast<tpacket2_hdr*>(at);
      header.tp_len = length;
      header.tp_mac = header.tp_net = static_cast<uint16_t>(offset);
      header.tp_status = TP_STATUS_SEND_REQUEST;
    } else {
      auto& header = *reinterpret_cast<tpacket3_hdr*>(at);
      header.tp_len = length;
      header.tp_mac = header.tp_net = static_cast<uint16_t>(offset);
      header.tp_status = TP_STATUS_SEND_REQUEST;
    }
  }
  void request(const std::string& bytes) const { request(bytes, static_cast<unsigned>(bytes.size())); }
};

struct Sender {
  explicit Sender(int which, int type = SOCK_RAW) : version(which), fd(packet_socket(type, 0)) {
    EXPECT_EQ(bind_to(fd, link_name(1, type == SOCK_RAW ? 0 : kOurs)), 0);
    EXPECT_EQ(set_version(fd, version), 0);
    EXPECT_EQ(set_ring(fd, PACKET_TX_RING, ring_of(kBlocks)), 0);
  }
  Slot slot(const Mapped& memory, size_t index, size_t ring_at = 0) const {
    return {version, &memory.at<char>(ring_at + index * kSlot)};
  }
  long send(int flags = 0) const { return answer(::send(fd, nullptr, 0, flags)); }

  int version;
  Fd fd;
};

class SendRingTest : public testing::TestWithParam<int> {};

TEST_P(SendRingTest, AllThatIsAskedForIsSentByOneCall) {
  in_own_network([] {
    const Sender sender(GetParam());
    const Fd raw = packet_socket(SOCK_RAW, kOurs);
    const Mapped memory(sender.fd, kRing);
    ASSERT_EQ(memory.error(), 0);
    EXPECT_EQ(sender.send(), 0);
    EXPECT_EQ(poll_now(sender.fd, POLLOUT), POLLOUT);
    sender.slot(memory, 0).request(frame(kZero, "one"));
    sender.slot(memory, 1).request(frame(kZero, "two!"));
    sender.slot(memory, 3).request(frame(kZero, "not in a row"));
    EXPECT_EQ(sender.send(), 17 + 18);
    for (size_t i : {0u, 1u}) EXPECT_EQ(sender.slot(memory, i).status(), 0u);
    EXPECT_EQ(sender.slot(memory, 3).status(), unsigned{TP_STATUS_SEND_REQUEST});
    EXPECT_EQ(hear(raw).bytes, frame(kZero, "one"));
    EXPECT_EQ(hear(raw).bytes, frame(kZero, "two!"));
    EXPECT_EQ(hear(raw).size, -EAGAIN);
    sender.slot(memory, 2).request(frame(kZero, "now"));
    sender.slot(memory, 0).request(frame(kZero, "around"));
    EXPECT_EQ(sender.send(MSG_DONTWAIT), 17 + 26 + 20);
    EXPECT_EQ(kinds(raw), (std::vector<int>{PACKET_HOST, PACKET_HOST, PACKET_HOST}));
  });
}

TEST_P(SendRingTest, ABadFrameEndsTheCallAndStays) {
  in_own_network([] {
    const Sender sender(GetParam());
    const Fd raw = packet_socket(SOCK_RAW, kOurs);
    const Mapped memory(sender.fd, kRing);
    ASSERT_EQ(memory.error(), 0);
    sender.slot(memory, 0).request(frame(kZero, "good"));
    sender.slot(memory, 1).request(frame(kZero, "long"), kSlot);
    sender.slot(memory, 2).request(frame(kZero, "never"));
    EXPECT_EQ(sender.send(), -EMSGSIZE);
    EXPECT_EQ(sender.slot(memory, 0).status(), 0u);
    EXPECT_EQ(sender.slot(memory, 1).status(), unsigned{TP_STATUS_WRONG_FORMAT});
    EXPECT_EQ(sender.slot(memory, 2).status(), unsigned{TP_STATUS_SEND_REQUEST});
    EXPECT_EQ(sender.send(), 0);
    sender.slot(memory, 1).request("short");
    EXPECT_EQ(sender.send(), -EINVAL);
    sender.slot(memory, 1).request(frame(kZero, "mended"));
    EXPECT_EQ(sender.send(), 20 + 19);
    EXPECT_EQ(hear(raw).bytes, frame(kZero, "good"));
    EXPECT_EQ(hear(raw).bytes, frame(kZero, "mended"));
    EXPECT_EQ(hear(raw).bytes, frame(kZero, "never"));
  });
}

TEST_P(SendRingTest, OrIsPassedOver) {
  in_own_network([] {
    Sender sender(GetParam());
    EXPECT_EQ(set_option(sender.fd, PACKET_LOSS, 1), -EBUSY);
    ASSERT_EQ(set_ring(sender.fd, PACKET_TX_RING, ring_of(0)), 0);
    EXPECT_EQ(set_option(sender.fd, PACKET_LOSS, 2), 0);
    EXPECT_EQ(get_option(sender.fd, PACKET_LOSS), 1);
    ASSERT_EQ(set_ring(sender.fd, PACKET_TX_RING, ring_of(kBlocks)), 0);
    const Mapped memory(sender.fd, kRing);
    ASSERT_EQ(memory.error(), 0);
    sender.slot(memory, 0).request(frame(kZero, "long"), kSlot);
    sender.slot(memory, 1).request(frame(kZero, "good"));
    EXPECT_EQ(sender.send(), 18);
    EXPECT_EQ(sender.slot(memory, 0).status(), 0u);
  });
}

TEST_P(SendRingTest, TheProgramSaysWhereAFrameBegins) {
  in_own_network([] {
    Sender sender(GetParam());
    EXPECT_EQ(set_option(sender.fd, PACKET_TX_HAS_OFF, 1), 0);
    EXPECT_EQ(get_option(sender.fd, PACKET_TX_HAS_OFF), 0);
    ASSERT_EQ(set_ring(sender.fd, PACKET_TX_RING, ring_of(0)), 0);
    EXPECT_EQ(set_option(sender.fd, PACKET_TX_HAS_OFF, 1), 0);
    EXPECT_EQ(get_option(sender.fd, PACKET_TX_HAS_OFF), 1);
    ASSERT_EQ(set_ring(sender.fd, PACKET_TX_RING, ring_of(kBlocks)), 0);
    const Fd raw = packet_socket(SOCK_RAW, kOurs);
    const Mapped memory(sender.fd, kRing);
    ASSERT_EQ(memory.error(), 0);
    const std::string whole = frame(kZero, "there");
    const auto size = static_cast<unsigned>(whole.size());
    sender.slot(memory, 0).request(whole, size, 300);
    sender.slot(memory, 1).request(whole, size, kSlot - size);
    EXPECT_EQ(sender.send(), 2 * size);
    EXPECT_EQ(hear(raw).bytes, whole);
    EXPECT_EQ(hear(raw).bytes, whole);
    sender.slot(memory, 2).request(whole, size, sender.slot(memory, 2).begin() - 1);
    EXPECT_EQ(sender.send(), -EINVAL);
    sender.slot(memory, 2).request(whole, size, kSlot - size);
    if (GetParam() == TPACKET_V2) sender.slot(memory, 2).request(std::string(), size, kSlot - size + 1);
    EXPECT_EQ(sender.send(), GetParam() == TPACKET_V2 ? -EINVAL : long{size});
  });
}

TEST_P(SendRingTest, DatagramsGetTheirHeaderAndADestination) {
  in_own_network([] {
    const Sender sender(GetParam(), SOCK_DGRAM);
    const Fd raw = packet_socket(SOCK_RAW, kOurs);
    const Mapped memory(sender.fd, kRing);
    ASSERT_EQ(memory.error(), 0);
    sender.slot(memory, 0).request("bare");
    sockaddr_ll to = link_name(1, kOurs);
    to.sll_halen = 6;
    EXPECT_EQ(answer(::sendto(sender.fd, nullptr, 0, 0, reinterpret_cast<sockaddr*>(&to), 5)), -EINVAL);
    to.sll_ifindex = 99;
    EXPECT_EQ(answer(::sendto(sender.fd, nullptr, 0, 0, reinterpret_cast<sockaddr*>(&to), sizeof to)), -ENXIO);
    to.sll_ifindex = 1;
    EXPECT_EQ(answer(::sendto(sender.fd, nullptr, 0, 0, reinterpret_cast<sockaddr*>(&to), sizeof to)), 4);
    const Heard heard = hear(raw);
    EXPECT_EQ(heard.size, 18);
    EXPECT_EQ(heard.bytes.substr(14), "bare");
  });
}

// What the call itself brings is not sent.
TEST_P(SendRingTest, TheCallsOwnBytesAreLeftAlone) {
  in_own_network([] {
    const Sender sender(GetParam());
    const Fd raw = packet_socket(SOCK_RAW, kOurs);
    const std::string whole = frame(kZero, "own");
    EXPECT_EQ(answer(::send(sender.fd, whole.data(), whole.size(), 0)), 0);
    EXPECT_EQ(answer(::write(sender.fd, whole.data(), whole.size())), 0);
    EXPECT_EQ(hear(raw).size, -EAGAIN);
    set_lo(false);
    EXPECT_EQ(sender.send(), -ENETDOWN);
  });
}

INSTANTIATE_TEST_SUITE_P(Versions, SendRingTest, testing::Values(TPACKET_V1, TPACKET_V2, TPACKET_V3),
                         [](const auto& info) { return "V" + std::to_string(info.param + 1); });

TEST(SendRing, BlocksAreForReceivingAlone) {
  in_own_network([] {
    const Fd raw = packet_socket(SOCK_RAW, 0);
    ASSERT_EQ(set_version(raw, TPACKET_V3), 0);
    tpacket_req3 request = ring_of(2);
    request.tp_retire_blk_tov = 10;
    EXPECT_EQ(set_ring(raw, PACKET_TX_RING, request), -EINVAL);
    request = ring_of(2);
    request.tp_sizeof_priv = 8;
    EXPECT_EQ(set_ring(raw, PACKET_TX_RING, request), -EINVAL);
    request = ring_of(2);
    request.tp_feature_req_word = 1;
    EXPECT_EQ(set_ring(raw, PACKET_TX_RING, request), -EINVAL);
    EXPECT_EQ(set_ring(raw, PACKET_TX_RING, ring_of(2)), 0);
    EXPECT_EQ(set_ring(raw, PACKET_TX_RING, ring_of(2)), -EBUSY);
    EXPECT_EQ(set_version(raw, TPACKET_V2), -EBUSY);
    EXPECT_EQ(set_option(raw, PACKET_RESERVE, 16), -EBUSY);
    EXPECT_EQ(set_option(raw, PACKET_VNET_HDR, 1), -EBUSY);
    EXPECT_EQ(set_ring(raw, PACKET_TX_RING, ring_of(0)), 0);
    EXPECT_EQ(set_version(raw, TPACKET_V2), 0);
  });
}

// The receiving ring stands first, whichever was asked for first.
TEST(SendRing, BothRingsAreMappedInOne) {
  in_own_network([] {
    for (const bool receives_first : {false, true}) {
      Sender sender(TPACKET_V2);
      if (receives_first) {
        ASSERT_EQ(set_ring(sender.fd, PACKET_TX_RING, ring_of(0)), 0);
      }
      ASSERT_EQ(set_ring(sender.fd, PACKET_RX_RING, ring_of(1)), 0);
      if (receives_first) {
        ASSERT_EQ(set_ring(sender.fd, PACKET_TX_RING, ring_of(kBlocks)), 0);
      }
      ASSERT_EQ(bind_to(sender.fd, link_name(1, kOurs)), 0);
      EXPECT_EQ(Mapped(sender.fd, kPage).error(), -EINVAL);
      EXPECT_EQ(Mapped(sender.fd, kRing).error(), -EINVAL);
      {
        const Mapped memory(sender.fd, kPage + kRing);
        ASSERT_EQ(memory.error(), 0);
        EXPECT_EQ(set_ring(sender.fd, PACKET_TX_RING, ring_of(0)), -EBUSY);
        sender.slot(memory, 0, kPage).request(frame(kZero, "to myself"));
        EXPECT_EQ(sender.send(), 23);
        EXPECT_EQ(memory.slot(0).tp_status & TP_STATUS_USER, unsigned{TP_STATUS_USER});
        EXPECT_EQ(memory.payload(0), "to myself");
      }
      ASSERT_EQ(set_ring(sender.fd, PACKET_RX_RING, ring_of(0)), 0);
      const Mapped memory(sender.fd, kRing);
      ASSERT_EQ(memory.error(), 0);
      sender.slot(memory, 1).request(frame(kZero, "the second"));
      EXPECT_EQ(sender.send(), 24);
    }
  });
}

}  // namespace
}  // namespace conformance
