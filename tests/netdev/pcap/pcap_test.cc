#include <gmock/gmock.h>

#include <string>

#include "netdev/impair/impair.hh"
#include "netdev/loopback/loopback.hh"
#include "netdev/pcap/pcap_device.hh"
#include "tests/support/device_probe.hh"

namespace lxnet {
namespace {

using ::lxnet::testing::Bytes;
using ::lxnet::testing::DeviceProbe;
using ::lxnet::testing::TestHal;
using ::testing::ElementsAre;
using ::testing::FieldsAre;

// An independent reader of just enough of the format, which checks the framing of every block.
struct Record {
  uint32_t interface, flags;
  uint64_t time;
  Bytes bytes;
  std::string comment;
};
struct Capture {
  std::vector<std::pair<std::string, uint16_t>> interfaces;  // name, link type
  std::vector<Record> records;
};

class Reader {
 public:
  explicit Reader(const Bytes& bytes) : bytes_(bytes) {}

  Capture read() {
    Capture capture;
    for (size_t at = 0; at < bytes_.size();) {
      const uint32_t type = u32(at), size = u32(at + 4);
      EXPECT_EQ(size % 4, 0u);
      if (at + size > bytes_.size() || size < 12) {
        ADD_FAILURE() << "block at " << at << " has size " << size;
        break;
      }
      EXPECT_EQ(u32(at + size - 4), size);
      const size_t end = at + size - 4;
      EXPECT_EQ(type == 0x0a0d0d0a, at == 0) << "the section header comes first and once";
      if (type == 1) capture.interfaces.emplace_back(option(at + 16, end, 2), static_cast<uint16_t>(u32(at + 8)));
      if (type == 6) capture.records.push_back(record(at, end));
      at += size;
    }
    return capture;
  }

 private:
  uint32_t u32(size_t at) const {
    uint32_t value = 0;
    memcpy(&value, bytes_.data() + at, 4);
    return value;
  }
  Record record(size_t at, size_t end) const {
    const uint32_t size = u32(at + 20);
    EXPECT_EQ(size, u32(at + 24));
    const size_t options = at + 28 + (size + 3) / 4 * 4;
    uint32_t flags = 0;
    memcpy(&flags, option(options, end, 2).data(), 4);
    const auto begin = bytes_.begin() + static_cast<ptrdiff_t>(at + 28);
    return {u32(at + 8), flags, uint64_t{u32(at + 12)} << 32 | u32(at + 16), Bytes(begin, begin + size), option(options, end, 1)};
  }
  std::string option(size_t at, size_t end, uint16_t wanted) const {
    while (at < end) {
      const uint16_t code = static_cast<uint16_t>(u32(at)), size = static_cast<uint16_t>(u32(at) >> 16);
      if (code == 0) break;
      if (code == wanted) return std::string(reinterpret_cast<const char*>(bytes_.data()) + at + 4, size);
      at += 4 + (size + 3u) / 4 * 4;
    }
    return "";
  }

  const Bytes& bytes_;
};

class PcapTest : public ::testing::Test {
 protected:
  Capture capture() const { return Reader(bytes_).read(); }

  TestHal hal_;
  PacketPool pool_{hal_, 1 << 20};
  Bytes bytes_;
  PcapngWriter writer_{hal_, {.context = &bytes_, .write = [](void* context, ByteSpan bytes) {
                                Bytes& all = *static_cast<Bytes*>(context);
                                all.insert(all.end(), bytes.begin(), bytes.end());
                              }}};
};

TEST_F(PcapTest, WhatPassesIsWrittenWithDirectionAndTime) {
  Loopback loopback;
  PcapDevice device(writer_, "lo", loopback);
  DeviceProbe probe(hal_, pool_, device);
  const uint64_t time = static_cast<uint64_t>(hal_.hal().wall_nanos());
  probe.send({0x45, 2, 3});
  probe.send(Bytes(5000, 0x60));
  const Capture seen = capture();
  EXPECT_THAT(seen.interfaces, ElementsAre(std::make_pair(std::string("lo"), uint16_t{101})));
  EXPECT_THAT(seen.records,
              ElementsAre(FieldsAre(0u, 2u, time, Bytes{0x45, 2, 3}, ""), FieldsAre(0u, 1u, time, Bytes{0x45, 2, 3}, ""),
                          FieldsAre(0u, 2u, time, Bytes(5000, 0x60), ""), FieldsAre(0u, 1u, time, Bytes(5000, 0x60), "")));
  EXPECT_EQ(probe.take_received().size(), 2u);
}

TEST_F(PcapTest, WhatTheLinkBelowDropsIsWrittenOnceWithTheReason) {
  Timers timers(hal_, nullptr);
  Loopback loopback;
  ImpairConfig config;
  config.loss = Probability::percent(100);
  Impair impair(hal_, timers, loopback, config);
  PcapDevice device(writer_, "eth0", impair);
  impair.observe_drops([](void* context, const Packet& packet,
                          const char* reason) { static_cast<PcapDevice*>(context)->note_drop(packet, reason); },
                       &device);
  DeviceProbe probe(hal_, pool_, device);
  probe.send({0x45, 2, 3});
  const uint64_t time = static_cast<uint64_t>(hal_.hal().wall_nanos());
  EXPECT_THAT(capture().records, ElementsAre(FieldsAre(0u, 2u, time, Bytes{0x45, 2, 3}, "link: lost")));
}

TEST_F(PcapTest, ADropIsWrittenFromItsNetworkHeaderWithTheReason) {
  Ref<Packet> packet = Packet::create(pool_).take();
  ASSERT_TRUE(packet->append_copy(Bytes{0xaa, 0xbb, 0x45, 1, 2, 3}).is_ok());
  packet->mark_link_header();
  packet->consume(2);
  packet->mark_network_header();
  packet->consume(2);
  writer_.write_drop(*packet, "bad_udp_header");
  packet->mark_network_header();  // no IP header there
  writer_.write_drop(*packet, "unknown_ethertype");
  const Capture seen = capture();
  EXPECT_EQ(seen.interfaces.size(), 2u);
  const uint64_t time = static_cast<uint64_t>(hal_.hal().wall_nanos());
  EXPECT_THAT(seen.records, ElementsAre(FieldsAre(0u, 0u, time, Bytes{0x45, 1, 2, 3}, "bad_udp_header"),
                                        FieldsAre(1u, 0u, time, Bytes{0xaa, 0xbb, 0x45, 1, 2, 3}, "unknown_ethertype")));
}

}  // namespace
}  // namespace lxnet
