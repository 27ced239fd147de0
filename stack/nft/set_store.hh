// How elements of a set are found: by their exact keys, as ends of intervals, or by ranges of several fields.
//
// Linux has seven kinds, which differ in what they cost; of the same question they give the same answer. The names that programs
// are told are those that Linux would choose.
#pragma once

#include "stack/nft/set.hh"

namespace lxnet {

// What a batch is, to a store.
struct NftBatchTime {
  uint8_t current, next;  // generations
  Instant now;
  uint64_t number;
};

enum class NftInsertion : uint8_t {
  Done,
  Exists,    // the same is there: EEXIST
  Overlaps,  // something is in the way: ENOTEMPTY
  Needless,  // nothing to do: ECANCELED
  Invalid,   // a range that ends before it begins: EINVAL
  NoMemory,
};

// Which of Linux's kinds a store stands for, and what follows from that.
struct NftStoreKind {
  const char* name;
  bool takes_updates;  // packets may add elements
  bool doubles_size;   // a program's elements are two
  Result<NftStore*> (*create)(const Hal& hal, NftSet& set);
};

class NftStore {
 public:
  explicit NftStore(NftSet& set) : set_(set) {}
  virtual void dispose(const Hal& hal) = 0;

  // ---- packets; under the lock of the hooks
  virtual NftElement* find(const uint8_t* key, uint8_t generation, Instant now) = 0;

  // ---- the task that holds the lock of batches, and the lock of the hooks for what changes
  // Puts the element among the set's. `other`: the one that is there, for Exists.
  virtual NftInsertion insert(NftElement& element, const NftBatchTime& batch, NftElement*& other) = 0;
  // Takes it out again; it stays whole.
  virtual void remove(NftElement& element) = 0;
  // The element that is to go when this one is asked to; marked so. Null: there is none.
  virtual NftElement* find_leaving(const NftElement& like, const NftBatchTime& batch) = 0;
  // The element that a program asks for by key, of an interval by any key in it. Null with `error` Errno{}: nothing, and no
  // error.
  virtual NftElement* get(const uint8_t* key, [[maybe_unused]] bool asks_end, uint8_t generation, Instant now, Errno& error) {
    NftElement* element = find(key, generation, now);
    error = element == nullptr ? Errno::ENOENT : Errno{};
    return element;
  }
  // Takes memory for publish(). ENOMEM.
  virtual Result<> prepare(const Hal&) { return ok(); }
  // What packets find is from now on what is in the set. What it no longer needs is left for settle().
  virtual void publish() {}
  virtual void settle(const Hal&) {}
  // How many more than its size a set may hold.
  virtual uint32_t spare_elements() const { return 0; }

  NftSet& set() const { return set_; }

 protected:
  ~NftStore() = default;

  NftSet& set_;
};

struct NftStoreWish {
  uint32_t flags = 0, size = 0, policy = 0;
  uint16_t key_size = 0;
  uint8_t field_count = 0;
  bool has_expressions = false;
};
// nft_select_set_ops(). EOPNOTSUPP: there is none that could.
Result<const NftStoreKind*> choose_store(const NftStoreWish& wish);

Result<NftStore*> create_exact_store(const Hal& hal, NftSet& set);
Result<NftStore*> create_interval_store(const Hal& hal, NftSet& set);
Result<NftStore*> create_ranges_store(const Hal& hal, NftSet& set);

}  // namespace lxnet
