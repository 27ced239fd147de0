// What listeners are told of a batch (NFNLGRP_NFTABLES), and whoever asked for an echo.
#include "compat/afnetlink/nftables/objects.hh"

namespace lxnet::nft {
namespace {

constexpr int kProtocol = 12;   // NETLINK_NETFILTER
constexpr uint32_t kGroup = 7;  // NFNLGRP_NFTABLES
constexpr uint16_t kMade = kCreate | kExclusive;

bool has_hearers(const Context& context, bool is_echo) { return is_echo || context.tables.domain.has_members(kProtocol, kGroup); }

// fill(writer) -> bool
template <typename Fill>
void tell(Context& context, uint16_t flags, Fill&& fill) {
  const bool is_echo = (flags & kEcho) != 0;
  if (!has_hearers(context, is_echo)) return;
  auto room = HeapArray<uint8_t>::create(context.hal(), kGoodSize);
  auto* notice = room.is_ok() ? construct<Notice>(context.hal()) : nullptr;
  if (notice == nullptr) return context.tables.domain.overrun(kProtocol, kGroup);
  HeapArray<uint8_t> buffer = room.take();
  MessageWriter writer({buffer.data(), buffer.size()});
  const bool fits = fill(writer);
  auto copy = HeapArray<uint8_t>::create(context.hal(), writer.size());
  if (!fits || !copy.is_ok()) {
    dispose(context.hal(), notice);
    return context.tables.domain.overrun(kProtocol, kGroup);
  }
  notice->bytes = copy.take();
  copy_bytes({notice->bytes.data(), notice->bytes.size()}, writer.written());
  notice->is_echo = is_echo;
  context.tables.notices.push_back(*notice);
}

Told told_of(const Context& context, const Transaction& of, uint8_t message) {
  return {message, static_cast<uint16_t>(of.flags & kMade), of.sequence, context.header.port};
}

}  // namespace

void tell_table(Context& context, const Transaction& of, uint8_t message) {
  tell(context, of.flags,
       [&](MessageWriter& writer) { return fill_table(context.tables, writer, told_of(context, of, message), *of.table); });
}

void tell_chain(Context& context, const Transaction& of, uint8_t message) {
  tell(context, of.flags, [&](MessageWriter& writer) {
    return fill_chain(context.tables, writer, told_of(context, of, message), *of.chain, of.is_update);
  });
}

void tell_rule(Context& context, const Transaction& of, uint8_t message) {
  tell(context, of.flags, [&](MessageWriter& writer) {
    Told told = told_of(context, of, message);
    if ((of.flags & (kAppend | kReplace)) != 0) told.flags |= kAppend;
    uint64_t position = 0;
    if (message == kNewRule && of.rule->link.is_linked()) {
      const NftRule* before = of.chain->rules.previous(*of.rule);
      const NftRule* behind = of.chain->rules.next(*of.rule);
      if (before != nullptr && behind != nullptr) position = before->handle;
    }
    MutexLock lock(context.tables.stack.hooks().mutex());
    return fill_rule(context.tables, writer, told, *of.chain, *of.rule, position, false);
  });
}

void tell_set(Context& context, NftTable&, NftSet& set, uint16_t flags, uint32_t sequence, uint8_t message) {
  tell(context, flags, [&](MessageWriter& writer) {
    MutexLock lock(context.tables.stack.hooks().mutex());
    return fill_set(context.tables, writer, {message, static_cast<uint16_t>(flags & kMade), sequence, context.header.port}, set);
  });
}

void tell_element(Context& context, const Transaction& of, uint8_t message) {
  tell(context, of.flags, [&](MessageWriter& writer) {
    Told told = told_of(context, of, message);
    told.sequence = 0;
    const size_t list = begin_elements(context.tables, writer, told, *of.set);
    MutexLock lock(context.tables.stack.hooks().mutex());
    const bool fits = fill_element(context.tables, writer, *of.set, *of.element, context.now(), false);
    writer.end_nest(list);
    return writer.end() && fits;
  });
}

void tell_object(Context& context, const Transaction& of, uint8_t message) {
  tell(context, of.flags, [&](MessageWriter& writer) {
    MutexLock lock(context.tables.stack.hooks().mutex());
    return fill_object(context.tables, writer, told_of(context, of, message), *of.object, false);
  });
}

namespace {

void send(Context& context, NetlinkPeer& peer, ByteSpan datagram, bool is_echo) {
  // Who caused it hears it once: as its echo, and not as one of the listeners.
  context.tables.domain.multicast(kProtocol, kGroup, datagram, is_echo ? context.header.port : 0);
  if (is_echo) peer.answer(datagram);
}

}  // namespace

// nft_commit_notify(): as many in one datagram as fit.
void send_notices(Context& context, NetlinkPeer& peer) {
  auto& notices = context.tables.notices;
  auto room = HeapArray<uint8_t>::create(context.hal(), kGoodSize);
  HeapArray<uint8_t> buffer;
  if (room.is_ok()) buffer = room.take();
  size_t size = 0;
  bool is_echo = false;
  while (Notice* notice = notices.take_front()) {
    const ByteSpan bytes(notice->bytes.data(), notice->bytes.size());
    if (size != 0 && (size + bytes.size() >= kGoodSize || notice->is_echo != is_echo)) {
      send(context, peer, ByteSpan(buffer.data(), size), is_echo);
      size = 0;
    }
    if (bytes.size() <= buffer.size()) {
      memcpy(buffer.data() + size, bytes.data(), bytes.size());
      size += bytes.size();
      is_echo = notice->is_echo;
    } else {
      send(context, peer, bytes, notice->is_echo);
    }
    dispose(context.hal(), notice);
  }
  if (size != 0) send(context, peer, ByteSpan(buffer.data(), size), is_echo);
  if (!has_hearers(context, context.wants_echo())) return;
  uint8_t generation[128];
  MessageWriter writer({generation, sizeof generation});
  if (fill_generation(context, writer, context.header.sequence, context.header.port)) {
    send(context, peer, writer.written(), context.wants_echo());
  }
}

}  // namespace lxnet::nft
