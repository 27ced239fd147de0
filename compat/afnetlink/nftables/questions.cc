// GETTABLE to GETGEN: single answers, and dumps. A dump goes on where it was; what has changed meanwhile is said by its flags.
#include "compat/afnetlink/nftables/questions.hh"

#include "compat/afnetlink/nftables/element_reader.hh"

namespace lxnet::nft {
namespace {

constexpr size_t kNameRoom = kNameLength + 1;

// Of what a dump is asked for.
struct DumpWish {
  uint8_t message = 0, family = 0;
  NetlinkHeader header{};
  bool names_table = false, names_chain = false;
  char table[kNameRoom] = {}, chain[kNameRoom] = {};
  uint32_t type = 0;
  uint64_t table_handle = 0, set_handle = 0;
  bool has_set = false;
};

void copy_text(char (&to)[kNameRoom], bool& is_given, Nla from) {
  if (!from) return;
  is_given = true;
  copy_bytes(MutableByteSpan(reinterpret_cast<uint8_t*>(to), kNameRoom - 1), from.text());
}

bool is_same_text(const char* one, const char* other) {
  while (*one != 0 && *one == *other) ++one, ++other;
  return *one == *other;
}

class TableDump final : public NetlinkDump {
 public:
  TableDump(NftTables& tables, const DumpWish& wish) : tables_(tables), wish_(wish) {}
  void dispose(const Hal& hal) override { lxnet::dispose(hal, this); }

  Result<Part> fill(SyscallContext& call, MutableByteSpan room) override {
    TaskMutexLock lock(tables_.batches, call.entry());
    MessageWriter writer(room);
    index_ = 0;
    now_ = call.entry().now();
    is_over_ = false;
    const uint32_t sequence = tables_.base_sequence;
    is_interrupted_ = last_sequence_ != 0 && last_sequence_ != sequence;
    if (wish_.has_set) {
      TRY(dump_set(writer));
    } else {
      dump_tables(writer);
    }
    first_ = index_;
    last_sequence_ = sequence;
    return Part{.size = writer.size(), .is_last = is_over_ || writer.size() == 0, .is_interrupted = is_interrupted_};
  }

 private:
  template <typename T>
  friend void lxnet::dispose(const Hal& hal, T* object);
  ~TableDump() = default;

  Told told(uint8_t message, uint16_t flags = 0) const {
    if (is_interrupted_) flags |= kInterrupted;
    return {message, static_cast<uint16_t>(kMulti | flags), wish_.header.sequence, wish_.header.port};
  }
  // Counts, and calls fill(); false: it did not fit, and the part ends here.
  template <typename Fill>
  bool offer(MessageWriter& writer, bool is_wanted, Fill&& fill) {
    if (index_ >= first_ && is_wanted && !fill(writer)) return false;
    ++index_;
    return true;
  }

  void dump_tables(MessageWriter& writer) {
    for (NftTable& table : tables_.tables) {
      if (wish_.family != kNftUnspecified && wish_.family != table.family) continue;
      if (!dump_table(writer, table)) return;
    }
  }

  bool dump_table(MessageWriter& writer, NftTable& table) {
    const bool is_named = !wish_.names_table || is_same_text(wish_.table, table.name.data());
    switch (wish_.message) {
      case kGetTable:
        return offer(writer, tables_.generations.is_current(table),
                     [&](MessageWriter& to) { return fill_table(tables_, to, told(kNewTable), table); });
      case kGetChain:
        return dump_chains(writer, table);
      case kGetRule:
      case kGetRuleReset:
        return !is_named || dump_rules(writer, table);
      case kGetSet:
        return !is_named || dump_sets(writer, table);
      default:
        return dump_objects(writer, table, is_named);
    }
  }

  bool dump_chains(MessageWriter& writer, NftTable& table) {
    for (NftChain& chain : table.chains) {
      const bool is_there = tables_.generations.is_current(chain);
      if (!offer(writer, is_there, [&](MessageWriter& to) { return fill_chain(tables_, to, told(kNewChain), chain, false); })) {
        return false;
      }
    }
    return true;
  }

