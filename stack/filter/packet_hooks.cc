#include "stack/filter/packet_hooks.hh"

#include "stack/drop_reason.hh"
#include "stack/filter/answer.hh"
#include "stack/filter/filter_packet.hh"
#include "stack/ip/ip_info.hh"
#include "stack/stack.hh"

namespace lxnet {

FilterVerdict PacketHooks::pass(FilterPacket& packet) {
  FilterVerdict verdict = FilterVerdict::Accept;
  {
    MutexLock lock(mutex_);
    for (PacketHook& hook : chain_of(packet.family, packet.hook)) {
      verdict = hook.run(hook, packet);
      if (verdict != FilterVerdict::Accept) break;
    }
  }
  if (packet.is_broken) return FilterVerdict::Drop;
  if (packet.answer != FilterPacket::kNoAnswer) answer_refused(packet);
  return verdict;
}

void insert_by_priority(PacketHookChain& chain, PacketHook& hook) {
  PacketHook* after = chain.front();
  while (after != nullptr && after->priority < hook.priority) after = chain.next(*after);
  if (after != nullptr) {
    chain.insert_before(*after, hook);
  } else {
    chain.push_back(hook);
  }
}

void PacketHooks::add_locked(PacketHook& hook) {
  insert_by_priority(chain_of(hook.family, hook.hook), hook);
  learn_active(hook);
}

void PacketHooks::remove_locked(PacketHook& hook) {
  hook.chain_link.unlink();
  learn_active(hook);
}

void PacketHooks::learn_active(const PacketHook& hook) {
  uint8_t& active = active_[index_of(hook.family)];
  const uint8_t others = static_cast<uint8_t>(active & ~hook_bit(hook.hook));
  const uint8_t own = chain_of(hook.family, hook.hook).is_empty() ? 0 : hook_bit(hook.hook);
  __atomic_store_n(&active, static_cast<uint8_t>(others | own), __ATOMIC_RELAXED);
}

namespace {

// What is known of the packet is what its header says now.
void learn_from_header(FilterPacket& seen, const IpAddress& meant_for) {
  IpInfo& info = ip_info(seen.packet);
  info.ttl = seen.time_to_live;
  info.tos = seen.type_of_service;
  info.source = seen.source_address();
  info.destination = seen.destination_address();
  if (info.destination == meant_for) return;
  info.is_multicast = info.destination.is_multicast();
  info.is_broadcast = false;
  // The route that its sender knew led elsewhere.
  if (seen.hook == FilterHook::PreRouting) seen.packet.is_routed_to_us = false;
}

}  // namespace

Ref<Packet> filter_received(Entry& entry, Ref<Packet> packet, IpFamily family, FilterHook hook, const Interface* input,
                            const Interface* output) {
  FilterPacket seen(entry, *packet, family, hook, input, output);
  const IpAddress meant_for = seen.destination_address();
  const FilterVerdict verdict = entry.stack().hooks().pass(seen);
  if (verdict == FilterVerdict::Accept) {
    learn_from_header(seen, meant_for);
    return packet;
  }
  drop(entry, std::move(packet), DropReason::PacketFilter);
  return nullptr;
}

}  // namespace lxnet
