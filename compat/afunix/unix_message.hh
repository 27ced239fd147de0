// UnixMessage: a datagram, or a run of bytes of a stream, in a receiver's queue, with what travels beside the bytes.
//
// The sender's buffer is charged until it goes, which keeps the sender: who receives it is told the name the sender has then.
#pragma once

#include "compat/afunix/unix_address.hh"
#include "compat/afunix/unix_identity.hh"
#include "compat/afunix/unix_rights.hh"
#include "netdev/packet.hh"
#include "stack/io.hh"
#include "stack/socket_attachments.hh"

namespace lxnet {

struct UnixCredentials {
  int32_t pid = 0;
  uint32_t uid = ~0u, gid = ~0u;  // overflow ids: nobody is known
  bool operator==(const UnixCredentials&) const = default;
};

class UnixMessage {
 public:
  // Room for `size` bytes: behind the message itself when they are few, else in blocks that receivers copy from directly.
  // ENOBUFS, EFAULT.
  static Result<UnixMessage*> create(const Hal& hal, PacketPool& pool, IoSource& source, size_t size);
  // Without bytes. ENOBUFS.
  static Result<UnixMessage*> create_empty(const Hal& hal) { return create_raw(hal, 0); }
  static void destroy(const Hal& hal, UnixMessage* message);

  size_t size() const { return size_; }
  size_t unread() const { return size_ - consumed; }
  // Whether a filter lets it through, which may cut bytes off. False also where memory is short.
  bool passes(PacketPool& pool, const SocketAttachments& filter);
  // Copies from `offset` into the sink; how much went well.
  size_t copy_to(IoSink& sink, size_t offset, size_t size) const;

  ListLink queue_link;
  UnixMessage* next_doomed = nullptr;
  size_t consumed = 0;
  UnixEndpoint* sender = nullptr;  // which the charge of its buffer keeps
  uint32_t charge = 0;
  bool is_peeked = false;
  bool is_looked_at = false;  // by a peek under way; under the inbox's mutex
  int64_t wall_nanos = 0;     // when it was sent, if the receiver wanted stamps then
  UnixCredentials credentials;
  UnixProcess process;       // for SO_PASSPIDFD
  UnixRights rights;         // descriptors
  Ref<UnixEndpoint> embryo;  // on a listener: the connection to be accepted

 private:
  static constexpr size_t kFew = 1024;
  explicit UnixMessage(size_t room);
  ~UnixMessage();
  static Result<UnixMessage*> create_raw(const Hal& hal, size_t room);
  uint8_t* inline_bytes() { return reinterpret_cast<uint8_t*>(this + 1); }
  const uint8_t* inline_bytes() const { return reinterpret_cast<const uint8_t*>(this + 1); }

  size_t size_ = 0;
  size_t room_;       // behind the message
  Ref<Packet> data_;  // of larger ones
};

// What Linux charges a sender for bytes in the linear part of an sk_buff and in pages behind it, so that buffers fill after as
// many messages as there.
uint32_t unix_charge(size_t linear, size_t paged);

}  // namespace lxnet
