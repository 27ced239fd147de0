// Netlink sockets: names, sending and receiving, as net/netlink/af_netlink.c has them.
#include "compat/afnetlink/netlink_socket.hh"

#include "compat/afinet/interface_ioctl.hh"
#include "compat/afnetlink/stored_dump.hh"
#include "compat/syscalls/control_message.hh"
#include "compat/syscalls/generic_control.hh"
#include "compat/syscalls/stamp_ioctl.hh"

namespace lxnet {
namespace {

constexpr PollEvents kReadable = kPollIn | kPollReadNormal;
constexpr PollEvents kReadInterest = kReadable | kPollError;
constexpr int kProtocols = 32;  // MAX_LINKS
constexpr int kNetlinkLevel = 270, kPacketInfo = 3;

struct NetlinkAddress {
  uint16_t family = kFamilyNetlink;
  uint16_t pad = 0;
  uint32_t port = 0;
  uint32_t groups = 0;
};

size_t charge_of(const NetlinkDatagram& datagram) { return datagram.size + sizeof datagram; }

}  // namespace

NetlinkSocket::NetlinkSocket(Stack& stack, int type, const NetlinkProtocol& protocol)
    : SocketFile(stack, kFamilyNetlink, type, protocol.number),
      protocol_(protocol),
      waiters_(stack.hal()),
      dump_mutex_(stack.hal(), LockRank::EpollSet),
      inbox_mutex_(stack.hal(), LockRank::ErrorQueue) {
  const TunableValues& tunables = stack.tunables().values();
  options_.send_buffer = static_cast<uint32_t>(tunables.wmem_default);
  options_.receive_buffer = static_cast<uint32_t>(tunables.rmem_default);
  port_.socket = this;
  port_.protocol = protocol.number;
}

Result<Ref<SocketFile>> NetlinkSocket::create(SyscallContext& context, int type, int protocol) {
  if (type != kSockRaw && type != kSockDatagram) return Errno::ESOCKTNOSUPPORT;
  if (protocol < 0 || protocol >= kProtocols) return Errno::EPROTONOSUPPORT;
  const NetlinkProtocol* row = NetlinkDomain::find_protocol(protocol);
  if (row == nullptr) return Errno::EPROTONOSUPPORT;
  NetlinkSocket* socket = construct<NetlinkSocket>(context.hal(), context.stack(), type, *row);
  if (socket == nullptr) return Errno::ENOMEM;
  return Ref<SocketFile>::adopt(socket);
}

uint64_t NetlinkSocket::cookie() {
  if (cookie_ == 0) cookie_ = stack().sockets().next_cookie();
  return cookie_;
}

void NetlinkSocket::released(Entry& entry) {
  NetlinkDomain& domain = NetlinkDomain::of(stack());
  domain.leave(port_);
  {
    TaskMutexLock lock(dump_mutex_, entry);
    end_dump();
  }
  if (is_bound() && protocol_.closed != nullptr) protocol_.closed(domain, entry, port_.number);
  for (;;) {
    NetlinkDatagram* datagram = nullptr;
    {
      MutexLock lock(inbox_mutex_);
      datagram = inbox_.take_front();
    }
    if (datagram == nullptr) return;
    dispose(hal(), datagram);
  }
}

// netlink_ioctl() knows none, and leaves them to the devices. Nothing it receives has a stamp.
Result<int64_t> NetlinkSocket::ioctl(SyscallContext& context, uint32_t command, UserAddress argument) {
  if (is_stamp_command(command)) return Errno::ENOTTY;
  return device_ioctl(context, command, argument);
}

Result<> NetlinkSocket::bind_automatically(SyscallContext& context) {
  lxnet_credentials own{};
  context.hal().credentials(own);
  TRY(NetlinkDomain::of(stack()).take_any_port(port_, static_cast<uint32_t>(own.tgid)));
  __atomic_store_n(&is_bound_, uint8_t{1}, __ATOMIC_RELEASE);
  return ok();
}

Result<> NetlinkSocket::bind(SyscallContext& context, const SockAddr& user) {
  if (user.size() < sizeof(NetlinkAddress)) return Errno::EINVAL;
  const auto address = user.as<NetlinkAddress>();
  if (address.family != kFamilyNetlink) return Errno::EINVAL;
  const uint32_t known = protocol_.groups >= 32 ? ~0u : (1u << protocol_.groups) - 1;
  const uint32_t groups = address.groups & known;
  if (address.groups != 0) {
    if (protocol_.only_administrators_hear && !context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
    has_groups_ = true;
  }
  if (is_bound()) {
    if (address.port != port_.number) return Errno::EINVAL;
  } else if (address.port == 0) {
    TRY(bind_automatically(context));
  } else {
    TRY(NetlinkDomain::of(stack()).take_port(port_, address.port));
    __atomic_store_n(&is_bound_, uint8_t{1}, __ATOMIC_RELEASE);
  }
  // The groups beyond the address's stay as they are.
  NetlinkDomain::of(stack()).set_groups(port_, (port_.groups & ~uint64_t{0xffffffff}) | groups);
  return ok();
}

Result<> NetlinkSocket::change_membership(uint32_t group, bool joins) {
  if (protocol_.only_administrators_hear && !hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  has_groups_ = true;
  if (group == 0 || group > protocol_.groups) return Errno::EINVAL;
  const uint64_t bit = uint64_t{1} << (group - 1);
  NetlinkDomain::of(stack()).set_groups(port_, joins ? port_.groups | bit : port_.groups & ~bit);
  return ok();
}

Result<> NetlinkSocket::connect(SyscallContext& context, const SockAddr& user) {
  if (user.size() < sizeof(uint16_t)) return Errno::EINVAL;
  if (user.family() == kFamilyUnspecified) {
    destination_port_ = destination_groups_ = 0;
    return ok();
  }
  if (user.family() != kFamilyNetlink || user.size() < sizeof(NetlinkAddress)) return Errno::EINVAL;
  const auto address = user.as<NetlinkAddress>();
  if ((address.port != 0 || address.groups != 0) && !context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  if (!is_bound()) TRY(bind_automatically(context));
  destination_port_ = address.port;
  destination_groups_ = address.groups & -address.groups;  // one of them
  return ok();
}

Result<> NetlinkSocket::name(SyscallContext&, NameOf which, SockAddr& name) {
  NetlinkAddress address;
  if (which == NameOf::Peer) {
    address.port = destination_port_;
    address.groups = destination_groups_;
  } else if (is_bound()) {
    address.port = port_.number;
    address.groups = static_cast<uint32_t>(port_.groups);
  }
  name.set(address);
  return ok();
}

Result<size_t> NetlinkSocket::send(SyscallContext& context, OutgoingMessage& message) {
  if ((message.flags & kMessageOutOfBand) != 0) return Errno::EOPNOTSUPP;
  const size_t size = message.source.remaining();
  if (size == 0) return Errno::ENODATA;
  if (message.control != nullptr) TRY(check_claims(context, *message.control));
  uint32_t port = destination_port_, groups = destination_groups_;
  if (message.name != nullptr && message.name->size() != 0) {
    if (message.name->size() < sizeof(NetlinkAddress) || message.name->family() != kFamilyNetlink) return Errno::EINVAL;
    const auto address = message.name->as<NetlinkAddress>();
    port = address.port;
    groups = address.groups;
    if ((port != 0 || groups != 0) && !context.hal().capable(LXNET_CAP_NET_ADMIN)) return Errno::EPERM;
  }
  if (!is_bound()) TRY(bind_automatically(context));
  if (size > options_.send_buffer - 32) return Errno::EMSGSIZE;
  auto made = HeapArray<uint8_t>::create(context.hal(), size);
  if (!made.is_ok()) return Errno::ENOBUFS;
  const HeapArray<uint8_t> bytes = made.take();
  if (message.source.copy(MutableByteSpan(bytes.data(), size)) != size) return Errno::EFAULT;
  if (groups != 0) {
    // To the first of them, and then to the port.
    const auto first = static_cast<uint32_t>(__builtin_ctz(groups)) + 1;
    NetlinkDomain::of(stack()).multicast(protocol_.number, first, ByteSpan(bytes.data(), size), port_.number, port_.number);
  }
  if (port != 0) return NetlinkDomain::of(stack()).is_taken(protocol_.number, port) ? Errno::EPERM : Errno::ECONNREFUSED;
  TRY(handle(context, ByteSpan(bytes.data(), size)));
  return size;
}

// netlink_rcv_skb(): one request after the other, as long as they make sense.
Result<> NetlinkSocket::handle(SyscallContext& context, ByteSpan bytes) {
  if (protocol_.receive != nullptr) {
    protocol_.receive(context, bytes, *this);
    return ok();
  }
  while (bytes.size() >= sizeof(NetlinkHeader)) {
    NetlinkRequest request;
    copy_bytes(mutable_bytes_of(request.header), bytes);
    if (request.header.length < sizeof(NetlinkHeader) || request.header.length > bytes.size()) return ok();
    const ByteSpan whole = bytes.first(request.header.length);
    request.payload = whole.subspan(sizeof(NetlinkHeader));
    request.header.port = port_.number;
    request.is_question = protocol_.is_question(request.header.type);
    request.is_strict = strict_checks_;
    NetlinkComplaint complaint;
    request.complaint = &complaint;
    Errno error{};
    bool is_answered = false;
    if ((request.header.flags & kNetlinkRequest) != 0 && request.header.type >= kNetlinkFirstType) {
      auto handled = handle_one(context, request);
      if (!handled.is_ok()) {
        error = handled.error();
      } else {
        is_answered = handled.take();
      }
    }
    if (!is_answered && ((request.header.flags & kNetlinkAck) != 0 || error != Errno{})) acknowledge(whole, error, complaint);
    const size_t advance = netlink_align(request.header.length);
    bytes = bytes.subspan(advance < bytes.size() ? advance : bytes.size());
  }
  return ok();
}

Result<bool> NetlinkSocket::handle_one(SyscallContext& context, const NetlinkRequest& request) {
  // Who does not read what he asked for may not ask for more.
  if (is_full()) return Errno::EBUSY;
  if (!request.is_dump()) {
    NetlinkDomain& domain = NetlinkDomain::of(stack());
    domain.set_requester({.entry = &context.entry(), .sequence = request.header.sequence, .port = request.header.port});
    auto handled = protocol_.handle(context, request, *this);
    domain.set_requester({});
    return handled.is_ok() ? Result<bool>(false) : Result<bool>(handled.error());
  }
  const bool ends_alone = protocol_.ends_alone != nullptr && protocol_.ends_alone(request);
  StoredDump* dump = TRY(StoredDump::create(context.hal(), ends_alone ? StoredDump::End::Alone : StoredDump::End::WithLast));
  auto handled = protocol_.handle(context, request, *dump);
  if (!handled.is_ok() || !dump->is_complete()) {
    dump->dispose(context.hal());
    return handled.is_ok() ? Result<bool>(false) : Result<bool>(handled.error());
  }
  TRY(start_dump(context, dump, request.header));
  return begin_dump(context);
}

bool NetlinkSocket::is_full() {
  MutexLock lock(inbox_mutex_);
  return inbox_bytes_ > options_.receive_buffer;
}

// What the socket's filter leaves of it; it sees the datagram from its first header on.
ByteSpan NetlinkSocket::filter(ByteSpan datagram) const {
  const Ref<BpfProgram> program = attachments_.filter();
  if (!program) return datagram;
  const uint32_t wanted = program->run(BpfPacket{.linear = datagram, .size = static_cast<uint32_t>(datagram.size())});
  return wanted < datagram.size() ? datagram.first(wanted) : datagram;
}

void NetlinkSocket::hear(uint32_t group, ByteSpan whole, uint32_t from_port) {
  const ByteSpan datagram = filter(whole);
  if (datagram.empty()) return;
  if (is_full() || !queue(datagram, group, from_port).is_ok()) overrun();
}

void NetlinkSocket::overrun() {
  if (no_buffer_errors_) return;
  __atomic_store_n(&error_, static_cast<uint32_t>(Errno::ENOBUFS), __ATOMIC_RELEASE);
  waiters_.wake(kPollError);
}

Result<> NetlinkSocket::queue(ByteSpan bytes, uint32_t group, uint32_t from_port) {
  NetlinkDatagram* datagram = construct<NetlinkDatagram>(hal());
  if (datagram == nullptr) return Errno::ENOBUFS;
  auto copy = HeapArray<uint8_t>::create(hal(), bytes.size());
  if (!copy.is_ok()) {
    dispose(hal(), datagram);
    return Errno::ENOBUFS;
  }
  datagram->bytes = copy.take();
  datagram->size = bytes.size();
  datagram->group = group;
  datagram->port = from_port;
  memcpy(datagram->bytes.data(), bytes.data(), bytes.size());
  {
    MutexLock lock(inbox_mutex_);
    inbox_.push_back(*datagram);
    inbox_bytes_ += charge_of(*datagram);
  }
  waiters_.wake(kReadable);
  return ok();
}

Result<size_t> NetlinkSocket::take(IncomingMessage& message, uint32_t& from_group) {
  if (const Errno error = take_error(); error != Errno{}) return error;
  const bool is_peek = (message.flags & kMessagePeek) != 0;
  NetlinkDatagram* datagram = nullptr;
  {
    MutexLock lock(inbox_mutex_);
    datagram = inbox_.front();
    if (datagram != nullptr && !is_peek) {
      inbox_.remove(*datagram);
      inbox_bytes_ -= charge_of(*datagram);
    }
  }
  if (datagram == nullptr) return Errno::EAGAIN;
  const size_t full = datagram->size;
  const size_t size = full < message.sink.room() ? full : message.sink.room();
  if (size < full) message.result_flags |= kMessageTruncated;
  const bool is_good = message.sink.copy(ByteSpan(datagram->bytes.data(), size)) == size;
  const uint32_t group = datagram->group, port = datagram->port;
  if (!is_peek) dispose(hal(), datagram);
  if (!is_good) return Errno::EFAULT;
  // Beyond the first 32 an address cannot say which.
  message.name.set(NetlinkAddress{.port = port, .groups = group != 0 && group <= 32 ? 1u << (group - 1) : 0u});
  from_group = group;
  message.has_name = true;
  return (message.flags & kMessageTruncated) != 0 ? full : size;
}

Result<size_t> NetlinkSocket::receive(SyscallContext& context, IncomingMessage& message) {
  if ((message.flags & kMessageOutOfBand) != 0) return Errno::EOPNOTSUPP;
  const bool waits = (message.flags & kMessageDontWait) == 0;
  const WaitPolicy policy{.queue = waiters_,
                          .interest = kReadInterest,
                          .timeout = waits ? options_->receive_timeout : Duration(),
                          .mode = Waiter::Mode::Exclusive};
  const size_t room = message.sink.room();
  uint32_t from_group = 0;
  const size_t size = TRY(wait_until(context, policy, [&] { return take(message, from_group); }));
  read_on(context, room);
  if (message.control != nullptr && packet_info_) message.control->put(kNetlinkLevel, kPacketInfo, from_group);
  return size;
}

PollEvents NetlinkSocket::poll(Entry&) {
  PollEvents events = kPollOut | kPollWriteNormal | kPollWriteBand;
  if (__atomic_load_n(&error_, __ATOMIC_ACQUIRE) != 0) events |= kPollError;
  MutexLock lock(inbox_mutex_);
  if (!inbox_.is_empty()) events |= kReadable;
  return events;
}

}  // namespace lxnet
