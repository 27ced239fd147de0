#include "stack/nft/set.hh"

#include "stack/nft/set_store.hh"

namespace lxnet {
namespace {

constexpr size_t align8(size_t size) { return (size + 7) & ~size_t{7}; }

}  // namespace

NftElement* NftElement::create(const Hal& hal, const NftElementShape& shape) {
  size_t at = align8(shape.key_size);
  const size_t end_at = at;
  at += align8(shape.end_size);
  const size_t data_at = at;
  at += align8(shape.data_size);
  const size_t expressions_at = at;
  at += align8(shape.expression_size);
  const size_t user_at = at;
  at += align8(shape.user_size);
  const size_t size = sizeof(NftElement) + at;
  void* block = hal.alloc(size, alignof(NftElement));
  if (block == nullptr) return nullptr;
  memset(block, 0, size);
  auto* element = new (block) NftElement();
  element->shape = shape;
  element->end_at = static_cast<uint16_t>(end_at);
  element->data_at = static_cast<uint16_t>(data_at);
  element->expressions_at = static_cast<uint16_t>(expressions_at);
  element->user_at = static_cast<uint16_t>(user_at);
  element->block_size = static_cast<uint32_t>(size);
  return element;
}

void NftElement::destroy(const Hal& hal, NftElement* element) {
  const uint32_t size = element->block_size;
  element->~NftElement();
  hal.free(element, size);
}

NftElement* nft_find(NftSet& set, const uint32_t* key, uint8_t generation, Instant now) {
  NftElement* found = set.store->find(reinterpret_cast<const uint8_t*>(key), generation, now);
  if (found != nullptr) return found;
  for (NftElement& element : set.catch_all) {
    if (element.is_found(generation, now)) return &element;
  }
  return nullptr;
}

}  // namespace lxnet
