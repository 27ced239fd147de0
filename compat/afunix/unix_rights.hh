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
  UnixRights(UnixRights&& other) noexcept;
  UnixRights& operator=(UnixRights&& other) noexcept;
  ~UnixRights() { clear(); }

  // The numbers of one control message. EINVAL (too many), EBADF, ENOMEM.
  Result<> add(SyscallContext& context, ByteSpan numbers);
  // ETOOMANYREFS when the user has more in flight than may be open, asked before a message with them is made.
  Result<> check_limit() const;
  // A second message that carries the same (MSG_PEEK). ENOMEM.
  Result<UnixRights> clone() const;
  // Installs as many as there is room and numbers for, and writes the control message; the rest is MSG_CTRUNC.
  void deliver(SyscallContext& context, ControlWriter& writer);

  bool is_empty() const { return count_ == 0; }
  std::span<Item> items() const { return {items_.data(), count_}; }
  void clear();
  // Counts them as in flight, in the receiver's queue, or no longer. The first under the domain's mutex, the second without.
  void take_off(UnixEndpoint& receiver);
  void land();

 private:
  Result<> make_room(size_t added);
  Result<int> install(Item& item, uint32_t flags);

  UnixDomain* domain_ = nullptr;
  UnixUser* user_ = nullptr;  // held by the domain's count
  HeapArray<Item> items_;
  size_t count_ = 0;
  bool is_flying_ = false;
};

}  // namespace lxnet
