#include "stack/nft/element_tree.hh"

namespace lxnet {

// Of equals, a new beginning stands behind old ones, and a new end before old ends.
bool ElementTree::stands_before(const NftElement& element, const NftElement& other) const {
  const int order = compare(other, element);
  if (order != 0) return order < 0;
  return other.is_end();
}

NftElement* ElementTree::first_above(const NftElement& element) const {
  NftElement* found = nullptr;
  for (NftElement* at = root_; at != nullptr;) {
    if (compare(*at, element) > 0) {
      found = at;
      at = at->tree.right;  // those behind it are lower
    } else {
      at = at->tree.left;
    }
  }
  return found;
}

void ElementTree::insert(NftElement& element) {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  element.tree = {.weight = random_};
  NftElement* parent = nullptr;
  NftElement* before = nullptr;  // in the list
  bool goes_left = false;
  for (NftElement* at = root_; at != nullptr;) {
    parent = at;
    goes_left = stands_before(element, *at);
    if (!goes_left) before = at;
    at = goes_left ? at->tree.left : at->tree.right;
  }
  element.tree.parent = parent;
  if (parent == nullptr) {
    root_ = &element;
  } else if (goes_left) {
    parent->tree.left = &element;
  } else {
    parent->tree.right = &element;
  }
  if (before == nullptr) {
    set_.elements.push_front(element);
  } else {
    set_.elements.insert_after(*before, element);
  }
  while (element.tree.parent != nullptr && element.tree.parent->tree.weight < element.tree.weight) rotate_up(element);
}

void ElementTree::replace_child(NftElement* parent, NftElement& old_child, NftElement* new_child) {
  if (parent == nullptr) {
    root_ = new_child;
  } else if (parent->tree.left == &old_child) {
    parent->tree.left = new_child;
  } else {
    parent->tree.right = new_child;
  }
  if (new_child != nullptr) new_child->tree.parent = parent;
}

// The element takes its parent's place, which becomes its child.
void ElementTree::rotate_up(NftElement& element) {
  NftElement& parent = *element.tree.parent;
  const bool is_left = parent.tree.left == &element;
  NftElement*& inner = is_left ? element.tree.right : element.tree.left;
  (is_left ? parent.tree.left : parent.tree.right) = inner;
  if (inner != nullptr) inner->tree.parent = &parent;
  replace_child(parent.tree.parent, parent, &element);
  inner = &parent;
  parent.tree.parent = &element;
}

void ElementTree::remove(NftElement& element) {
  while (element.tree.left != nullptr && element.tree.right != nullptr) {
    rotate_up(element.tree.left->tree.weight > element.tree.right->tree.weight ? *element.tree.left : *element.tree.right);
  }
  NftElement* child = element.tree.left != nullptr ? element.tree.left : element.tree.right;
  replace_child(element.tree.parent, element, child);
  element.tree = {};
  set_.elements.remove(element);
}

}  // namespace lxnet
