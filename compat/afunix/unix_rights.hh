// UnixRights: the descriptors in a message (SCM_RIGHTS), ours and the host's, each with a count while it is in flight.
//
// A socket of ours in flight is counted, so that sockets which only refer to each other from unread messages can be found
// (unix_collect.cc). All descriptors in flight are counted for the user who sent them: unread they are no way around
// RLIMIT_NOFILE.
#pragma once

#include "compat/afunix/unix_domain.hh"
#include "compat/syscalls/control_message.hh"
#include "compat/syscalls/descriptors.hh"

namespace lxnet {

class UnixRights {
 public:
  static constexpr size_t kMost = 253;  // SCM_MAX_FD

  struct Item {
    Ref<File> file;
    lxnet_foreign_file* foreign = nullptr;
    UnixEdge edge;  // while it is in flight and a socket of this family
  };

  UnixRights() = default;
  UnixRights(UnixRights&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  UnixRights& operator=(UnixRights&& other) noexcept {
    std::swap(body_, other.body_);
    return *this;
  }
  ~UnixRights() { clear(); }

  // The numbers of one control message. EINVAL (too many), EBADF, ENOMEM.
  Result<> add(SyscallContext& context, ByteSpan numbers);
  // ETOOMANYREFS when the user has more in flight than may be open, asked before a message with them is made.
  Result<> check_limit() const;
  // A second message that carries the same (MSG_PEEK). ENOMEM.
  Result<UnixRights> clone() const;
  // Installs as many as there is room and numbers for, and writes the control message; the rest is MSG_CTRUNC.
  void deliver(ControlWriter& writer);

  bool is_empty() const { return body_ == nullptr; }
  std::span<Item> items() const;
  void clear() {
    if (body_ != nullptr) free_body();
  }
  // Counts them as in flight, in the receiver's queue, or no longer. The first under the domain's mutex, the second without.
  void take_off(UnixEndpoint& receiver);
  void land();

 private:
  // Most messages carry none, and pay for a pointer.
  struct Body {
    explicit Body(UnixDomain& in_domain) : domain(in_domain) {}
    UnixDomain& domain;
    UnixUser* user = nullptr;  // held by the domain's count; null of a second message with the same
    HeapArray<Item> items;
    size_t count = 0;  // of items that are set
    bool is_flying = false;
  };

  static Result<Body*> create_body(UnixDomain& domain, size_t room);
  Result<> make_room(SyscallContext& context, size_t added);
  Result<int> install(Item& item, uint32_t flags);
  void free_body();

  Body* body_ = nullptr;
};

}  // namespace lxnet
