// TcpWire: a TcpHost with one more interface, "wire0", whose other end is the test. Segments are injected one by one, and what
// leaves is compared as text: the exact segments, in order, and nothing else.
//
//     wire.inject({.flags = "S", .seq = 0, .mss = 1460});
//     wire.expect("SA 0:0 ack 1 win 65160 mss 1460");
//
// Sequence numbers are relative: ours to our SYN, the peer's to its SYN. A segment that nobody expected fails the test when the
// TcpWire goes or the next expectation is made.
#pragma once

#include <deque>
#include <optional>
#include <sstream>

#include "base/checksum.hh"
#include "stack/tcp/signature/keys.hh"
#include "stack/wire/ipv4.hh"
#include "stack/wire/pseudo_header.hh"
#include "stack/wire/tcp.hh"
#include "stack/wire/tcp_options.hh"
#include "tests/stack/tcp/tcp_host.hh"

namespace lxnet::testing {

struct Inject {
  const char* flags = "A";  // of FSRPAUEC
  uint32_t seq = 0;         // relative to the peer's SYN
  uint32_t ack = 0;         // relative to ours
  std::string text = {};
  uint32_t window = 65535;
  std::optional<uint16_t> mss = {};
  std::optional<uint8_t> scale = {};
  bool sack_permitted = false;
  std::optional<TcpTimestamps> timestamps = {};
  std::vector<std::pair<uint32_t, uint32_t>> sacks = {};  // relative to our SYN
  uint16_t urgent = 0;
  uint8_t tos = 0;
  std::optional<TcpFastOpenCookie> fast_open = {};
  const char* md5_key = nullptr;  // RFC 2385
};

class WireDevice final : public NetDevice {
 public:
  WireDevice() {
    capabilities_.link = LinkKind::Ip;
    capabilities_.mtu = 1500;
  }
  const DeviceCapabilities& capabilities() const override { return capabilities_; }
  bool is_link_up() const override { return true; }
  Result<> start() override { return ok(); }
  void stop() override {}
  // TCP over IPv4 is kept; what the interface says by itself (MLD, neighbour discovery) is not the tests' business.
  void transmit(Entry&, Instant, PacketQueue& batch) override {
    while (Ref<Packet> packet = batch.take_front()) {
      uint8_t head[10] = {};
      packet->read(0, head);
      if (head[0] >> 4 == 4 && head[9] == 6) sent.push_back(std::move(packet));
    }
  }
  size_t poll(Entry&, size_t) override { return 0; }
  void set_multicast(const HardwareAddress&, bool) override {}
  Result<> set_mtu(uint32_t mtu) override {
    capabilities_.mtu = mtu;
    return ok();
  }
  DeviceStatistics statistics() const override { return {}; }
  void deliver(Entry& entry, Ref<Packet> packet) {
    PacketQueue batch;
    batch.push_back(std::move(packet));
    client().receive(client().owner, entry, batch);
  }

  void deliver_all(Entry& entry, PacketQueue& batch) { client().receive(client().owner, entry, batch); }

  PacketQueue sent;

 private:
  DeviceCapabilities capabilities_;
};

class TcpWire : public TcpHost {
 public:
  static constexpr uint16_t kLocalPort = 80, kPeerPort = 5000;
  static constexpr uint32_t kPeerIss = 1'000'000;

  TcpWire() {
    Entry entry(stack());
    Ref<Interface> interface = stack().interfaces().add(entry, device, "wire0").take();
    EXPECT_TRUE(stack().interfaces().set_state(entry, *interface, LinkState::Up).is_ok());
    InterfaceAddress address;
    address.address = local;
    address.prefix_length = 24;
    EXPECT_TRUE(stack().interfaces().add_address(entry, *interface, address).is_ok());
    entry.flush();
    device.sent.clear();
  }
  ~TcpWire() {
    expect_nothing();
    Entry entry(stack());
    stack().interfaces().remove(entry, *stack().interfaces().find("wire0"));
  }

