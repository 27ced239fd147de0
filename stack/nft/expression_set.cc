#include "stack/nft/expression_set.hh"

#include "stack/nft/set_store.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

// nft_set_elem_update_expr(): what counts for the element. One that ends its rule ends this.
void count_for(NftElement& element, NftRegisters& registers, const NftPacket& packet) {
  for (NftExpression& expression : element.expressions()) {
    expression.kind->evaluate(expression, registers, packet);
    if (registers.verdict.code == kNftBreak) return;
  }
}

NftElement* find(NftSet& set, uint8_t from, const NftRegisters& registers, const NftPacket& packet) {
  return nft_find(set, &registers.words[from], set.generations->current(), packet.seen.entry.now());
}

}  // namespace

void evaluate_lookup(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftLookup>(self);
  NftElement* found = find(*own.set, own.from, registers, packet);
  if ((found != nullptr) == own.is_inverted) return registers.break_rule();
  if (found == nullptr) return;
  if (own.gives_data && own.to == kNftVerdictRegister) {
    registers.verdict = found->data().verdict;
  } else if (own.gives_data) {
    registers.pad(own.to, own.set->data_size);
    memcpy(registers.bytes(own.to), found->data().words, own.set->data_size);
  }
  count_for(*found, registers, packet);
}

namespace {

// A few of the elements that have run out make room; what a batch is about to change stays.
void collect_some(NftSet& set, const Hal& hal, Instant now) {
  constexpr int kLooks = 16;
  if ((set.flags & kNftSetTimeout) == 0) return;
  for (int i = 0; i < kLooks; ++i) {
    NftElement* at = set.collect_next != nullptr ? set.collect_next : set.elements.front();
    if (at == nullptr) return;
    set.collect_next = set.elements.next(*at);
    if (at->is_pinned || at->absent != 0 || (!at->is_dead && !at->is_expired(now))) continue;
    if (at->has_data() && set.has_verdicts()) continue;  // chains are counted by who holds the lock of batches
    set.store->remove(*at);
    --set.element_count;
    NftElement::destroy(hal, at);
  }
}

// Of a packet. Null: the set is full, or there is no memory.
NftElement* make_element(const NftUpdate& own, NftRegisters& registers, const NftPacket& packet) {
  NftSet& set = *own.set;
  Entry& entry = packet.seen.entry;
  const Hal& hal = entry.stack().hal();
  collect_some(set, hal, entry.now());
  if (set.element_count >= set.size) return nullptr;
  NftElementShape shape{.key_size = set.key_size, .data_size = set.is_map() ? set.data_size : uint16_t{0}};
  for (size_t i = 0; i < own.expression_count; ++i) {
    shape.expression_size = static_cast<uint16_t>(shape.expression_size + own.expressions[i]->kind->size);
  }
  NftElement* element = NftElement::create(hal, shape);
  if (element == nullptr) return nullptr;
  memcpy(element->key(), registers.bytes(own.key_from), set.key_size);
  if (set.is_map()) memcpy(element->data().words, registers.bytes(own.data_from), set.data_size);
  uint8_t* room = element->expression_memory();
  for (size_t i = 0; i < own.expression_count; ++i) {
    copy_expression(room, *own.expressions[i], entry.now());
    room += own.expressions[i]->kind->size;
  }
  const uint64_t timeout = own.timeout_ms != 0 ? own.timeout_ms : set.timeout_ms;
  if ((set.flags & kNftSetTimeout) != 0 && timeout != 0) {
    element->has_timeout = true;
    element->timeout_ms = timeout;
    element->expiration = entry.now() + Duration::millis(static_cast<int64_t>(timeout));
  }
  NftElement* other = nullptr;
  const NftBatchTime moment{set.generations->current(), set.generations->current(), entry.now(), 0};
  if (set.store->insert(*element, moment, other) == NftInsertion::Done) {
    ++set.element_count;
    return element;
  }
  NftElement::destroy(hal, element);
  return nullptr;
}

}  // namespace

void evaluate_update(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftUpdate>(self);
  NftSet& set = *own.set;
  const Instant now = packet.seen.entry.now();
  // Whatever generation it is in, it is not added a second time.
  NftElement* element = set.store->find(registers.bytes(own.key_from), 0, now);
  if (own.op == NftUpdateOp::Delete) {
    if (element != nullptr) element->is_dead = true;
    return;
  }
  if (element == nullptr) element = make_element(own, registers, packet);
  if (element == nullptr) {
    if (!own.is_inverted) registers.break_rule();
    return;
  }
  if (own.op == NftUpdateOp::Update && element->has_timeout && element->timeout_ms != 0) {
    const uint64_t timeout = own.timeout_ms != 0 ? own.timeout_ms : set.timeout_ms;
    element->expiration = now + Duration::millis(static_cast<int64_t>(timeout));
  }
  count_for(*element, registers, packet);
  if (own.is_inverted) registers.break_rule();
}

void evaluate_object(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  NftExpression& state = *nft_cast<NftObjectUse>(self).object->state;
  state.kind->evaluate(state, registers, packet);
}

void evaluate_object_map(NftExpression& self, NftRegisters& registers, const NftPacket& packet) {
  const auto& own = nft_cast<NftObjectMap>(self);
  NftElement* found = find(*own.set, own.from, registers, packet);
  if (found == nullptr || found->object == nullptr) return registers.break_rule();
  NftExpression& state = *found->object->state;
  state.kind->evaluate(state, registers, packet);
}

}  // namespace lxnet
