// How much larger things are for a 64-bit program than for a 32-bit one, and where they stand then.
#pragma once

#include "compat/xtables/blob_entry.hh"
#include "hal/memory.hh"

namespace lxnet::xtables {

// What an extension's settings grow by.
inline size_t growth_of(const ExtensionShape& shape) {
  const size_t narrow = shape.compat_size != 0 ? shape.compat_size : shape.size;
  return align_up(shape.size, 8) - align_up(narrow, 4);
}

inline size_t growth_of_head(IpFamily family) { return size_t{native_layout(family).size} - narrow_layout(family).size; }

// Entries by where they stand, and by how much they and all before them differ.
struct Displacement {
  uint32_t at = 0;
  uint32_t sum = 0;
};

// By how much a jump to `offset` is to be moved: by what the entries differ that begin before it.
inline uint32_t displacement_before(std::span<const Displacement> entries, uint32_t offset) {
  size_t low = 0, high = entries.size();
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (entries[middle].at < offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low == 0 ? 0 : entries[low - 1].sum;
}

}  // namespace lxnet::xtables