  bool dump_rules(MessageWriter& writer, NftTable& table) {
    const bool resets = wish_.message == kGetRuleReset;
    for (NftChain& chain : table.chains) {
      if (wish_.names_table && wish_.names_chain &&
          (!is_same_text(wish_.chain, chain.name.data()) || !tables_.generations.is_current(chain))) {
        continue;
      }
      uint64_t position = 0;
      for (NftRule& rule : chain.rules) {
        const bool is_there = tables_.generations.is_current(rule);
        const bool fits = offer(writer, is_there, [&](MessageWriter& to) {
          MutexLock lock(tables_.stack.hooks().mutex());
          return fill_rule(tables_, to, told(kNewRule, kAppend), chain, rule, position, resets);
        });
        if (!fits) return false;
        if (is_there) position = rule.handle;
      }
    }
    return true;
  }

  bool dump_sets(MessageWriter& writer, NftTable& table) {
    for (NftSet& set : table.sets) {
      const bool is_there = tables_.generations.is_current(set);
      const bool fits = offer(writer, is_there, [&](MessageWriter& to) {
        MutexLock lock(tables_.stack.hooks().mutex());
        return fill_set(tables_, to, told(kNewSet), set);
      });
      if (!fits) return false;
    }
    return true;
  }

  bool dump_objects(MessageWriter& writer, NftTable& table, bool is_named) {
    for (NftObject& object : table.objects) {
      const bool is_wanted = is_named && tables_.generations.is_current(object) && (wish_.type == 0 || wish_.type == object.type);
      const bool fits = offer(writer, is_wanted, [&](MessageWriter& to) {
        MutexLock lock(tables_.stack.hooks().mutex());
        return fill_object(tables_, to, told(kNewObject, kAppend), object, wish_.message == kGetObjectReset);
      });
      if (!fits) return false;
    }
    return true;
  }

  NftSet* find_dumped_set() const {
    for (NftTable& table : tables_.tables) {
      if (table.handle != wish_.table_handle) continue;
      for (NftSet& set : table.sets) {
        if (set.handle == wish_.set_handle) return &set;
      }
    }
    return nullptr;
  }

  // One message for each part. The last holds what catches all, and comes with the end.
  Result<> dump_set(MessageWriter& writer) {
    NftSet* set = find_dumped_set();
    if (set == nullptr) return Errno::ENOENT;
    const bool resets = wish_.message == kGetElementReset;
    Told how = told(kNewElement);
    how.flags = static_cast<uint16_t>(how.flags & ~kInterrupted);  // of this Linux does not say so
    const size_t list = begin_elements(tables_, writer, how, *set);
    {
      MutexLock lock(tables_.stack.hooks().mutex());
      for (NftElement& element : set->elements) {
        const bool is_there = element.is_found(tables_.generations.current(), now_);
        if (!offer(writer, is_there, [&](MessageWriter& to) { return fill_element(tables_, to, *set, element, now_, resets); })) {
          break;
        }
      }
      is_over_ = index_ == first_;
      for (NftElement& element : set->catch_all) {
        if (!is_over_ || !element.is_found(tables_.generations.current(), now_)) continue;
        fill_element(tables_, writer, *set, element, now_, resets);
        break;
      }
    }
    writer.end_nest(list);
    writer.end();
    return ok();
  }

