// SocketFile: a socket as the system calls see it, whatever its family. Each family's archive derives from it.
//
// The functions below may block (through wait_until) and give the call's own errno. What is common to all families is done by the
// callers in this folder: descriptors, copying of addresses and iovecs, the rules of msghdr, SIGPIPE.
#pragma once

#include "compat/syscalls/file.hh"
#include "compat/syscalls/io_segments.hh"
#include "compat/syscalls/sockaddr.hh"
#include "stack/socket.hh"

namespace lxnet {

class ControlReader;
class ControlWriter;

// MSG_SPLICE_PAGES: the bytes come from splice() or sendfile(). No program may pass it.
inline constexpr uint32_t kMessageSplicePages = 0x8000000;

// sendmsg() as a family sees it.
struct OutgoingMessage {
  IoSource& source;
  uint32_t flags = 0;              // MSG_*; MSG_DONTWAIT is set for a non-blocking file
  const SockAddr* name = nullptr;  // null when the caller gave none
  ControlReader* control = nullptr;
};

// recvmsg() as a family sees it.
struct IncomingMessage {
  IoSink& sink;
  uint32_t flags = 0;
  uint32_t result_flags = 0;  // msg_flags
  SockAddr name = {};
  bool has_name = false;
  bool wants_name = false;
  ControlWriter* control = nullptr;
};

// SOCK_* and the flags that share its argument.
inline constexpr int kSockTypeMask = 0xf;
inline constexpr int kSockStream = 1, kSockDatagram = 2, kSockRaw = 3, kSockReliable = 4, kSockSequenced = 5, kSockDccp = 6,
                     kSockPacket = 10;
inline constexpr int kSockNonBlock = 04000, kSockCloseOnExec = 02000000;

// SO_MEMINFO, in its order.
struct MemoryUse {
  uint32_t receive_held = 0, receive_limit = 0, send_held = 0, send_limit = 0;
  uint32_t forward = 0, send_queued = 0, option = 0, backlog = 0, drops = 0;
};

class SocketFile : public File {
 public:
  uint16_t address_family() const { return address_family_; }
  int socket_type() const { return socket_type_; }
  int socket_protocol() const { return socket_protocol_; }

  virtual Result<> bind(SyscallContext& context, const SockAddr& address) = 0;
  virtual Result<> connect(SyscallContext& context, const SockAddr& address) = 0;
  virtual Result<> listen(SyscallContext& context, int backlog) = 0;
  virtual Result<Ref<SocketFile>> accept(SyscallContext& context) = 0;
  enum class NameOf : uint8_t { Self, Peer, LastPeer };  // LastPeer: whether or not they are connected now (SO_PEERNAME)
  // Into the caller's: an address has 128 bytes, and handing it on costs more than making it.
  virtual Result<> name(SyscallContext& context, NameOf which, SockAddr& name) = 0;
  virtual Result<size_t> send(SyscallContext& context, OutgoingMessage& message) = 0;
  virtual Result<size_t> receive(SyscallContext& context, IncomingMessage& message) = 0;
  // Whether send() may have to wait for room, which poll() then tells of.
  virtual bool waits_for_room() const { return true; }
  virtual Result<> shutdown(SyscallContext& context, ShutdownHow how) = 0;
  // Levels above SOL_SOCKET. ENOPROTOOPT for what the family does not know.
  virtual Result<> set_option(SyscallContext& context, int level, int name, UserAddress value, int length) = 0;
  virtual Result<> get_option(SyscallContext& context, int level, int name, UserAddress value, UserAddress length) = 0;
  // What SOL_SOCKET's rows read and write.
  virtual SocketOptionSet& options() = 0;
  // The Internet socket behind it, for the rows that concern one; null elsewhere.
  virtual Socket* internet_socket() { return nullptr; }
  // What follows its options where packets may be stamped; null for a family without packets.
  virtual StampWish* stamp_wish() { return internet_socket() == nullptr ? nullptr : &internet_socket()->stamp_wish; }
  // Filters and their like; null for a family that has none.
  virtual SocketAttachments* attachments() { return internet_socket() == nullptr ? nullptr : &internet_socket()->attachments; }
  // SO_MEMINFO.
  virtual MemoryUse memory_use(SyscallContext& context);
  virtual Errno take_error() = 0;
  // What the next call or SO_ERROR is to report; nobody is woken for it.
  virtual void keep_error(Errno) {}
  virtual bool is_listening() { return false; }
  virtual uint64_t cookie() = 0;
  // SO_PEERCRED, SO_PEERGROUPS: false where nobody is known.
  virtual bool peer_credentials(lxnet_credentials&) { return false; }
  // SO_PEERPIDFD: the number of a new descriptor. ENODATA where nobody is known.
  virtual Result<int> open_peer_process(SyscallContext&) { return Errno::ENODATA; }

  Result<size_t> read(SyscallContext& context, IoSink& sink) override;
  Result<size_t> write(SyscallContext& context, IoSource& source) override;
  // write() with MSG_* of the caller's.
  Result<size_t> write_with_flags(SyscallContext& context, IoSource& source, uint32_t flags);

 protected:
  SocketFile(Stack& stack, uint16_t family, int type, int protocol)
      : File(stack, FileKind::Socket),
        address_family_(family),
        socket_type_(static_cast<uint8_t>(type)),
        socket_protocol_(protocol) {}
  void become_family(uint16_t family) { address_family_ = family; }

 private:
  uint16_t address_family_;
  uint8_t socket_type_;
  int socket_protocol_;
};

// EPIPE from a stream socket comes with SIGPIPE to the calling thread, unless MSG_NOSIGNAL.
void send_broken_pipe_signal(SyscallContext& context);

// One row per family a stack serves; archives register theirs (lxnet.h: lxnet_enable_*).
struct SocketFamily {
  uint16_t number;
  Result<Ref<SocketFile>> (*create)(SyscallContext& context, int type, int protocol);
  // EOPNOTSUPP where null.
  Result<> (*create_pair)(SyscallContext& context, int type, int protocol, Ref<SocketFile> (&pair)[2]);
};

}  // namespace lxnet
