// Socket: the base of every Internet socket. The compat layer drives it through these calls, none of which ever blocks:
// what would block answers EAGAIN (EINPROGRESS for a connect under way), and compat's wait_until() sleeps and asks again.
//
// UDP, raw, ping and TCP sockets derive from it. Errors are Linux's: the errno is chosen here, where the rule is known.
#pragma once

#include "base/ref.hh"
#include "base/result.hh"
#include "stack/entry.hh"
#include "stack/igmp/socket_groups.hh"
#include "stack/io.hh"
#include "stack/ip/transport.hh"
#include "stack/socket_attachments.hh"
#include "stack/socket_options.hh"
#include "stack/stamp_demand.hh"
#include "stack/wait_queue.hh"

namespace lxnet {

enum class SocketType : uint8_t { Stream = 1, Datagram = 2, Raw = 3 };  // SOCK_*
enum class ShutdownHow : uint8_t { Read = 0, Write = 1, Both = 2 };     // SHUT_*

// MSG_*, Linux's numbers, as far as the stack obeys them.
enum MessageFlags : uint32_t {
  kMessageOutOfBand = 0x1,
  kMessagePeek = 0x2,
  kMessageDontRoute = 0x4,
  kMessageControlTruncated = 0x8,
  kMessageTruncated = 0x20,
  kMessageDontWait = 0x40,
  kMessageEndOfRecord = 0x80,
  kMessageWaitAll = 0x100,
  kMessageConfirm = 0x800,
  kMessageErrorQueue = 0x2000,
  kMessageNoSignal = 0x4000,
  kMessageMore = 0x8000,
  kMessageZeroCopy = 0x4000000,
  kMessageFastOpen = 0x20000000,
};

// What control messages ask of one send. Absent fields keep their defaults.
struct SendControl {
  bool is_given = false;          // there were some
  int16_t ttl = -1;               // IP_TTL, IPV6_HOPLIMIT
  int16_t tos = -1;               // IP_TOS, IPV6_TCLASS
  uint32_t output_interface = 0;  // IP_PKTINFO, IPV6_PKTINFO
  IpAddress source;               // of the same; unspecified: the socket's
  bool has_source = false;
  bool has_options = false;
  ByteSpan options;  // IP_RETOPTS, or chained IPv6 extension headers (compat has validated them)
  uint8_t options_first_header = 0;
  IpAddress routing_final;    // with a routing header
  int32_t segment_size = -1;  // UDP_SEGMENT; 0: whole, whatever the option says
  bool has_mark = false;
  uint32_t mark = 0;
  bool has_priority = false;
  uint32_t priority = 0;
  bool has_transmit_time = false;
  uint64_t transmit_time = 0;  // SCM_TXTIME
  uint32_t timestamping = 0;   // SO_TIMESTAMPING's cmsg
  bool has_timestamping = false;
  uint32_t timestamp_key = 0;  // SCM_TS_OPT_ID
  bool has_timestamp_key = false;
  int8_t dont_fragment_v6 = -1;  // IPV6_DONTFRAG
  int32_t flow_label = -1;
};

struct SendRequest {
  IoSource& source;
  uint32_t flags = 0;                     // MessageFlags
  const Endpoint* destination = nullptr;  // msg_name
  bool names_v4 = false;                  // msg_name is AF_INET
  bool names_peer = false;                // msg_name was AF_UNSPEC, which means the peer to an AF_INET6 socket
  SendControl control;
};

// One entry of an error queue, as recvmsg(MSG_ERRQUEUE) reports it. Layout of sock_extended_err's meaning, in host order.
struct ExtendedError {
  Errno error{};
  uint8_t origin = 0;  // SO_EE_ORIGIN_*
  uint8_t type = 0, code = 0;
  uint32_t info = 0, data = 0;
  Endpoint offender;            // address unspecified: none (AF_UNSPEC)
  int64_t wall_nanos = 0;       // SO_TIMESTAMPING: when it left
  bool has_statistics = false;  // the payload is SCM_TIMESTAMPING_OPT_STATS
  bool has_packet = false;      // the payload carries what is known of a packet (IpInfo)
};

// What a receive found out beside the bytes.
struct ReceiveRequest {
  IoSink& sink;
  uint32_t flags = 0;         // in: MessageFlags
  uint32_t result_flags = 0;  // out: msg_flags
  Endpoint source = {};       // out: msg_name, where the protocol gives one
  bool has_source = false;
  size_t full_size = 0;    // out: of the datagram, though the sink be smaller (MSG_TRUNC)
  size_t copied_size = 0;  // out: of it, into the sink
  // out: for control messages. `packet` is the datagram itself (null for streams): its IpInfo, headers and time stamp.
  Ref<Packet> packet = nullptr;
  bool is_error = false;  // came from the error queue
  ExtendedError error = {};
  Endpoint error_destination = {};  // of the packet that caused it: msg_name then
  uint16_t segment_size = 0;        // UDP_GRO
  uint32_t overflow_drops = 0;      // SO_RXQ_OVFL
  int64_t wall_nanos = 0;           // of a stream's last byte
  int32_t inq = -1;                 // TCP_INQ
  bool has_no_stamp = false;        // a stream that gave no bytes, or bytes from before stamps were asked for
  uint32_t path_mtu = 0;            // not a packet but news of the path to error_destination (IPV6_PATHMTU)
};

// Of a connection that was accepted: where the last segment of the handshake came in, and with what TTL.
struct Arrival {
  uint32_t interface_index = 0;
  uint8_t ttl = 0;
  bool is_known = false;
  bool is_v4 = false;
};

class SocketSet;

// What a socket holds and may hold, in bytes: SO_MEMINFO.
struct SocketMemory {
  uint32_t received = 0;   // charged to SO_RCVBUF
  uint32_t in_flight = 0;  // charged to SO_SNDBUF, of packets that have left and are not freed
  uint32_t forward = 0;    // reserved of the global account and not used
  uint32_t queued_to_send = 0;
  uint32_t options = 0;
  uint32_t backlog = 0;  // waits for the owner
  uint32_t drops = 0;
};

class Socket : public RefCounted<Socket> {
 public:
  static void destroy(Socket* socket) { socket->destroy_self(); }

