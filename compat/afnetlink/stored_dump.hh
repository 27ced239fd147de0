// StoredDump: a dump of NETLINK_ROUTE or NETLINK_SOCK_DIAG, whose messages are all written when it is asked for, and handed on
// part by part as the program reads: until then the socket has no room for another one.
#pragma once

#include "compat/afnetlink/netlink_domain.hh"

namespace lxnet {

class StoredDump final : public NetlinkDump, public NetlinkOutput {
 public:
  // What comes behind the last message: its end in the same datagram, or as older dumps of Linux's in one of its own.
  enum class End : uint8_t { WithLast, Alone };

  StoredDump(const Hal& hal, End end) : hal_(hal), end_(end) {}
  static Result<StoredDump*> create(const Hal& hal, End end);
  // A request that does not even name a family is passed over, and no dump.
  bool is_complete() const { return is_complete_; }

  // A datagram of the writer's: messages, of which NLMSG_DONE says how it went.
  Result<> queue(ByteSpan datagram) override;
  Result<Part> fill(SyscallContext& context, MutableByteSpan room) override;
  void dispose(const Hal& hal) override;

 private:
  Result<> make_room(size_t added);

  const Hal& hal_;
  End end_;
  HeapArray<uint8_t> bytes_;
  size_t size_ = 0, given_ = 0;
  int32_t result_ = 0;
  bool is_complete_ = false;
};

}  // namespace lxnet
