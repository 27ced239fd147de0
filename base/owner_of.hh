// owner_of<&T::member_>(member): the object that a member is a part of, for callbacks that are handed the member.
#pragma once

namespace lxnet {
namespace internal {

template <auto Member>
struct OwnerOf;

template <typename T, typename M, M T::*Member>
struct OwnerOf<Member> {
  using Owner = T;
  static T& of(M& member) {
    // offsetof for a member pointer: measured on storage that is never read.
    alignas(T) static constexpr char kProbe[sizeof(T)] = {};
    const T* probe = reinterpret_cast<const T*>(kProbe);
    const auto offset = reinterpret_cast<const char*>(&(probe->*Member)) - reinterpret_cast<const char*>(probe);
    return *reinterpret_cast<T*>(reinterpret_cast<char*>(&member) - offset);
  }
};

}  // namespace internal

template <auto Member, typename M>
typename internal::OwnerOf<Member>::Owner& owner_of(M& member) {
  return internal::OwnerOf<Member>::of(member);
}

}  // namespace lxnet
