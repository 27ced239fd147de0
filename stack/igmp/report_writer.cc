// Writing and sending reports.
#include "stack/igmp/report_writer.hh"

#include "stack/ip/output.hh"
#include "stack/stack.hh"
#include "stack/wire/igmp.hh"
#include "stack/wire/ipv4_options.hh"
#include "stack/wire/ipv6_extensions.hh"
#include "stack/wire/mld.hh"
#include "stack/wire/pseudo_header.hh"

namespace lxnet {

namespace {

constexpr uint8_t kInternetControl = 0xc0;
constexpr size_t kReportHeaderSize = sizeof(IgmpReportHeader);
static_assert(sizeof(IgmpReportHeader) == sizeof(MldReportHeader));

// RFC 3590: a link-local address, or none while there is none that may be used.
Ipv6Address mld_source(const Stack& stack, const Interface& interface) {
  Ipv6Address found;
  static_cast<void>(const_cast<Stack&>(stack).interfaces().any_address(interface, [&](const InterfaceAddress& address) {
    if (address.address.is_v4() || !address.address.is_link_local() || !address.is_usable()) return false;
    found = address.address.v6();
    return true;
  }));
  return found;
}

}  // namespace

void send_igmp(Entry& entry, const Interface& interface, Ref<Packet> message, Ipv4Address destination) {
  auto looked_up = entry.stack().routes().lookup(
      entry, {.source = Ipv4Address(), .destination = destination, .output_interface = interface.index(), .protocol = 2});
  if (!looked_up.is_ok()) return entry.stack().drops().count(DropReason::IpNoRoute);
  static constexpr uint8_t kRouterAlert[] = {148, 4, 0, 0};
  auto options = Ipv4Options::from_user(kRouterAlert, Ipv4OptionsPrivilege::RawNetwork);
  ASSERT(options.is_ok());
  const Ipv4Options alert = options.take();
  static_cast<void>(ip_send(entry, std::move(message), looked_up.take(),
                            {.protocol = 2,
                             .ttl = 1,
                             .tos = kInternetControl,
                             .path_mtu = PathMtuMode::Do,
                             .v4_options = &alert,
                             .multicast_loop = false}));
}

void send_mld(Entry& entry, const Interface& interface, Ref<Packet> message, const Ipv6Address& destination) {
  auto looked_up = entry.stack().routes().lookup(
      entry, {.source = IpAddress(), .destination = destination, .output_interface = interface.index(), .protocol = 58});
  if (!looked_up.is_ok()) return entry.stack().drops().count(DropReason::IpNoRoute);
  Route route = looked_up.take();
  route.source = mld_source(entry.stack(), interface);
  auto& header = *reinterpret_cast<Icmp6Header*>(message->mutable_linear().data());
  InternetChecksum checksum =
      pseudo_header_checksum(route.source.v6(), destination, IpProtocol::Icmpv6, static_cast<uint32_t>(message->size()));
  checksum.add(message->linear());
  header.checksum.set(checksum.finish());
  count(entry, Mib::Icmp6OutMsgs);
  entry.stack().mib().count_icmp6(MibCounters::Direction::Out, header.type);
  uint8_t alert[kRouterAlertHeaderSize];
  emit_router_alert_header(alert, IpProtocol::Icmpv6);
  static_cast<void>(ip_send(entry, std::move(message), route,
                            {.protocol = 58, .ttl = 1, .options = alert, .options_first_header = 0, .multicast_loop = false}));
}

bool ReportWriter::begin_packet() {
  const size_t overhead = is_v4_ ? sizeof(Ipv4Header) + 4 : sizeof(Ipv6Header) + kRouterAlertHeaderSize;
  const size_t mtu = interface_->mtu() < 65535 ? interface_->mtu() : 65535;
  if (mtu < overhead + kReportHeaderSize + 64) return false;
  const size_t size = mtu - overhead;
  auto created = Packet::create_linear(entry_.stack().pool(), size);
  if (!created.is_ok()) return false;
  packet_ = created.take();
  static_cast<void>(packet_->append(kReportHeaderSize));
  room_ = size - kReportHeaderSize;
  record_count_ = 0;
  return true;
}

bool ReportWriter::begin_record(GroupRecordType type, const IpAddress& group) {
  const size_t size = 4 + address_size();
  // A record that would stand alone at a packet's end begins the next one.
  if (packet_ && room_ < size + address_size()) send();
  if (!packet_ && !begin_packet()) return false;
  record_at_ = packet_->size();
  const MutableByteSpan bytes = packet_->append(size);
  if (is_v4_) {
    IgmpGroupRecord{.type = type, .group = group.v4()}.emit(bytes);
  } else {
    MldGroupRecord{.type = type, .group = group.v6()}.emit(bytes);
  }
  room_ -= size;
  ++record_count_;
  return true;
}

void ReportWriter::add_source(const IpAddress& source) {
  const MutableByteSpan bytes = packet_->append(address_size());
  if (is_v4_) {
    const Ipv4Address v4 = source.v4();
    copy_bytes(bytes, bytes_of(v4));
  } else {
    copy_bytes(bytes, source.v6().bytes());
  }
  room_ -= address_size();
  // The count stands in the same place of both families' records.
  auto& record = *reinterpret_cast<GroupRecordHeader<Ipv4Address>*>(packet_->mutable_linear().data() + record_at_);
  record.source_count.set(static_cast<uint16_t>(record.source_count.get() + 1));
}

void ReportWriter::send() {
  if (!packet_) return;
  Ref<Packet> message = std::move(packet_);
  packet_ = nullptr;
  if (is_v4_) {
    IgmpReportHeader::emit(message->mutable_linear(), record_count_);
    return send_igmp(entry_, *interface_, std::move(message), Ipv4Address::all_igmpv3_routers());
  }
  MldReportHeader::emit(message->mutable_linear(), record_count_);
  send_mld(entry_, *interface_, std::move(message), Ipv6Address::all_mldv2_routers());
}

}  // namespace lxnet
