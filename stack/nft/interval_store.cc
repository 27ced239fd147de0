// Intervals of one field. A beginning and an end are an element each; what they include goes from one to the next above it.
//
// Programs' elements stand in a tree. Packets search an array that is made of it when a batch is done, so that nothing they look
// at changes in between. The rules of what may stand beside what are Linux's (nft_set_rbtree.c): a program's two elements of an
// interval come one after the other, the beginning first, and an end that is there already may only belong to the same.
#include "stack/nft/element_tree.hh"
#include "stack/nft/set_store.hh"

namespace lxnet {
namespace {

struct Interval {
  NftElement *from = nullptr, *to = nullptr;
};

class IntervalStore final : public NftStore {
 public:
  IntervalStore(const Hal& hal, NftSet& set) : NftStore(set), tree_(set, hal.random<uint32_t>()) {}
  void dispose(const Hal& hal) override { lxnet::dispose(hal, this); }

  NftElement* find(const uint8_t* key, uint8_t, Instant now) override {
    const Interval* found = search(key, false);
    return found == nullptr || found->from->is_expired(now) ? nullptr : found->from;
  }

  NftInsertion insert(NftElement& element, const NftBatchTime& batch, NftElement*& other) override {
    begin_batch(batch);
    const NftInsertion result = check(element, batch, other);
    if (result == NftInsertion::Done) tree_.insert(element);
    return result;
  }
  void remove(NftElement& element) override { tree_.remove(element); }
  NftElement* find_leaving(const NftElement& like, const NftBatchTime& batch) override;
  NftElement* get(const uint8_t* key, bool asks_end, uint8_t generation, Instant now, Errno& error) override;

  Result<> prepare(const Hal& hal) override {
    coming_ = TRY(HeapArray<Interval>::create(hal, set_.element_count + 2));
    is_prepared_ = true;
    return ok();
  }
  void publish() override;
  void settle(const Hal&) override {
    coming_ = HeapArray<Interval>();
    is_prepared_ = false;
  }
  uint32_t spare_elements() const override;

 private:
  template <typename T>
  friend void lxnet::dispose(const Hal& hal, T* object);
  ~IntervalStore() = default;

  struct Neighbours {
    NftElement *lower = nullptr, *upper = nullptr;
  };

  void begin_batch(const NftBatchTime& batch) {
    if (batch_ != batch.number) begun_ = nullptr;
    batch_ = batch.number;
  }
  bool is_null(const NftElement& element) const;
  NftInsertion check(NftElement& element, const NftBatchTime& batch, NftElement*& other);
  Neighbours find_neighbours(NftElement& element, const NftBatchTime& batch);
  bool continues_begun(NftElement* next);
  bool ends_interval_begun(NftElement& end, uint8_t generation);
  bool takes_leave_of_begun(NftElement& end, uint8_t generation);
  void expire(NftElement& element, Neighbours& found);
  const Interval* search(const uint8_t* key, bool or_at_its_end) const;

