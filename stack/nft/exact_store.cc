// Elements by their exact keys: a hash table that grows with them.
#include "base/siphash.hh"
#include "stack/nft/set_store.hh"

namespace lxnet {
namespace {

class ExactStore final : public NftStore {
 public:
  ExactStore(const Hal& hal, NftSet& set) : NftStore(set), table_(hal), key_(hal.random<SipKey>()) {}

  void dispose(const Hal& hal) override { lxnet::dispose(hal, this); }

  NftElement* find(const uint8_t* key, uint8_t generation, Instant now) override {
    for (NftElement* element = first(key); element != nullptr; element = next(*element, key)) {
      if (element->is_found(generation, now)) return element;
    }
    return nullptr;
  }

  NftInsertion insert(NftElement& element, const NftBatchTime& batch, NftElement*& other) override {
    other = find(element.key(), batch.next, batch.now);
    if (other != nullptr) return NftInsertion::Exists;
    if (!table_.insert(element, hash_of(element.key())).is_ok()) return NftInsertion::NoMemory;
    set_.elements.push_back(element);
    return NftInsertion::Done;
  }

  void remove(NftElement& element) override {
    if (set_.collect_next == &element) set_.collect_next = set_.elements.next(element);
    table_.remove(element);
    set_.elements.remove(element);
  }

  NftElement* find_leaving(const NftElement& like, const NftBatchTime& batch) override {
    NftElement* element = find(like.key(), batch.next, batch.now);
    if (element != nullptr) element->absent = static_cast<uint8_t>(element->absent ^ batch.next);
    return element;
  }

 private:
  template <typename T>
  friend void lxnet::dispose(const Hal& hal, T* object);
  ~ExactStore() = default;

  uint64_t hash_of(const uint8_t* key) const { return siphash_1_3(key_, ByteSpan(key, set_.key_size)); }
  NftElement* match(NftElement* element, const uint8_t* key) {
    while (element != nullptr && memcmp(element->key(), key, set_.key_size) != 0) element = table_.next(*element);
    return element;
  }
  NftElement* first(const uint8_t* key) { return match(table_.first(hash_of(key)), key); }
  NftElement* next(NftElement& element, const uint8_t* key) { return match(table_.next(element), key); }

  HashTable<NftElement, &NftElement::hash_link> table_;
  SipKey key_;
};

}  // namespace

Result<NftStore*> create_exact_store(const Hal& hal, NftSet& set) {
  NftStore* store = construct<ExactStore>(hal, hal, set);
  if (store == nullptr) return Errno::ENOMEM;
  return store;
}

}  // namespace lxnet
