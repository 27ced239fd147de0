// NftTables: the nf_tables of one stack, and the batch that changes them. net/netfilter/nf_tables_api.c of Linux 6.18.
//
// One task at a time, under `batches`. Messages of a batch change objects at once, but only in the generation to come, and leave
// a transaction each; commit() makes that generation the current one, abort() takes everything back, the last change first.
#pragma once

#include "compat/afnetlink/netlink_attribute.hh"
#include "compat/afnetlink/netlink_domain.hh"
#include "compat/afnetlink/nftables/abi.hh"
#include "compat/afnetlink/nftables/message_writer.hh"
#include "compat/syscalls/task_mutex.hh"
#include "stack/nft/ruleset.hh"
#include "stack/nft/set_store.hh"

namespace lxnet::nft {

class NftTables;

// What a message's handler knows: nft_ctx and nfnl_info.
struct Context {
  NftTables& tables;
  SyscallContext* call = nullptr;  // null where no program asks
  Instant time{};
  NetlinkHeader header{};
  uint8_t family = 0;
  uint8_t message = 0;
  const NlaTable* attributes = nullptr;
  NetlinkComplaint* complaint = nullptr;
  NetlinkPeer* peer = nullptr;
  NftTable* table = nullptr;
  NftChain* chain = nullptr;
  uint8_t level = 0;     // of jumps, while a table is checked
  uint32_t written = 0;  // registers that hold something, while a rule is read

  Nla operator[](size_t type) const { return (*attributes)[type]; }
  bool has(uint16_t flag) const { return (header.flags & flag) != 0; }
  bool wants_echo() const { return has(kEcho); }
  Errno blame(Nla attribute, Errno error) const {
    if (complaint != nullptr && attribute) complaint->attribute = attribute.place();
    return error;
  }
  inline const Hal& hal() const;
  Instant now() const { return time; }
};

enum class Phase : uint8_t { Error, Prepare, Abort, Commit, Release };

// What a message has changed. `is_update`: of an object that was there.
struct Transaction {
  ListLink link, binding_link;
  uint8_t message = 0;
  bool is_update = false;
  uint16_t flags = 0;
  uint32_t sequence = 0;
  uint32_t id = 0;
  NftTable* table = nullptr;
  NftChain* chain = nullptr;
  NftRule* rule = nullptr;
  NftSet* set = nullptr;
  NftElement* element = nullptr;
  NftObject *object = nullptr, *new_object = nullptr;
  // Of chains: -1: the policy stays.
  int32_t policy = -1;
  bool has_counters = false;
  uint64_t packets = 0, bytes = 0;
  NftName name;
  // Of a set, or of an element that gets another end of its time.
  uint64_t timeout_ms = 0, expiration_ms = 0;
  uint32_t collect_ms = 0, size = 0;
  bool sets_timeout = false, sets_expiration = false;
};

// A message to who listens, and where `is_echo` to who caused it.
struct Notice {
  ListLink link;
  HeapArray<uint8_t> bytes;
  bool is_echo = false;
};

inline constexpr size_t kGoodSize = 3776;  // NLMSG_GOODSIZE: no message to listeners is longer

class NftTables {
 public:
  NftTables(Stack& of, NetlinkDomain& in) : stack(of), domain(in), batches(of.hal(), LockRank::Configuration) {}
  // Nobody sends packets any more.
  ~NftTables();

  // The tables that a port owns go with it.
  void port_closed(Entry& entry, uint32_t port);

  // ---- everything below: under `batches`
  bool is_generation(uint32_t id) const { return id == 0 || id == base_sequence; }
  void begin_batch(Entry& entry);
  // EAGAIN: jumps lead where they may not; the batch has to be aborted and read once more, and each message is checked then.
  Result<> commit(Context& context);
  Result<> abort(Context& context, bool validates);

  Stack& stack;
  NetlinkDomain& domain;
  TaskMutex batches;
  NftGenerations generations;
  List<NftTable, &NftTable::link> tables;
  List<Transaction, &Transaction::link> transactions;
  List<Transaction, &Transaction::binding_link> bindings;
  List<Notice, &Notice::link> notices;
  uint64_t last_table_handle = 0, last_chain_id = 0;
  uint32_t base_sequence = 1;
  uint64_t batch_number = 0;
  NftBatchTime batch_time{};
  NftCheck check = NftCheck::Skip;
};

inline const Hal& Context::hal() const { return tables.stack.hal(); }

}  // namespace lxnet::nft
