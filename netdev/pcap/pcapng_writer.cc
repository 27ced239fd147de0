// The blocks of draft-ietf-opsawg-pcapng: section header, interface description, enhanced packet. Written in the machine's byte
// order, which the section header's magic number tells. Not used: name resolution, statistics and secrets blocks.
#include "netdev/pcap/pcapng_writer.hh"

#include <algorithm>

#include "netdev/packet.hh"

namespace lxnet {
namespace {

constexpr uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr uint32_t kInterfaceDescription = 1;
constexpr uint32_t kEnhancedPacket = 6;
constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;

constexpr uint16_t kLinkTypeEthernet = 1;
constexpr uint16_t kLinkTypeRawIp = 101;

constexpr uint16_t kOptionEnd = 0;
constexpr uint16_t kOptionComment = 1;
constexpr uint16_t kOptionUserApplication = 4;  // of a section
constexpr uint16_t kOptionInterfaceName = 2;    // of an interface
constexpr uint16_t kOptionTimeResolution = 9;   // of an interface
constexpr uint16_t kOptionFlags = 2;            // of a packet

constexpr uint8_t kZeros[4] = {};

size_t text_size(const char* text) {
  size_t size = 0;
  while (size < 256 && text[size] != '\0') ++size;
  return size;
}
size_t padding_of(size_t size) { return (4 - size % 4) % 4; }

// The small parts of a block, gathered before they are written.
class Fields {
 public:
  void add_u16(uint16_t value) { add(bytes_of(value)); }
  void add_u32(uint32_t value) { add(bytes_of(value)); }
  void add_option(uint16_t code, ByteSpan value) {
    add_u16(code);
    add_u16(static_cast<uint16_t>(value.size()));
    add(value);
    add(ByteSpan(kZeros, padding_of(value.size())));
  }
  void add_text_option(uint16_t code, const char* text) {
    add_option(code, ByteSpan(reinterpret_cast<const uint8_t*>(text), text_size(text)));
  }
  void end_options() { add_u32(kOptionEnd); }
  size_t size() const { return size_; }
  ByteSpan bytes() const { return ByteSpan(storage_, size_); }

 private:
  void add(ByteSpan bytes) {
    ASSERT(bytes.size() <= sizeof storage_ - size_);
    size_ += copy_bytes(MutableByteSpan(storage_).subspan(size_), bytes);
  }
  size_t size_ = 0;
  uint8_t storage_[360];
};

constexpr size_t kFrameSize = 12;  // a block's type and its length, before and after

}  // namespace

PcapngWriter::PcapngWriter(const Hal& hal, const ByteSink& sink) : hal_(hal), mutex_(hal, LockRank::Capture), sink_(sink) {
  Fields body;
  body.add_u32(kByteOrderMagic);
  body.add_u16(1);  // version 1.0
  body.add_u16(0);
  body.add_u32(UINT32_MAX);  // the section's length is not known
  body.add_u32(UINT32_MAX);
  body.add_text_option(kOptionUserApplication, "lxnet");
  body.end_options();
  const uint32_t head[] = {kSectionHeader, static_cast<uint32_t>(body.size() + kFrameSize)};
  MutexLock lock(mutex_);
  put(bytes_of(head));
  put(body.bytes());
  put(bytes_of(head[1]));
}

uint32_t PcapngWriter::add_interface(const char* name, LinkKind link) {
  MutexLock lock(mutex_);
  return add_interface_locked(name, link == LinkKind::Ethernet ? kLinkTypeEthernet : kLinkTypeRawIp);
}

uint32_t PcapngWriter::add_interface_locked(const char* name, uint16_t link_type) {
  Fields body;
  body.add_u16(link_type);
  body.add_u16(0);
  body.add_u32(0);  // packets are whole
  body.add_text_option(kOptionInterfaceName, name);
  const uint8_t nanoseconds = 9;
  body.add_option(kOptionTimeResolution, ByteSpan(&nanoseconds, 1));
  body.end_options();
  const uint32_t head[] = {kInterfaceDescription, static_cast<uint32_t>(body.size() + kFrameSize)};
  put(bytes_of(head));
  put(body.bytes());
  put(bytes_of(head[1]));
  return interface_count_++;
}

void PcapngWriter::write(uint32_t interface, PacketDirection direction, const Packet& packet, const char* comment) {
  MutexLock lock(mutex_);
  write_packet_locked(interface, static_cast<uint32_t>(direction), packet.linear(), packet, comment);
}

void PcapngWriter::write_drop(const Packet& packet, const char* reason) {
  // Headers that were consumed lie before the front, and are what one wants to see.
  const auto from = [&](const uint8_t* mark) {
    const ByteSpan linear = packet.linear();
    const bool is_before = mark != nullptr && mark <= linear.data();
    return is_before ? ByteSpan(mark, linear.data() + linear.size()) : linear;
  };
  const ByteSpan network = from(packet.network_header());
  const bool is_ip = !network.empty() && (network[0] >> 4 == 4 || network[0] >> 4 == 6);
  const bool has_link_header = !is_ip && packet.link_header() != nullptr;
  MutexLock lock(mutex_);
  uint32_t& interface = has_link_header ? link_drops_ : ip_drops_;
  if (interface == kNone) {
    interface = add_interface_locked(has_link_header ? "dropped frames" : "dropped",
                                     has_link_header ? kLinkTypeEthernet : kLinkTypeRawIp);
  }
  write_packet_locked(interface, 0, has_link_header ? from(packet.link_header()) : network, packet, reason);
}

// `front` stands for the packet's linear part; the fragments follow it.
void PcapngWriter::write_packet_locked(uint32_t interface, uint32_t flags, ByteSpan front, const Packet& packet,
                                       const char* comment) {
  if (sink_.has_room != nullptr && !sink_.has_room(sink_.context)) return;
  const size_t size = front.size() + packet.size() - packet.linear().size();
  Fields options;
  options.add_option(kOptionFlags, bytes_of(flags));
  if (comment != nullptr) options.add_text_option(kOptionComment, comment);
  options.end_options();
  const uint64_t time = static_cast<uint64_t>(hal_.wall_nanos());
  const size_t padding = padding_of(size);
  constexpr size_t kFixedFields = 20;
  const uint32_t block_size = static_cast<uint32_t>(kFrameSize + kFixedFields + size + padding + options.size());
  const uint32_t head[] = {kEnhancedPacket,
                           block_size,
                           interface,
                           static_cast<uint32_t>(time >> 32),
                           static_cast<uint32_t>(time),
                           static_cast<uint32_t>(size),
                           static_cast<uint32_t>(size)};
  put(bytes_of(head));
  put(front);
  for (const Fragment& fragment : packet.fragments()) put(fragment.bytes());
  put(ByteSpan(kZeros, padding));
  put(options.bytes());
  put(bytes_of(block_size));
}

}  // namespace lxnet