  NftTables& tables_;
  const DumpWish wish_;
  size_t first_ = 0, index_ = 0;
  uint32_t last_sequence_ = 0;
  bool is_interrupted_ = false, is_over_ = false;
  Instant now_;
};

Result<> start_dump(Context& context, DumpWish& wish) {
  wish.message = context.message;
  wish.family = context.family;
  wish.header = context.header;
  auto* dump = construct<TableDump>(context.hal(), context.tables, wish);
  if (dump == nullptr) return Errno::ENOMEM;
  return context.peer->start_dump(*context.call, dump, wish.header);
}

// ---- single answers

template <typename Fill>
Result<> answer(Context& context, Fill&& fill) {
  auto room = HeapArray<uint8_t>::create(context.hal(), kGoodSize);
  if (!room.is_ok()) return Errno::ENOMEM;
  HeapArray<uint8_t> buffer = room.take();
  MessageWriter writer({buffer.data(), buffer.size()});
  // Linux says that it lacks the permission where it lacks the room.
  if (!fill(writer)) return Errno::EPERM;
  context.peer->answer(writer.written());
  return ok();
}

Told told_single(const Context& context, uint8_t message) { return {message, 0, context.header.sequence, context.header.port}; }

Result<> find_asked_table(Context& context, Nla name) {
  auto found = find_table(context.tables, name, context.family, context.tables.generations.current(), 0);
  if (!found.is_ok()) return context.blame(name, found.error());
  context.table = found.take();
  return ok();
}

Result<> get_table(Context& context) {
  TRY(find_asked_table(context, context[kTableName]));
  return answer(context, [&](MessageWriter& writer) {
    return fill_table(context.tables, writer, told_single(context, kNewTable), *context.table);
  });
}

Result<> find_asked_chain(Context& context, Nla name) {
  auto found = find_chain(*context.table, name, context.tables.generations.current());
  if (!found.is_ok()) return context.blame(name, found.error());
  context.chain = found.take();
  return ok();
}

Result<> get_chain(Context& context) {
  TRY(find_asked_table(context, context[kChainTable]));
  TRY(find_asked_chain(context, context[kChainName]));
  return answer(context, [&](MessageWriter& writer) {
    return fill_chain(context.tables, writer, told_single(context, kNewChain), *context.chain, false);
  });
}

Result<> get_rule(Context& context) {
  TRY(find_asked_table(context, context[kRuleTable]));
  TRY(find_asked_chain(context, context[kRuleChain]));
  const Nla handle = context[kRuleHandle];
  if (!handle) return Errno::EINVAL;
  auto found = find_rule(*context.chain, handle.be64());
  if (!found.is_ok()) return context.blame(handle, found.error());
  NftRule& rule = *found.take();
  return answer(context, [&](MessageWriter& writer) {
    MutexLock lock(context.tables.stack.hooks().mutex());
    return fill_rule(context.tables, writer, told_single(context, kNewRule), *context.chain, rule, 0,
                     context.message == kGetRuleReset);
  });
}

Result<> get_set(Context& context) {
  if (context[kSetTable]) TRY(find_asked_table(context, context[kSetTable]));
  if (context.has(kDump)) {
    DumpWish wish;
    copy_text(wish.table, wish.names_table, context[kSetTable]);
    return start_dump(context, wish);
  }
  if (context.family == kNftUnspecified) return Errno::EAFNOSUPPORT;
  if (!context[kSetTable]) return Errno::EINVAL;
  auto found = find_set(*context.table, context[kSetName], context.tables.generations.current());
  if (!found.is_ok()) return context.blame(context[kSetName], found.error());
  NftSet& set = *found.take();
  return answer(context, [&](MessageWriter& writer) {
    MutexLock lock(context.tables.stack.hooks().mutex());
    return fill_set(context.tables, writer, told_single(context, kNewSet), set);
  });
}

Result<NftElement*> find_element(Context& context, NftSet& set, Nla nest) {
  NlaTable attributes;
  TRY(parse_attributes(attributes, nest.value(), kElementExpressions, kElementPolicy));
  const uint8_t flags = TRY(read_element_flags(set, attributes[kElementFlags]));
  const bool catches_all = (flags & kNftElementCatchAll) != 0;
  if (!attributes[kElementKey] && !catches_all) return Errno::EINVAL;
  NftData key{}, end{};
  if (attributes[kElementKey]) TRY(read_element_key(context, set, key, attributes[kElementKey]));
  if (attributes[kElementKeyEnd]) TRY(read_element_key(context, set, end, attributes[kElementKeyEnd]));
  const uint8_t current = context.tables.generations.current();
  MutexLock lock(context.tables.stack.hooks().mutex());
  if (catches_all) {
    for (NftElement& element : set.catch_all) {
      if (element.is_found(current, context.now())) return &element;
    }
    return Errno::ENOENT;
  }
  Errno error{};
  NftElement* found =
      set.store->get(reinterpret_cast<const uint8_t*>(key.words), (flags & kNftElementEnd) != 0, current, context.now(), error);
  return error == Errno{} ? Result<NftElement*>(found) : Result<NftElement*>(error);
}

Result<> get_one_element(Context& context, NftSet& set, Nla nest) {
  NftElement* element = TRY(find_element(context, set, nest));
  if (element == nullptr) return ok();
  return answer(context, [&](MessageWriter& writer) {
    const size_t list = begin_elements(context.tables, writer, told_single(context, kNewElement), set);
    MutexLock lock(context.tables.stack.hooks().mutex());
    const bool fits = fill_element(context.tables, writer, set, *element, context.now(), context.message == kGetElementReset);
    writer.end_nest(list);
    return writer.end() && fits;
  });
}

Result<> get_elements(Context& context) {
  if (!context.has(kDump) && !context[kListElements]) return Errno::EINVAL;
  TRY(find_asked_table(context, context[kListTable]));
  auto found = find_set(*context.table, context[kListSet], context.tables.generations.current());
  if (!found.is_ok()) return context.blame(context[kListSet], found.error());
  NftSet& set = *found.take();
  if (context.has(kDump)) {
    DumpWish wish;
    wish.has_set = true;
    wish.table_handle = context.table->handle;
    wish.set_handle = set.handle;
    return start_dump(context, wish);
  }
  for (const Nla nest : NlaRange(context[kListElements])) {
    if (auto got = get_one_element(context, set, nest); !got.is_ok()) return context.blame(nest, got.error());
  }
  return ok();
}

Result<> get_object(Context& context) {
  if (!context[kObjectName] || !context[kObjectType]) return Errno::EINVAL;
  TRY(find_asked_table(context, context[kObjectTable]));
  auto found =
      find_object(*context.table, context[kObjectName], context[kObjectType].be32(), context.tables.generations.current());
  if (!found.is_ok()) return context.blame(context[kObjectName], found.error());
  NftObject& object = *found.take();
  return answer(context, [&](MessageWriter& writer) {
    MutexLock lock(context.tables.stack.hooks().mutex());
    return fill_object(context.tables, writer, told_single(context, kNewObject), object, context.message == kGetObjectReset);
  });
}

Result<> get_flow_table(Context& context) {
  if (!context[kFlowTableName]) return Errno::EINVAL;
  TRY(find_asked_table(context, context[kFlowTableTable]));
  return context.blame(context[kFlowTableName], Errno::ENOENT);
}

Result<> dump(Context& context) {
  DumpWish wish;
  if (context.message == kGetRule || context.message == kGetRuleReset) {
    copy_text(wish.table, wish.names_table, context[kRuleTable]);
    copy_text(wish.chain, wish.names_chain, context[kRuleChain]);
  } else if (context.message == kGetObject || context.message == kGetObjectReset) {
    copy_text(wish.table, wish.names_table, context[kObjectTable]);
    if (context[kObjectType]) wish.type = context[kObjectType].be32();
  } else if (context.message == kGetFlowTable) {
    wish.type = UINT32_MAX;  // there are none
  }
  return start_dump(context, wish);
}

}  // namespace

Result<> answer_question(Context& context) {
  const bool is_set = context.message == kGetSet || context.message == kGetElement || context.message == kGetElementReset;
  if (context.has(kDump) && !is_set && context.message != kGetGeneration) return dump(context);
  switch (context.message) {
    case kGetTable:
      return get_table(context);
    case kGetChain:
      return get_chain(context);
    case kGetRule:
    case kGetRuleReset:
      return get_rule(context);
    case kGetSet:
      return get_set(context);
    case kGetElement:
    case kGetElementReset:
      return get_elements(context);
    case kGetObject:
    case kGetObjectReset:
      return get_object(context);
    case kGetFlowTable:
      return get_flow_table(context);
    default:
      return answer(context, [&](MessageWriter& writer) {
        return fill_generation(context, writer, context.header.sequence, context.header.port);
      });
  }
}

bool fill_generation(Context& context, MessageWriter& writer, uint32_t sequence, uint32_t port) {
  lxnet_credentials caller{};
  context.hal().credentials(caller);
  writer.begin(kSubsystem << 8 | kNewGeneration, 0, sequence, port,
               {0, 0, Be16(static_cast<uint16_t>(context.tables.base_sequence))});
  writer.put_be32(kGenerationId, context.tables.base_sequence);
  writer.put_be32(kGenerationProcess, static_cast<uint32_t>(caller.pid));
  return writer.end();
}

}  // namespace lxnet::nft
