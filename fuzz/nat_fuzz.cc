// The input is packets, one after another, and the way that each takes through the hooks of a stack whose rules change every
// source and every destination. Whatever they are, they end, and what comes through can still be read.
#include "fuzz/support/calls.hh"
#include "stack/conntrack/connection_tracker.hh"
#include "stack/filter/filter_packet.hh"
#include "stack/nat/nat_sources.hh"
#include "stack/stack.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

namespace {

constexpr FilterHook kWays[3][3] = {{FilterHook::PreRouting, FilterHook::LocalIn, FilterHook::LocalIn},
                                    {FilterHook::PreRouting, FilterHook::Forward, FilterHook::PostRouting},
                                    {FilterHook::LocalOut, FilterHook::PostRouting, FilterHook::PostRouting}};

FilterVerdict change(PacketHook& self, FilterPacket& packet) {
  const bool is_v4 = packet.family == IpFamily::V4;
  if (packet.hook == FilterHook::LocalOut && packet.source[0] % 2 == 0)
    return redirect(packet, {.flags = kNatMapParts, .first_part = 7, .last_part = 9});
  const IpAddress first = is_v4 ? IpAddress(Ipv4Address(10, 9, 8, 7)) : IpAddress(Ipv6Address(0xfd00, 0, 0, 0, 0, 0, 0, 1));
  const IpAddress last = is_v4 ? IpAddress(Ipv4Address(10, 9, 9, 9)) : IpAddress(Ipv6Address(0xfd00, 0, 0, 0, 0, 0, 1, 1));
  const NatRange range{
      .flags = kNatMapAddresses | kNatMapParts, .first = first, .last = last, .first_part = 2000, .last_part = 2003};
  return packet.entry.stack().connections().tracker()->nat().decide(packet, range, nat_side_of(self.hook));
}

struct Rules {
  Rules() {
    Stack& stack = host().stack();
    for (const IpFamily family : {IpFamily::V4, IpFamily::V6}) {
      uses[family == IpFamily::V4 ? 0 : 1] = ConnectionUse::create(stack, family).take();
      for (const FilterHook hook : {FilterHook::PreRouting, FilterHook::LocalIn, FilterHook::LocalOut, FilterHook::PostRouting}) {
        PacketHook& rule = hooks[count++];
        rule.family = family;
        rule.hook = hook;
        rule.run = &change;
        MutexLock lock(stack.hooks().mutex());
        stack.connections().tracker()->nat().add_rules_locked(stack.hooks(), rule);
      }
    }
    check(stack.tunables().set("net.netfilter.nf_conntrack_max", "64").is_ok());
  }
  ConnectionUse uses[2];
  PacketHook hooks[8];
  size_t count = 0;
};

// Its IP header is whole, in bytes that end with it; the rest lies apart.
Ref<Packet> make(Entry& entry, IpFamily family, std::vector<uint8_t> bytes) {
  const size_t header = family == IpFamily::V4 ? 20 : 40;
  if (bytes.size() < header) bytes.resize(header);
  // Of IPv4 its size has been checked by who received it.
  size_t linear = header;
  if (family == IpFamily::V4) {
    const size_t said = size_t{bytes[0] & 15u} * 4;
    if (said < header || said > bytes.size()) bytes[0] = 0x45;
    linear = size_t{bytes[0] & 15u} * 4;
  }
  Ref<Packet> packet = Packet::create(entry.stack().pool()).take();
  copy_bytes(packet->append(linear), bytes);
  if (!packet->append_copy(ByteSpan(bytes).subspan(linear)).is_ok()) return nullptr;
  packet->mark_network_header();
  return packet;
}

void pass(Entry& entry, IpFamily family, size_t way, ChecksumState checksum, std::vector<uint8_t> bytes) {
  Ref<Packet> packet = make(entry, family, std::move(bytes));
  if (!packet) return;
  packet->checksum = checksum;
  const size_t size = packet->size();
  const Ref<Interface> interface = entry.stack().interfaces().find_next(0);
  for (const FilterHook hook : kWays[way]) {
    FilterPacket seen(entry, *packet, family, hook, interface.get(), interface.get());
    if (entry.stack().hooks().pass(seen) != FilterVerdict::Accept) return;
    check(packet->size() == size);
    const FilterPacket again(entry, *packet, family, hook, nullptr, nullptr);
    check(again.source_address() == seen.source_address() && again.destination_address() == seen.destination_address());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static auto* rules = new Rules();
  static_cast<void>(rules);
  Input input(data, size);
  while (input.left() != 0) {
    Entry entry(host().stack());
    const auto how = input.take<uint8_t>();
    const IpFamily family = (how & 1) == 0 ? IpFamily::V4 : IpFamily::V6;
    pass(entry, family, how / 2 % 3, (how & 64) != 0 ? ChecksumState::Verified : ChecksumState::Unknown,
         input.take_bytes(input.take<uint8_t>()));
  }
  MutexLock lock(host().stack().hooks().mutex());
  ConnectionTable& table = host().stack().connections().tracker()->table();
  check(table.count() <= 64);
  table.for_each([&](Connection& connection) { table.remove(connection); });
  return 0;
}
