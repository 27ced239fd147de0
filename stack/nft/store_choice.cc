// Which kind of store Linux would take for a set. One does for all exact keys here; only the name tells them apart.
#include "stack/nft/set_store.hh"

namespace lxnet {
namespace {

enum Cost : uint8_t { kConstant, kLogarithmic, kLinear };

struct Estimate {
  uint64_t size = UINT64_MAX;
  uint8_t lookup = UINT8_MAX, space = UINT8_MAX;
};

constexpr uint32_t kFeatures = kNftSetInterval | kNftSetMap | kNftSetTimeout | kNftSetObject | kNftSetEval;
constexpr uint64_t kHashHead = 8, kHashElement = 32, kTreeHead = 88, kTreeElement = 40, kBitmapHead = 24;
constexpr uint32_t kMemoryPolicy = 1;

uint64_t hash_size(uint32_t elements) {
  const uint64_t buckets = std::bit_ceil(uint64_t{elements} * 4 / 3 == 0 ? 1 : uint64_t{elements} * 4 / 3);
  return kHashHead + buckets * 8 + elements * kHashElement;
}

bool estimate_hash(const NftStoreWish& wish, bool is_fast, Estimate& estimate) {
  if (wish.size == 0 || (wish.key_size == 4) != is_fast) return false;
  estimate = {.size = hash_size(wish.size), .lookup = kConstant, .space = kLinear};
  return true;
}
bool estimate_fast_hash(const NftStoreWish& wish, Estimate& estimate) { return estimate_hash(wish, true, estimate); }
bool estimate_slow_hash(const NftStoreWish& wish, Estimate& estimate) { return estimate_hash(wish, false, estimate); }
bool estimate_growing_hash(const NftStoreWish&, Estimate& estimate) {
  estimate = {.lookup = kConstant, .space = kLinear};
  return true;
}
bool estimate_bitmap(const NftStoreWish& wish, Estimate& estimate) {
  if (wish.key_size > 2 || wish.has_expressions) return false;
  estimate = {.size = kBitmapHead + (uint64_t{2} << wish.key_size * 8) / 8, .lookup = kConstant, .space = kConstant};
  return true;
}
bool estimate_tree(const NftStoreWish& wish, Estimate& estimate) {
  if (wish.field_count > 1) return false;
  estimate = {.lookup = kLogarithmic, .space = kLinear};
  if (wish.size != 0) estimate.size = kTreeHead + wish.size * kTreeElement;
  return true;
}
bool estimate_ranges(const NftStoreWish& wish, Estimate& estimate) {
  if ((wish.flags & kNftSetInterval) == 0 || wish.field_count < 2) return false;
  estimate = {.lookup = kLogarithmic, .space = kLinear};
  return true;
}

struct Row {
  NftStoreKind kind;
  uint32_t features;
  bool (*estimate)(const NftStoreWish& wish, Estimate& estimate);
};

constexpr uint32_t kMaps = kNftSetMap | kNftSetObject;
constexpr Row kRows[] = {
    {{"nft_set_hash_fast_type", false, false, &create_exact_store}, kMaps, &estimate_fast_hash},
    {{"nft_set_hash_type", false, false, &create_exact_store}, kMaps, &estimate_slow_hash},
    {{"nft_set_rhash_type", true, false, &create_exact_store}, kMaps | kNftSetTimeout | kNftSetEval, &estimate_growing_hash},
    {{"nft_set_bitmap_type", false, false, &create_exact_store}, 0, &estimate_bitmap},
    {{"nft_set_rbtree_type", false, true, &create_interval_store}, kNftSetInterval | kMaps | kNftSetTimeout, &estimate_tree},
    {{"nft_set_pipapo_type", false, false, &create_ranges_store}, kNftSetInterval | kMaps | kNftSetTimeout, &estimate_ranges},
};

bool is_better(const NftStoreWish& wish, const Estimate& one, const Estimate& best, bool has_best) {
  if (wish.policy != kMemoryPolicy) return one.lookup < best.lookup || (one.lookup == best.lookup && one.space < best.space);
  if (wish.size != 0) return one.size < best.size || !has_best;
  return one.space < best.space || (one.space == best.space && one.lookup < best.lookup);
}

}  // namespace

Result<const NftStoreKind*> choose_store(const NftStoreWish& wish) {
  const NftStoreKind* chosen = nullptr;
  Estimate best;
  for (const Row& row : kRows) {
    Estimate estimate;
    if ((wish.flags & row.features) != (wish.flags & kFeatures) || !row.estimate(wish, estimate)) continue;
    if (!is_better(wish, estimate, best, chosen != nullptr)) continue;
    chosen = &row.kind;
    best = estimate;
  }
  if (chosen == nullptr) return Errno::EOPNOTSUPP;
  return chosen;
}

}  // namespace lxnet