  // ---- in
  void inject(const Inject& in) {
    TcpOptions options;
    options.maximum_segment_size = in.mss;
    options.window_scale = in.scale;
    options.sack_permitted = in.sack_permitted;
    options.timestamps = in.timestamps;
    options.fast_open = in.fast_open;
    for (const auto& [left, right] : in.sacks) options.sack[options.sack_count++] = {SeqNum(iss + left), SeqNum(iss + right)};
    uint8_t signature[16] = {};
    if (in.md5_key != nullptr) options.md5_signature = signature;
    const std::string flags = in.flags;
    uint16_t bits = 0;
    for (const char flag : flags) bits |= static_cast<uint16_t>(1u << std::string("FSRPAUEC").find(flag));
    TcpSegmentHeader header{.source_port = peer_port,
                            .destination_port = local_port,
                            .seq = SeqNum(kPeerIss + in.seq),
                            .ack = SeqNum((bits & 0x10) != 0 ? iss + in.ack : 0),
                            .flags = TcpFlags(bits),
                            .header_size = static_cast<uint8_t>(20 + options.encoded_size()),
                            .window = static_cast<uint16_t>(in.window),
                            .urgent_pointer = in.urgent};
    if (in.md5_key != nullptr) sign(header, in, signature);
    std::vector<uint8_t> tcp(header.header_size + in.text.size());
    header.emit(tcp);
    options.emit(MutableByteSpan(tcp).subspan(20));
    std::copy(in.text.begin(), in.text.end(), tcp.begin() + header.header_size);
    InternetChecksum sum = pseudo_header_checksum(peer.v4(), local.v4(), IpProtocol::Tcp, static_cast<uint32_t>(tcp.size()));
    sum.add(tcp);
    header.checksum = sum.finish();
    header.emit(tcp);
    if (batch_ != nullptr) {
      batch_->push_back(ip_packet(tcp, in.tos));
    } else {
      deliver_ip(tcp, in.tos);
    }
  }
  // What is injected meanwhile arrives together, as a device that polls delivers it.
  template <typename Inject>
  void together(Inject inject) {
    PacketQueue batch;
    batch_ = &batch;
    inject();
    batch_ = nullptr;
    Entry entry(stack());
    device.deliver_all(entry, batch);
  }

  static std::string hex(const TcpFastOpenCookie& cookie) {
    std::string text;
    for (const uint8_t byte : cookie.span()) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
    return text;
  }

  // ---- out
  // Each line of `lines`, in order, is the next segment that left.
  void expect(const std::string& lines) {
    std::istringstream stream(lines);
    std::string line;
    while (std::getline(stream, line)) {
      const size_t first = line.find_first_not_of(' ');
      if (first == std::string::npos) continue;
      line = line.substr(first);
      const std::string got = next();
      EXPECT_EQ(got, line);
    }
  }
  void expect_nothing() {
    for (std::string got = next(); got != "nothing"; got = next()) ADD_FAILURE() << "unexpected: " << got;
  }
  std::string next() {
    Ref<Packet> packet = device.sent.take_front();
    if (!packet) return "nothing";
    std::vector<uint8_t> bytes(packet->size());
    packet->read(0, bytes);
    return describe(bytes);
  }
  std::string last_text;
  uint32_t last_stamp = 0;  // TSval of the last segment described

  // ---- connections
  // A listener on port 80 and a peer's handshake; what leaves is checked.
  Ref<TcpSocket> accept_from_peer(bool with_sack = false, uint32_t window = 65535, Duration round_trip = {}) {
    listener = socket();
    EXPECT_EQ(bind(*listener, "192.0.2.1", kLocalPort), Errno{});
    EXPECT_EQ(listen(*listener, 8), Errno{});
    inject({.flags = "S", .seq = 0, .window = window, .mss = 1460, .sack_permitted = with_sack});
    learn_iss();
    expect(with_sack ? "SA 0:0 ack 1 win 64240 mss 1460 sackOK" : "SA 0:0 ack 1 win 64240 mss 1460");
    advance(round_trip);
    inject({.flags = "A", .seq = 1, .ack = 1, .window = window});
    Ref<TcpSocket> accepted = accept(*listener);
    EXPECT_TRUE(accepted);
    expect_nothing();
    return accepted;
  }
  // Our initial sequence number, from the SYN that is the next to leave.
  void learn_iss() {
    const Packet* packet = device.sent.front();
    ASSERT_NE(packet, nullptr);
    uint8_t bytes[40];
    packet->read(0, bytes);
    iss = uint32_t{bytes[24]} << 24 | uint32_t{bytes[25]} << 16 | uint32_t{bytes[26]} << 8 | bytes[27];
    local_port = static_cast<uint16_t>(bytes[20] << 8 | bytes[21]);
    peer_port = static_cast<uint16_t>(bytes[22] << 8 | bytes[23]);
  }

