#include "stack/c_device.hh"

#include "stack/stack.hh"

namespace lxnet {

Result<CDevice*> CDevice::create(Stack& stack, const lxnet_netdev_ops& given) {
  constexpr uint32_t kMinMtu = 68;
  if (given.struct_size < offsetof(lxnet_netdev_ops, set_multicast)) return Errno::EINVAL;
  lxnet_netdev_ops ops{};
  memcpy(&ops, &given, given.struct_size < sizeof ops ? given.struct_size : sizeof ops);
  const bool is_ethernet = ops.link_kind == LXNET_LINK_ETHERNET;
  if (!is_ethernet && ops.link_kind != LXNET_LINK_IP) return Errno::EINVAL;
  if (ops.transmit == nullptr || ops.mtu < kMinMtu || ops.mtu > UINT16_MAX) return Errno::EINVAL;
  DeviceCapabilities capabilities{.link = is_ethernet ? LinkKind::Ethernet : LinkKind::Ip, .address = {}, .mtu = ops.mtu};
  memcpy(capabilities.address.bytes.data(), ops.address, capabilities.address.bytes.size());
  if (is_ethernet && !MacAddress::from_bytes(capabilities.address.bytes).is_valid_unicast()) return Errno::EINVAL;
  capabilities.sends_checksum = (ops.offloads & LXNET_OFFLOAD_TX_CHECKSUM) != 0;
  capabilities.verifies_checksum = (ops.offloads & LXNET_OFFLOAD_RX_CHECKSUM) != 0;
  capabilities.segments_tcp = (ops.offloads & LXNET_OFFLOAD_TSO) != 0;
  capabilities.filters_multicast = ops.set_multicast != nullptr;
  CDevice* device = construct<CDevice>(stack.hal(), stack, ops, capabilities);
  if (device == nullptr) return Errno::ENOMEM;
  return device;
}

void CDevice::release(NetDevice& device) {
  CDevice& self = static_cast<CDevice&>(device);
  dispose(self.stack_.hal(), &self);
}

void CDevice::receive(Entry& entry, ByteSpan frame) {
  if (client().receive == nullptr || !interface_->is_up()) return counters_.count_receive_drop();
  Result<Ref<Packet>> created = Packet::create_linear(stack_.pool(), frame.size(), 0);
  if (!created.is_ok()) return counters_.count_receive_drop();
  Ref<Packet> packet = created.take();
  copy_bytes(packet->append(frame.size()), frame);
  packet->charge_for_frame(frame.size());
  if (capabilities_.verifies_checksum) packet->checksum = ChecksumState::Verified;
  counters_.count_received(*packet);
  PacketQueue batch;
  batch.push_back(std::move(packet));
  client().receive(client().owner, entry, batch);
}

void CDevice::transmit(Entry& entry, Instant, PacketQueue& batch) {
  while (!batch.is_empty()) {
    Ref<Packet> packet = batch.take_front();
    lxnet_iovec pieces[1 + Packet::kMaxFragments];
    uint32_t count = 0;
    packet->for_each_run(0, packet->size(), [&](ByteSpan run) { pieces[count++] = {run.data(), run.size()}; });
    if (ops_.transmit(ops_.ctx, pieces, count) == 0) {
      counters_.count_sent(*packet);
      continue;
    }
    counters_.count_send_drop();
    drop(entry, std::move(packet), DropReason::DeviceQueueFull);
  }
}

void CDevice::set_multicast(const HardwareAddress& group, bool is_member) {
  if (ops_.set_multicast != nullptr) ops_.set_multicast(ops_.ctx, group.bytes.data(), is_member);
}

Result<> CDevice::set_mtu(uint32_t mtu) {
  capabilities_.mtu = mtu;
  return ok();
}

}  // namespace lxnet
