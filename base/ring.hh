// Ring<T, &T::link_>: a List whose head is one pointer, for what is empty nearly always and there is a great deal of.
//
// Its first and its last element are linked to each other, so that the head must be told of each that goes: an element leaves
// through remove() alone.
#pragma once

#include <utility>

#include "base/list.hh"

namespace lxnet {

template <typename T, ListLink T::*Member>
class Ring {
 public:
  Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() { ASSERT(is_empty()); }

  bool is_empty() const { return first_ == nullptr; }
  T* front() const { return is_empty() ? nullptr : &owner_of<Member>(*first_); }
  // nullptr past the end, so that a loop may remove the element it stands on after asking for the next.
  T* next(const T& element) const {
    ListLink* link = (element.*Member).next_;
    return link == first_ ? nullptr : &owner_of<Member>(*link);
  }

  void push_back(T& element) {
    ListLink& link = element.*Member;
    ASSERT(!link.is_linked());
    if (is_empty()) {
      link.next_ = link.previous_ = first_ = &link;
      return;
    }
    link.next_ = first_;
    link.previous_ = first_->previous_;
    link.previous_->next_ = first_->previous_ = &link;
  }
  void push_front(T& element) {
    push_back(element);
    first_ = &(element.*Member);
  }
  void remove(T& element) {
    ListLink& link = element.*Member;
    ListLink* next = link.next_;
    link.unlink();
    if (first_ == &link) first_ = next == &link ? nullptr : next;
  }
  T* take_front() {
    T* element = front();
    if (element != nullptr) remove(*element);
    return element;
  }

  // Moves every element of `other` to the end of this, in order.
  void append(Ring& other) {
    ListLink* first = std::exchange(other.first_, nullptr);
    if (first == nullptr) return;
    if (is_empty()) {
      first_ = first;
      return;
    }
    ListLink* last = first->previous_;
    first->previous_ = first_->previous_;
    first->previous_->next_ = first;
    last->next_ = first_;
    first_->previous_ = last;
  }

 private:
  ListLink* first_ = nullptr;
};

}  // namespace lxnet