  IpAddress local = Ipv4Address(192, 0, 2, 1), peer = Ipv4Address(192, 0, 2, 2);
  uint16_t local_port = kLocalPort, peer_port = kPeerPort;
  uint32_t iss = 0;
  WireDevice device;
  Ref<TcpSocket> listener;

 private:
  void sign(const TcpSegmentHeader& header, const Inject& in, std::span<uint8_t, 16> signature) {
    Ref<Packet> payload = Packet::create(stack().pool()).take();
    EXPECT_TRUE(payload->append_copy(ByteSpan(reinterpret_cast<const uint8_t*>(in.text.data()), in.text.size())).is_ok());
    Ref<Md5Key> key = make_ref<Md5Key>(stack().hal(), stack().hal()).take();
    const std::string text = in.md5_key;
    key->size =
        static_cast<uint8_t>(copy_bytes(key->bytes, ByteSpan(reinterpret_cast<const uint8_t*>(text.data()), text.size())));
    sign_segment({.source = peer, .destination = local, .header = header, .payload = *payload, .payload_offset = 0}, *key,
                 signature);
  }
  void deliver_ip(const std::vector<uint8_t>& tcp, uint8_t tos) {
    Entry entry(stack());
    device.deliver(entry, ip_packet(tcp, tos));
  }
  PacketQueue* batch_ = nullptr;
  Ref<Packet> ip_packet(const std::vector<uint8_t>& tcp, uint8_t tos) {
    Ref<Packet> packet = Packet::create(stack().pool()).take();
    std::vector<uint8_t> ip(20);
    Ipv4PacketHeader header{.source = peer.v4(),
                            .destination = local.v4(),
                            .protocol = IpProtocol::Tcp,
                            .time_to_live = 64,
                            .type_of_service = tos,
                            .dont_fragment = true,
                            .identification = 0,
                            .total_length = static_cast<uint16_t>(20 + tcp.size()),
                            .options = {}};
    header.emit(ip);
    EXPECT_TRUE(packet->append_copy(ip).is_ok());
    EXPECT_TRUE(packet->append_copy(tcp).is_ok());
    return packet;
  }

  // "PA 1:11 ack 1 win 64240 sack 5:9", sequence numbers relative; timestamps are named only.
  std::string describe(const std::vector<uint8_t>& bytes) {
    const ByteSpan segment = ByteSpan(bytes).subspan(20);
    const TcpHeader& header = *TcpHeader::parse(segment).take();
    const TcpSegmentHeader host = TcpSegmentHeader::from(header);
    InternetChecksum sum = pseudo_header_checksum(local.v4(), peer.v4(), IpProtocol::Tcp, static_cast<uint32_t>(segment.size()));
    sum.add(segment);
    EXPECT_TRUE(sum.is_valid()) << "checksum of a segment that left";
    std::ostringstream out;
    for (size_t i = 0; i < 8; ++i) {
      if ((host.flags.bits() >> i & 1) != 0) out << "FSRPAUEC"[i];
    }
    const uint32_t size = static_cast<uint32_t>(segment.size()) - host.header_size;
    last_text.assign(segment.begin() + host.header_size, segment.end());
    const auto seq = static_cast<int32_t>(host.seq.value() - iss);
    out << ' ' << seq << ':' << seq + static_cast<int32_t>(size);
    if (host.flags.ack()) out << " ack " << static_cast<int32_t>(host.ack.value() - kPeerIss);
    out << " win " << host.window;
    if (host.flags.urg()) out << " urg " << host.urgent_pointer;
    const TcpOptions options = TcpOptions::parse(TcpHeader::options_in(segment).take(), host.flags);
    if (!options.md5_signature.empty()) out << " md5";
    if (options.maximum_segment_size) out << " mss " << *options.maximum_segment_size;
    if (options.sack_permitted) out << " sackOK";
    if (options.timestamps) {
      out << " ts";
      last_stamp = options.timestamps->value;
    }
    if (options.window_scale) out << " ws " << int{*options.window_scale};
    if (options.fast_open) {
      if (options.fast_open->form == TcpFastOpenCookie::Form::Experimental) out << " experimental";
      out << " cookie";
      if (!options.fast_open->is_request()) out << ' ' << hex(*options.fast_open);
    }
    for (const SackBlock& block : options.sack_blocks()) {
      out << " sack " << static_cast<int32_t>(block.left.value() - kPeerIss) << ':'
          << static_cast<int32_t>(block.right.value() - kPeerIss);
    }
    return out.str();
  }
};

}  // namespace lxnet::testing