  Stack& stack() const { return stack_; }
  IpFamily family() const { return family_; }  // V6 for AF_INET6, whatever addresses it carries
  SocketType type() const { return type_; }
  uint8_t protocol() const { return protocol_; }
  uint64_t cookie();  // SO_COOKIE, drawn when first asked

  virtual Result<> bind(Entry& entry, const Endpoint& local) = 0;
  // EINPROGRESS: under way; wait for kPollOut and ask take_error().
  virtual Result<> connect(Entry& entry, const Endpoint& remote, uint32_t flags) = 0;
  // What connect() answers without looking at the address, where the state alone decides: an error, or true for success. False:
  // the address decides.
  virtual Result<bool> connect_by_state(Entry&) { return false; }
  // connect() with AF_UNSPEC.
  virtual Result<> disconnect(Entry& entry) = 0;
  virtual Result<> listen(Entry& entry, int backlog) = 0;
  virtual Result<Ref<Socket>> accept(Entry& entry) = 0;
  // What send() refuses before it looks at its destination, and before it looks at control messages: errors that win over those
  // of decoding them. send() asks all of it again.
  virtual Result<> check_before_destination(Entry&, const SendRequest&) { return ok(); }
  virtual Result<> check_before_control(Entry&, const SendRequest&) { return ok(); }
  // send() adds to a datagram that was begun: neither destination nor control messages are looked at.
  virtual bool appends(Entry&) { return false; }
  // Bytes taken, which for a stream may be fewer than offered: EAGAIN only when none could be.
  virtual Result<size_t> send(Entry& entry, SendRequest& request) = 0;
  virtual Result<size_t> receive(Entry& entry, ReceiveRequest& request) = 0;
  virtual Result<> shutdown(Entry& entry, ShutdownHow how) = 0;
  virtual PollEvents poll(Entry& entry) = 0;
  // The last descriptor is gone. The object lives on by its counts as long as the protocol needs it.
  virtual void close(Entry& entry) = 0;
  // The stack goes: leave every table now, without a word to the peer.
  virtual void abandon(Entry& entry) { close(entry); }
  virtual Result<Endpoint> local_name(Entry& entry) = 0;
  virtual Result<Endpoint> remote_name(Entry& entry) = 0;  // ENOTCONN
  // FIONREAD and SIOCOUTQ.
  virtual Result<int> bytes_readable(Entry& entry) = 0;
  virtual Result<int> bytes_unsent(Entry& entry) = 0;

  virtual SocketMemory memory(Entry& entry) = 0;

