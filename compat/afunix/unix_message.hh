// UnixMessage: a datagram, or a run of bytes of a stream, in a receiver's queue, with what travels beside the bytes.
//
// It holds its sender: who receives it is told the name the sender has then, and the sender's buffer is charged until it goes.
#pragma once

#include "compat/afunix/unix_address.hh"
#include "compat/afunix/unix_identity.hh"
#include "compat/afunix/unix_rights.hh"
#include "netdev/packet.hh"
#include "stack/io.hh"

namespace lxnet {

struct UnixCredentials {
  int32_t pid = 0;
  uint32_t uid = ~0u, gid = ~0u;  // overflow ids: nobody is known
  bool operator==(const UnixCredentials&) const = default;
};

struct UnixMessage {
  UnixMessage();
  ~UnixMessage();
  static Result<UnixMessage*> create(const Hal& hal) {
    UnixMessage* message = construct<UnixMessage>(hal);
    if (message == nullptr) return Errno::ENOBUFS;
    return message;
  }

  size_t size() const { return data ? data->size() : 0; }
  size_t unread() const { return size() - consumed; }

  ListLink queue_link;
  UnixMessage* next_doomed = nullptr;
  Ref<Packet> data;
  size_t consumed = 0;
  Ref<UnixEndpoint> sender;
  uint32_t charge = 0;  // of the sender's buffer
  bool is_peeked = false;
  int64_t wall_nanos = 0;  // when it was sent, if the receiver wanted stamps then
  UnixCredentials credentials;
  UnixProcess process;       // for SO_PASSPIDFD
  UnixRights rights;         // descriptors
  Ref<UnixEndpoint> embryo;  // on a listener: the connection to be accepted
};

// `size` bytes of the source as a packet: inline when small, else in blocks that receivers copy from directly. EFAULT, ENOBUFS.
Result<Ref<Packet>> packet_from_source(PacketPool& pool, IoSource& source, size_t size);
// Copies from `offset` into the sink; how much went well.
size_t copy_to_sink(const Packet& packet, size_t offset, size_t size, IoSink& sink);

// What Linux charges a sender for bytes in the linear part of an sk_buff and in pages behind it, so that buffers fill after as
// many messages as there.
uint32_t unix_charge(size_t linear, size_t paged);

}  // namespace lxnet