  ElementTree tree_;
  HeapArray<Interval> live_, coming_;
  size_t live_count_ = 0;
  bool is_prepared_ = false;
  // The beginning that was there already or goes, whose end has to follow; and in which batch.
  const NftElement* begun_ = nullptr;
  uint64_t batch_ = 0;
};

// The end at zero, with which programs say that nothing is included below the first beginning.
bool IntervalStore::is_null(const NftElement& element) const {
  if (!element.is_end()) return false;
  for (size_t i = 0; i < set_.key_size; ++i) {
    if (element.key()[i] != 0) return false;
  }
  return true;
}

// An element that has run out, and the end above it, are found no more.
void IntervalStore::expire(NftElement& element, Neighbours& found) {
  NftElement* end = set_.elements.previous(element);
  while (end != nullptr && !(end->is_end() && end->absent != 3)) end = set_.elements.previous(*end);
  for (NftElement* gone : {end, &element}) {
    if (gone == nullptr) continue;
    if (found.lower == gone) found.lower = nullptr;
    if (found.upper == gone) found.upper = nullptr;
    tree_.remove(*gone);
    set_.expired.push_back(*gone);
    --set_.element_count;
  }
}

// Downwards from just above the new element, to what stands before it.
IntervalStore::Neighbours IntervalStore::find_neighbours(NftElement& element, const NftBatchTime& batch) {
  Neighbours found;
  NftElement* first = tree_.first_above(element);
  if (first == nullptr) first = set_.elements.front();
  for (NftElement *at = first, *next = nullptr; at != nullptr; at = next) {
    next = set_.elements.next(*at);
    if (!at->is_in(batch.next)) continue;
    if (at->is_expired(batch.now) && at->is_in(batch.current) && !at->is_pinned) {
      expire(*at, found);
      continue;
    }
    const int order = tree_.compare(*at, element);
    if (order > 0) {
      found.upper = at;
      continue;
    }
    if (order < 0 || at->is_end()) {
      found.lower = at;
      return found;
    }
    // A beginning of the same key: the last of those that are alike.
    found.upper = at;
  }
  return found;
}

bool IntervalStore::continues_begun(NftElement* next) {
  const bool continues = next != nullptr && !next->is_end() && next == begun_;
  begun_ = nullptr;
  return continues;
}

// Whether the beginning before an end that is there is the one that was there as well.
bool IntervalStore::ends_interval_begun(NftElement& end, uint8_t generation) {
  if (begun_ == nullptr) return true;
  NftElement* next = set_.elements.next(end);
  while (next != nullptr && !next->is_in(generation)) next = set_.elements.next(*next);
  return continues_begun(next);
}

NftInsertion IntervalStore::check(NftElement& element, const NftBatchTime& batch, NftElement*& other) {
  const Neighbours found = find_neighbours(element, batch);
  const bool is_end = element.is_end();
  if (is_null(element) || !is_end) begun_ = nullptr;
  if (found.upper != nullptr && tree_.compare(element, *found.upper) == 0 && found.upper->is_end() == is_end) {
    other = found.upper;
    begun_ = found.upper;
    return NftInsertion::Exists;
  }
  if (found.lower != nullptr && tree_.compare(element, *found.lower) == 0 && found.lower->is_end() == is_end) {
    if (is_null(element)) return NftInsertion::Needless;
    other = found.lower;
    return ends_interval_begun(*found.lower, batch.next) ? NftInsertion::Exists : NftInsertion::Overlaps;
  }
  if (found.lower != nullptr && !found.lower->is_end() && !is_end) {
    // Sets without a name may leave ends out: of all their intervals, or of none.
    if (!set_.is_anonymous()) return NftInsertion::Overlaps;
    const NftElement* above = set_.elements.previous(*found.lower);
    if (above != nullptr && above->is_end()) return NftInsertion::Overlaps;
  }
  if (found.lower != nullptr && found.lower->is_end() && is_end) return NftInsertion::Overlaps;
  if (found.upper != nullptr && found.upper->is_end() && is_end) return NftInsertion::Overlaps;
  return NftInsertion::Done;
}

bool IntervalStore::takes_leave_of_begun(NftElement& end, uint8_t generation) {
  if (begun_ == nullptr) return true;
  NftElement* next = set_.elements.next(end);
  if (next != nullptr && (next->is_end() || next->is_in(generation))) next = nullptr;
  return continues_begun(next);
}

NftElement* IntervalStore::find_leaving(const NftElement& like, const NftBatchTime& batch) {
  begin_batch(batch);
  if (!like.is_end() || is_null(like)) begun_ = nullptr;
  // All of its key, of which the list has the beginnings first.
  NftElement* at = tree_.first_above(like);
  at = at == nullptr ? set_.elements.front() : set_.elements.next(*at);
  for (; at != nullptr && tree_.compare(*at, like) >= 0; at = set_.elements.next(*at)) {
    if (tree_.compare(*at, like) != 0 || at->is_end() != like.is_end()) continue;
    if (at->is_expired(batch.now)) return nullptr;
    if (!at->is_in(batch.next)) continue;
    if (!at->is_end()) {
      begun_ = at;
    } else if (!takes_leave_of_begun(*at, batch.next)) {
      return nullptr;
    }
    at->absent = static_cast<uint8_t>(at->absent ^ batch.next);
    return at;
  }
  return nullptr;
}

const Interval* IntervalStore::search(const uint8_t* key, bool or_at_its_end) const {
  size_t low = 0, high = live_count_;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    const Interval& at = live_[middle];
    if (at.from == nullptr) {
      low = middle + 1;
      continue;
    }
    const int from = memcmp(key, at.from->key(), set_.key_size);
    if (from < 0) {
      high = middle;
      continue;
    }
    const int to = at.to == nullptr ? -1 : memcmp(key, at.to->key(), set_.key_size);
    if (to < 0 || (or_at_its_end && to == 0)) return &at;
    low = middle + 1;
  }
  return nullptr;
}

NftElement* IntervalStore::get(const uint8_t* key, bool asks_end, uint8_t, Instant now, Errno& error) {
  const Interval* found = search(key, asks_end);
  error = found == nullptr || found->from->is_expired(now) ? Errno::ENOENT : Errno{};
  if (error != Errno{}) return nullptr;
  return asks_end ? found->to : found->from;
}

// From the lowest upwards. Without an end, an interval goes to where the next begins.
void IntervalStore::publish() {
  if (!is_prepared_) return;
  is_prepared_ = false;
  size_t count = 0;
  for (NftElement *at = set_.elements.back(), *next = nullptr; at != nullptr; at = next) {
    next = set_.elements.previous(*at);
    if (count == coming_.size()) break;
    if (at->is_end()) {
      coming_[count++].to = at;
    } else {
      coming_[count].from = at;
      if (next != nullptr && !next->is_end()) coming_[count++].to = next;
    }
  }
  if (count < coming_.size() && coming_[count].from != nullptr) ++count;
  std::swap(live_, coming_);
  live_count_ = count;
}

// The end at zero does not count.
uint32_t IntervalStore::spare_elements() const {
  const NftElement* lowest = set_.elements.back();
  if (lowest == nullptr || !lowest->is_end()) return 0;
  for (size_t i = 0; i < set_.key_size; ++i) {
    if (lowest->key()[i] == 1) return 0;  // Linux looks for a byte that is one
  }
  return 1;
}

}  // namespace

Result<NftStore*> create_interval_store(const Hal& hal, NftSet& set) {
  NftStore* store = construct<IntervalStore>(hal, hal, set);
  if (store == nullptr) return Errno::ENOMEM;
  return store;
}

}  // namespace lxnet