  // ---- what options ask of the protocol
  // What is known of the path to the peer. ENOTCONN.
  virtual Result<uint32_t> path_mtu(Entry&) { return Errno::ENOTCONN; }
  // IP_OPTIONS or sticky headers: there is less room for data.
  virtual void headers_changed(Entry&) {}
  // SO_CNX_ADVICE: the way in use may be no good; the next packet looks again.
  virtual void doubt_route(Entry&) {}
  // What chose the way has changed: there is none until the next packet (sk_dst_reset).
  virtual void forget_route(Entry&) {}
  // The program that chooses in this socket's SO_REUSEPORT group, or null to take it away. EINVAL: it is in none and cannot be.
  // ENOENT: there was none to take away.
  virtual Result<> set_group_program(Entry& entry, Ref<BpfProgram> program) = 0;
  // SOF_TIMESTAMPING_OPT_ID begins to count. EINVAL: not in this state.
  enum class KeyBase : uint8_t { Acknowledged, Written };
  virtual Result<> start_timestamp_keys(Entry&, KeyBase) { return count_timestamp_keys(); }
  // What the error queue needs for reports that come later. ENOMEM.
  virtual Result<> prepare_error_queue() { return ok(); }
  // A report for recvmsg(MSG_ERRQUEUE), as far as there is room, and a wake-up with kPollError.
  virtual void queue_error(Ref<Packet>, const ExtendedError&, const Endpoint&) {}
  // What SIOCGSTAMP tells (ErrorQueue). Null: nothing was ever received that could have a stamp.
  virtual int64_t* last_stamp() { return nullptr; }
  // MSG_ZEROCOPY: one call has sent what it will.
  virtual void end_zero_copy_call(Entry&) {}
  // IPV6_ADDRFORM: an AF_INET6 socket with an IPv4 peer becomes an AF_INET one.
  virtual Result<> become_v4(Entry&) { return Errno::ENOPROTOOPT; }
  virtual Arrival arrival() const { return {}; }
  // SO_KEEPALIVE was set or cleared.
  virtual void keep_alive_changed(Entry&) {}

  // An option was set, by whatever way: what was decided by the old ones is decided anew.
  void options_changed() { __atomic_fetch_add(&options_generation_, 1u, __ATOMIC_RELEASE); }

  WaitQueue& wait_queue() { return wait_queue_; }
  // SO_ERROR: the pending error, cleared.
  Errno take_error();
  // What SO_ERROR tells where there is no other: a connection went on in spite of it.
  virtual Errno take_soft_error(Entry&) { return Errno{}; }
  bool has_error() const { return __atomic_load_n(&error_, __ATOMIC_RELAXED) != 0; }
  // What SO_ERROR reports from now on, without a wake-up: reading the error queue moves it on.
  void replace_error(Errno error) { __atomic_store_n(&error_, static_cast<uint32_t>(error), __ATOMIC_RELEASE); }
  // Sets it and wakes with kPollError.
  void report_error(Errno error);

  SocketOptionSet options;
  OptionSet<IpSocketOptions> ip_options;
  SocketGroups groups;  // multicast memberships: Memberships' calls change them; close() leaves all
  SocketAttachments attachments;
  StampWish stamp_wish;  // withdrawn when the socket dies

 protected:
  Socket(Stack& stack, IpFamily family, SocketType type, uint8_t protocol);
  // No virtual function stands in socket.cc: the type's description would too, and the core has none.
  virtual ~Socket() { withdraw_stamp_wish(); }
  // Without this the destructor would need a global operator delete, which a kernel does not have.
  static void operator delete(void*, size_t) {}
  // SO_INCOMING_CPU: which processor the packets come in on.
  void note_processor();
  Result<> count_timestamp_keys();
  void withdraw_stamp_wish();
  // Read before the options are: as long as it stays the same, so do they.
  uint32_t options_generation() const { return __atomic_load_n(&options_generation_, __ATOMIC_ACQUIRE); }
  // Ends in dispose(hal, this) of the derived type.
  virtual void destroy_self() = 0;
  // set_group_program() of a socket that is in no group yet: it waits for the first one.
  Result<> keep_group_program(Ref<BpfProgram> program);
  void set_family(IpFamily family) { family_ = family; }

 private:
  IpFamily family_;
  SocketType type_;
  uint8_t protocol_;
  uint32_t error_ = 0;  // an Errno; four bytes, because not every machine exchanges two
  uint32_t options_generation_ = 0;
  Stack& stack_;
  uint64_t cookie_ = 0;
  WaitQueue wait_queue_;
};

}  // namespace lxnet
