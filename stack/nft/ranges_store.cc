// Elements that are ranges in each of several fields. They are looked through one after the other.
#include "stack/nft/set_store.hh"

namespace lxnet {
namespace {

constexpr size_t padded(size_t size) { return (size + 3) & ~size_t{3}; }

class RangesStore final : public NftStore {
 public:
  explicit RangesStore(NftSet& set) : NftStore(set) {}
  void dispose(const Hal& hal) override { lxnet::dispose(hal, this); }

  NftElement* find(const uint8_t* key, uint8_t generation, Instant now) override {
    for (NftElement& element : set_.elements) {
      if (element.is_found(generation, now) && holds(element, key)) return &element;
    }
    return nullptr;
  }

  NftInsertion insert(NftElement& element, const NftBatchTime& batch, NftElement*& other) override {
    const uint8_t* begin = element.key();
    const uint8_t* end = end_of(element);
    other = find(begin, batch.next, batch.now);
    if (other != nullptr) {
      const bool is_same = memcmp(begin, other->key(), set_.key_size) == 0 && memcmp(end, end_of(*other), set_.key_size) == 0;
      return is_same ? NftInsertion::Exists : NftInsertion::Overlaps;
    }
    other = find(end, batch.next, batch.now);
    if (other != nullptr) return NftInsertion::Overlaps;
    size_t at = 0;
    for (size_t i = 0; i < field_count(); ++i) {
      if (memcmp(begin + at, end + at, field_size(i)) > 0) return NftInsertion::Invalid;
      at += padded(field_size(i));
    }
    set_.elements.push_back(element);
    return NftInsertion::Done;
  }

  void remove(NftElement& element) override { set_.elements.remove(element); }

  NftElement* find_leaving(const NftElement& like, const NftBatchTime& batch) override {
    for (NftElement& element : set_.elements) {
      if (!element.is_found(batch.next, batch.now) || !holds(element, like.key())) continue;
      element.absent = static_cast<uint8_t>(element.absent ^ batch.next);
      return &element;
    }
    return nullptr;
  }

 private:
  template <typename T>
  friend void lxnet::dispose(const Hal& hal, T* object);
  ~RangesStore() = default;

  static const uint8_t* end_of(const NftElement& element) { return element.has_end() ? element.end() : element.key(); }
  size_t field_count() const { return set_.field_count == 0 ? 1 : set_.field_count; }
  size_t field_size(size_t index) const { return set_.field_count == 0 ? set_.key_size : set_.field_sizes[index]; }
  bool holds(const NftElement& element, const uint8_t* key) const {
    const uint8_t* begin = element.key();
    const uint8_t* end = end_of(element);
    size_t at = 0;
    for (size_t i = 0; i < field_count(); ++i) {
      const size_t size = field_size(i);
      if (memcmp(key + at, begin + at, size) < 0 || memcmp(key + at, end + at, size) > 0) return false;
      at += padded(size);
    }
    return true;
  }
};

}  // namespace

Result<NftStore*> create_ranges_store(const Hal& hal, NftSet& set) {
  NftStore* store = construct<RangesStore>(hal, set);
  if (store == nullptr) return Errno::ENOMEM;
  return store;
}

}  // namespace lxnet
