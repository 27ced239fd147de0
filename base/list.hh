// List<T, &T::link_>: a doubly linked list through a member of its elements; no allocation, removal in O(1).
//
// A link is named for the list it joins. It asserts that it is in no list when it dies. The list does not own its
// elements: a list of shared objects holds counts it took with Ref::leak() and gives back with Ref::adopt().
#pragma once

#include <cstddef>

#include "base/assert.hh"
#include "base/owner_of.hh"

namespace lxnet {

class ListLink {
 public:
  ListLink() = default;
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;
  ~ListLink() { ASSERT(!is_linked()); }

  bool is_linked() const { return next_ != nullptr; }

  void unlink() {
    ASSERT(is_linked());
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }

 private:
  template <typename T, ListLink T::*Member>
  friend class List;
  template <typename T, ListLink T::*Member>
  friend class Ring;

  ListLink* next_ = nullptr;
  ListLink* previous_ = nullptr;
};

template <typename T, ListLink T::*Member>
class List {
 public:
  List() { head_.next_ = head_.previous_ = &head_; }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  ~List() {
    ASSERT(is_empty());
    head_.next_ = head_.previous_ = nullptr;
  }

  bool is_empty() const { return head_.next_ == &head_; }
  T* front() const { return is_empty() ? nullptr : owner_of(head_.next_); }
  T* back() const { return is_empty() ? nullptr : owner_of(head_.previous_); }
  // nullptr past the end, so that a loop may remove the element it stands on after asking for the next.
  T* next(const T& element) const {
    ListLink* link = (element.*Member).next_;
    return link == &head_ ? nullptr : owner_of(link);
  }
  T* previous(const T& element) const {
    ListLink* link = (element.*Member).previous_;
    return link == &head_ ? nullptr : owner_of(link);
  }

  void push_back(T& element) { insert_link(element.*Member, head_.previous_, &head_); }
  void push_front(T& element) { insert_link(element.*Member, &head_, head_.next_); }
  void insert_before(T& position, T& element) { insert_link(element.*Member, (position.*Member).previous_, &(position.*Member)); }
  void insert_after(T& position, T& element) { insert_link(element.*Member, &(position.*Member), (position.*Member).next_); }
  void remove(T& element) { (element.*Member).unlink(); }

  T* take_front() {
    T* element = front();
    if (element != nullptr) remove(*element);
    return element;
  }
  T* take_back() {
    T* element = back();
    if (element != nullptr) remove(*element);
    return element;
  }

  // Moves every element of `other` to the end of this list, in order.
  void append(List& other) {
    if (other.is_empty()) return;
    ListLink* first = other.head_.next_;
    ListLink* last = other.head_.previous_;
    other.head_.next_ = other.head_.previous_ = &other.head_;
    first->previous_ = head_.previous_;
    head_.previous_->next_ = first;
    last->next_ = &head_;
    head_.previous_ = last;
  }

  class Iterator {
   public:
    Iterator(const List& list, T* element) : list_(list), element_(element) {}
    T& operator*() const { return *element_; }
    Iterator& operator++() {
      element_ = list_.next(*element_);
      return *this;
    }
    bool operator!=(const Iterator& other) const { return element_ != other.element_; }

   private:
    const List& list_;
    T* element_;
  };
  Iterator begin() const { return Iterator(*this, front()); }
  Iterator end() const { return Iterator(*this, nullptr); }

 private:
  static void insert_link(ListLink& link, ListLink* before, ListLink* after) {
    ASSERT(!link.is_linked());
    link.previous_ = before;
    link.next_ = after;
    before->next_ = &link;
    after->previous_ = &link;
  }
  static T* owner_of(ListLink* link) { return &lxnet::owner_of<Member>(*link); }

  ListLink head_;
};

}  // namespace lxnet
