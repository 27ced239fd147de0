// ElementTree: elements in the order of their keys, the highest first; of one key the beginning of an interval before an end.
//
// A treap: a search tree by order and a heap by weights drawn at random, so that its depth does not depend on what a program
// inserts in which order. Neighbours are found in the set's list, which stands in the same order.
#pragma once

#include "stack/nft/set.hh"

namespace lxnet {

class ElementTree {
 public:
  ElementTree(NftSet& set, uint32_t seed) : set_(set), random_(seed | 1) {}

  NftElement* root() const { return root_; }
  // Puts it into the tree and into the set's list.
  void insert(NftElement& element);
  void remove(NftElement& element);
  // Below zero: the key of the first is lower.
  int compare(const NftElement& one, const NftElement& other) const { return memcmp(one.key(), other.key(), set_.key_size); }
  // The lowest of those whose key is higher. Null: there is none.
  NftElement* first_above(const NftElement& element) const;

 private:
  void rotate_up(NftElement& element);
  void replace_child(NftElement* parent, NftElement& old_child, NftElement* new_child);
  bool stands_before(const NftElement& element, const NftElement& other) const;

  NftSet& set_;
  NftElement* root_ = nullptr;
  uint32_t random_;
};

}  // namespace lxnet
