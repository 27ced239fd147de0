// What is the same over IPv4 and IPv6: ports, and the index of security headers.
#include "stack/filter/log_text.hh"

#include "stack/wire/ip_protocol.hh"
#include "stack/wire/tcp.hh"
#include "stack/wire/udp.hh"

namespace lxnet {

bool PacketText::put_tcp(uint32_t at) {
  TcpHeader header;
  if (!read(at, header)) {
    put_incomplete(at);
    return false;
  }
  const TcpFlags flags = header.flags();
  line_ << "SPT=" << header.source_port.get() << " DPT=" << header.destination_port.get() << " ";
  if ((flags_ & kTcpSequence) != 0)
    line_ << "SEQ=" << header.sequence_number.get() << " ACK=" << header.acknowledgment_number.get() << " ";
  line_ << "WINDOW=" << header.window.get() << " RES=0x";
  line_.hex(header.offset_and_flags.get() >> 6 & 0x3c, 2) << " ";
  line_ << (flags.ae() ? "AE " : "") << (flags.cwr() ? "CWR " : "") << (flags.ece() ? "ECE " : "") << (flags.urg() ? "URG " : "")
        << (flags.ack() ? "ACK " : "") << (flags.psh() ? "PSH " : "") << (flags.rst() ? "RST " : "")
        << (flags.syn() ? "SYN " : "") << (flags.fin() ? "FIN " : "");
  line_ << "URGP=" << header.urgent_pointer.get() << " ";
  const size_t size = header.header_size();
  if ((flags_ & kTcpOptions) != 0 && size > sizeof header)
    put_options(at + static_cast<uint32_t>(sizeof header), static_cast<uint32_t>(size - sizeof header));
  return true;
}

// TCP, UDP and UDP-Lite. False: no more can be said of the packet.
bool PacketText::put_ports(uint8_t protocol, uint32_t at, bool is_later_piece) {
  const IpProtocol number{protocol};
  line_ << (number == IpProtocol::Tcp ? "PROTO=TCP " : number == IpProtocol::Udp ? "PROTO=UDP " : "PROTO=UDPLITE ");
  if (is_later_piece) return true;
  if (number == IpProtocol::Tcp) return put_tcp(at);
  UdpHeader header;
  if (!read(at, header)) {
    put_incomplete(at);
    return false;
  }
  line_ << "SPT=" << header.source_port.get() << " DPT=" << header.destination_port.get() << " LEN=" << header.length.get()
        << " ";
  return true;
}

void PacketText::put_security(const char* name, uint32_t at, uint32_t spi_at, bool is_later_piece) {
  if (is_later_piece) return;
  line_ << name;
  Be32 spi;
  if (!read(at + spi_at, spi)) return put_incomplete(at);
  (line_ << "SPI=0x").hex(spi.get(), 1) << " ";
}

}  // namespace lxnet
