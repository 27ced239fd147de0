#include "compat/afnetlink/nfnetlink.hh"

#include "compat/afnetlink/nftables/messages.hh"

namespace lxnet {
namespace {

using nft::Context;
using nft::MessageRow;
using nft::NftTables;

constexpr uint16_t kBatchBegin = 0x10, kBatchEnd = 0x11;  // NFNL_MSG_BATCH_*
constexpr uint16_t kSubsystems = 14;                      // NFNL_SUBSYS_COUNT
constexpr size_t kHead = sizeof(NetlinkHeader), kWholeHead = kHead + sizeof(NetfilterHeader);
constexpr Errno kRestart = static_cast<Errno>(85);  // ERESTART: the rules have changed since the program read them

constexpr uint8_t subsystem_of(uint16_t type) { return static_cast<uint8_t>(type >> 8); }
constexpr uint8_t message_of(uint16_t type) { return static_cast<uint8_t>(type); }

NetlinkHeader header_of(ByteSpan bytes) {
  NetlinkHeader header{};
  copy_bytes(mutable_bytes_of(header), bytes);
  return header;
}
NetfilterHeader netfilter_header_of(ByteSpan message) {
  NetfilterHeader head{};
  copy_bytes(MutableByteSpan(reinterpret_cast<uint8_t*>(&head), sizeof head), message.subspan(kHead));
  return head;
}
ByteSpan attributes_of(ByteSpan message) { return message.size() > kWholeHead ? message.subspan(kWholeHead) : ByteSpan(); }
ByteSpan after(ByteSpan bytes, size_t length) {
  const size_t step = netlink_align(length);
  return bytes.subspan(step < bytes.size() ? step : bytes.size());
}

// Made when somebody first speaks of them.
NftTables* tables_of(SyscallContext& context) {
  NetlinkDomain& domain = NetlinkDomain::of(context.stack());
  auto* known = static_cast<NftTables*>(__atomic_load_n(&domain.netfilter_tables, __ATOMIC_ACQUIRE));
  if (known != nullptr) return known;
  auto* made = construct<NftTables>(context.hal(), context.stack(), domain);
  void* nobody = nullptr;
  if (made == nullptr) return nullptr;
  if (__atomic_compare_exchange_n(&domain.netfilter_tables, &nobody, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return made;
  dispose(context.hal(), made);
  return static_cast<NftTables*>(nobody);
}

Context context_of(SyscallContext& call, NftTables& tables, NetlinkPeer& peer, ByteSpan message, NetlinkComplaint* complaint) {
  Context context{.tables = tables, .call = &call, .time = call.entry().now()};
  context.header = header_of(message);
  context.header.port = peer.port();
  context.family = netfilter_header_of(message).family;
  context.message = message_of(context.header.type);
  context.complaint = complaint;
  context.peer = &peer;
  return context;
}

// ---- questions: nfnetlink_rcv_msg()

Result<> answer(SyscallContext& call, NftTables& tables, NetlinkPeer& peer, ByteSpan message, NetlinkComplaint& complaint) {
  if (message.size() < kWholeHead) return ok();
  const NetlinkHeader header = header_of(message);
  const MessageRow* row = nft::find_message(subsystem_of(header.type), message_of(header.type));
  if (row == nullptr) return Errno::EINVAL;
  NlaTable attributes;
  TRY(parse_attributes(attributes, attributes_of(message), row->last, row->policy, &complaint));
  if (row->kind != MessageRow::Kind::Question) return Errno::EINVAL;
  Context context = context_of(call, tables, peer, message, &complaint);
  context.attributes = &attributes;
  TaskMutexLock lock(tables.batches, call.entry());
  return row->handle(context);
}

void answer_all(SyscallContext& call, NftTables& tables, NetlinkPeer& peer, ByteSpan bytes) {
  while (bytes.size() >= kHead) {
    const NetlinkHeader header = header_of(bytes);
    if (header.length < kHead || header.length > bytes.size()) return;
    const ByteSpan message = bytes.first(header.length);
    NetlinkComplaint complaint;
    Errno error{};
    if ((header.flags & kNetlinkRequest) != 0 && header.type >= kNetlinkFirstType) {
      auto answered = answer(call, tables, peer, message, complaint);
      if (!answered.is_ok()) error = answered.error();
    }
    // A dump's end is its acknowledgement.
    const bool is_dump = peer.begin_dump(call);
    if (!is_dump && ((header.flags & kNetlinkAck) != 0 || error != Errno{})) peer.acknowledge(message, error, complaint);
    bytes = after(bytes, header.length);
  }
}

// ---- batches: nfnetlink_rcv_batch()

struct Verdict {
  ListLink link;
  ByteSpan message;
  Errno error{};
  NetlinkComplaint complaint;
};

class Batch {
 public:
  Batch(SyscallContext& call, NftTables& tables, NetlinkPeer& peer, ByteSpan begin, ByteSpan rest)
      : call_(call), tables_(tables), peer_(peer), begin_(begin), rest_(rest), first_(first_of(begin, rest)) {}
  ~Batch() { forget_verdicts(); }

  // Read once more where jumps turn out to lead nowhere: then each message is checked, and the one that is wrong is named.
  void run(uint32_t generation) {
    TaskMutexLock lock(tables_.batches, call_.entry());
    if (!tables_.is_generation(generation)) return peer_.acknowledge(begin_, kRestart, {});
    bool has_failed = false;
    for (int tries = 0; tries < 3; ++tries) {
      if (!run_once(has_failed)) break;
    }
    while (Verdict* verdict = verdicts_.take_front()) {
      peer_.acknowledge(verdict->message, verdict->error, verdict->complaint);
      dispose(call_.hal(), verdict);
    }
  }

 private:
  enum class End : uint8_t { Missing, Reached, Broken };

  // True: once more.
  bool run_once(bool& has_failed) {
    tables_.begin_batch(call_.entry());
    last_ = begin_;
    const bool is_sound = (header_of(begin_).flags & kNetlinkAck) == 0 || note(begin_, Errno{}, {});
    bool fails = has_failed;
    const End end = is_sound ? read(fails) : End::Broken;
    // What concerns all of it is said of the first message behind the beginning.
    Context context = context_of(call_, tables_, peer_, first_, nullptr);
    if (end == End::Reached && !fails) {
      auto committed = tables_.commit(context);
      if (committed.is_ok()) {
        if ((header_of(last_).flags & kNetlinkAck) != 0) note(last_, Errno{}, {});
        return false;
      }
      if (committed.error() == Errno::EAGAIN) {
        static_cast<void>(tables_.abort(context, false));
        restore_check();
        forget_verdicts();
        return true;
      }
      static_cast<void>(tables_.abort(context, false));
      peer_.acknowledge(first_, committed.error(), {});
      return false;
    }
    const bool validates = end != End::Broken && !fails;
    auto aborted = tables_.abort(context, validates);
    if (aborted.is_ok()) return false;
    forget_verdicts();
    has_failed = true;
    return true;
  }

  // abort() has put it back for the tables that stay; those of the batch begin with it.
  void restore_check() {
    tables_.check = NftCheck::Do;
    for (NftTable& table : tables_.tables) table.check = NftCheck::Do;
  }

  End read(bool& fails) {
    for (ByteSpan bytes = rest_; bytes.size() >= kHead;) {
      const NetlinkHeader header = header_of(bytes);
      if (header.length < kWholeHead || header.length > bytes.size()) return broken();
      const ByteSpan message = bytes.first(header.length);
      last_ = message;
      if ((header.flags & kNetlinkRequest) != 0) {
        if (header.type == kBatchBegin) return broken();
        if (header.type == kBatchEnd) return End::Reached;
      }
      NetlinkComplaint complaint;
      auto handled = handle(message, complaint);
      const Errno error = handled.is_ok() ? Errno{} : handled.error();
      if (error != Errno{} || (header.flags & kNetlinkAck) != 0) {
        if (error == Errno::ENOMEM || !note(message, error, complaint)) {
          forget_verdicts();
          peer_.acknowledge(first_, Errno::ENOMEM, {});
          return End::Broken;
        }
        fails |= error != Errno{};
      }
      bytes = after(bytes, header.length);
    }
    return End::Missing;
  }

  End broken() {
    forget_verdicts();
    return End::Broken;
  }

  Result<> handle(ByteSpan message, NetlinkComplaint& complaint) {
    const NetlinkHeader header = header_of(message);
    if ((header.flags & kNetlinkRequest) == 0 || header.type < kNetlinkFirstType) return Errno::EINVAL;
    if (subsystem_of(header.type) != nft::kSubsystem) return Errno::EINVAL;
    const MessageRow* row = nft::find_message(nft::kSubsystem, message_of(header.type));
    if (row == nullptr || row->kind != MessageRow::Kind::Batch) return Errno::EINVAL;
    NlaTable attributes;
    TRY(parse_attributes(attributes, attributes_of(message), row->last, row->policy, &complaint));
    Context context = context_of(call_, tables_, peer_, message, &complaint);
    context.attributes = &attributes;
    return row->handle(context);
  }

  bool note(ByteSpan message, Errno error, const NetlinkComplaint& complaint) {
    auto* verdict = construct<Verdict>(call_.hal());
    if (verdict == nullptr) return false;
    verdict->message = message;
    verdict->error = error;
    verdict->complaint = complaint;
    verdicts_.push_back(*verdict);
    return true;
  }
  void forget_verdicts() {
    while (Verdict* verdict = verdicts_.take_front()) dispose(call_.hal(), verdict);
  }

  static ByteSpan first_of(ByteSpan begin, ByteSpan rest) {
    if (rest.size() < kWholeHead) return begin;
    const uint32_t length = header_of(rest).length;
    return length >= kWholeHead && length <= rest.size() ? rest.first(length) : begin;
  }

  SyscallContext& call_;
  NftTables& tables_;
  NetlinkPeer& peer_;
  const ByteSpan begin_, rest_, first_;
  ByteSpan last_;
  List<Verdict, &Verdict::link> verdicts_;
};

constexpr NlaPolicy kBatchPolicy[] = {{}, {NlaKind::U32}};

void receive_batch(SyscallContext& call, NftTables& tables, NetlinkPeer& peer, ByteSpan bytes, uint32_t length) {
  if (bytes.size() < kWholeHead) return;
  const ByteSpan begin = bytes.first(length);
  NlaTable attributes;
  if (auto parsed = parse_attributes(attributes, attributes_of(begin), 1, kBatchPolicy); !parsed.is_ok()) {
    return peer.acknowledge(begin, parsed.error(), {});
  }
  const uint32_t generation = attributes[1] ? attributes[1].be32() : 0;
  const NetfilterHeader head = netfilter_header_of(bytes);
  // Old programs write the number in their own order.
  const bool is_old = head.resource.raw() == nft::kSubsystem;
  const uint16_t subsystem = is_old ? uint16_t{nft::kSubsystem} : head.resource.get();
  if (subsystem >= kSubsystems) return peer.acknowledge(begin, Errno::EINVAL, {});
  if (subsystem != nft::kSubsystem) return peer.acknowledge(begin, Errno::EOPNOTSUPP, {});
  Batch(call, tables, peer, begin, after(bytes, length)).run(generation);
}

}  // namespace

void receive_netfilter(SyscallContext& context, ByteSpan datagram, NetlinkPeer& peer) {
  if (datagram.size() < kHead) return;
  const NetlinkHeader header = header_of(datagram);
  if (header.length < kHead || header.length > datagram.size()) return;
  const ByteSpan first = datagram.first(header.length);
  if (!context.hal().capable(LXNET_CAP_NET_ADMIN)) return peer.acknowledge(first, Errno::EPERM, {});
  NftTables* tables = tables_of(context);
  if (tables == nullptr) return peer.acknowledge(first, Errno::ENOMEM, {});
  if (header.type == kBatchBegin) return receive_batch(context, *tables, peer, datagram, header.length);
  answer_all(context, *tables, peer, datagram);
}

void close_netfilter(NetlinkDomain& domain, Entry& entry, uint32_t port) {
  auto* tables = static_cast<NftTables*>(__atomic_load_n(&domain.netfilter_tables, __ATOMIC_ACQUIRE));
  if (tables != nullptr) tables->port_closed(entry, port);
}

void destroy_netfilter(NetlinkDomain& domain) {
  auto* tables = static_cast<NftTables*>(std::exchange(domain.netfilter_tables, nullptr));
  if (tables != nullptr) dispose(tables->stack.hal(), tables);
}

}  // namespace lxnet
