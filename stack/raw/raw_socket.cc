// Making, binding and hearing of a raw socket (net/ipv4/raw.c, net/ipv6/raw.c). raw_send.cc sends.
#include "stack/raw/raw_socket.hh"

#include "stack/datagram/group_filter.hh"
#include "stack/socket_factories.hh"
#include "stack/stack.hh"

namespace lxnet {

RawSocket::RawSocket(Stack& stack, IpFamily family, uint16_t number)
    : DatagramSocket(stack, family, SocketType::Raw, static_cast<uint8_t>(number),
                     family == IpFamily::V4 ? DemuxSpace::Raw4 : DemuxSpace::Raw6, Admission::IfNotFull),
      number_(number),
      admission_lock_(stack.hal(), LockRank::ErrorQueue) {
  options.begin_with(kReusingSocketOptions);
  if (family == IpFamily::V6 && number == kIcmp6) {
    raw_options.has_checksum = true;
    raw_options.checksum_offset = 2;
  }
}

Result<Ref<Socket>> RawSocket::create(Entry& entry, IpFamily family, uint16_t number) {
  RawSocket* raw = construct<RawSocket>(entry.stack().hal(), entry.stack(), family, number);
  if (raw == nullptr) return Errno::ENOBUFS;
  Ref<Socket> socket = Ref<Socket>::adopt(raw);
  if (!raw->ip_options.set(raw->stack().hal(), &IpSocketOptions::header_included, number == kRaw).is_ok()) return Errno::ENOBUFS;
  TRY(raw->start(entry));
  return socket;
}

Result<> RawSocket::start(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  local_.port = number_;
  return relist();
}

RawSocket::~RawSocket() {
  if (pending_ != nullptr) dispose(stack().hal(), pending_);
}

void RawSocket::dispose_self() { dispose(stack().hal(), this); }

// Found by protocol alone; the rest is admits(). So the place among the others, newest first, is the one it was born to.
Result<> RawSocket::relist() {
  {
    MutexLock lock(admission_lock_);
    admitted_ = Addresses{local_.address, is_connected() ? remote_.address : IpAddress()};
  }
  if (local_.port == 0 || number_ > UINT8_MAX || is_listed()) return ok();
  DemuxEntry& next = next_entry();
  next.local = IpAddress();
  next.local_port = protocol();
  return replace_entry(false);
}

Result<> RawSocket::bind(Entry& entry, const Endpoint& local) {
  TaskOwnership ownership(lock_, entry);
  if (family() == IpFamily::V4) {
    if (is_connected()) return Errno::EINVAL;
    TRY(check_bind4(entry, local.address));
  } else {
    if (local.address.is_v4()) return Errno::EADDRNOTAVAIL;
    if (is_connected()) return Errno::EINVAL;
    TRY(check_bind6(entry, local));
  }
  set_address(entry, local.address);
  return relist();
}

bool RawSocket::admits(const IpAddress& local, const IpAddress& remote, uint32_t interface_index) const {
  const uint32_t bound = __atomic_load_n(&options.bound_interface, __ATOMIC_RELAXED);
  if (bound != 0 && bound != interface_index) return false;
  MutexLock lock(admission_lock_);
  if (!admitted_.remote.is_unspecified() && !(admitted_.remote == remote)) return false;
  return admitted_.local.is_unspecified() || admitted_.local == local;
}

bool RawSocket::filters(const Packet& packet) const {
  if (protocol() != (family() == IpFamily::V4 ? kIcmp4 : kIcmp6)) return false;
  // What is too short for a header is no message.
  constexpr size_t kHeader4 = 8, kHeader6 = 4;
  uint8_t type = 0;
  if (packet.size() < (family() == IpFamily::V4 ? kHeader4 : kHeader6)) return true;
  packet.read(0, MutableByteSpan(&type, 1));
  if (family() == IpFamily::V4) return type < 32 && (raw_options.icmp_filter >> type & 1) != 0;
  return (raw_options.icmp6_filter[type / 32] >> (type % 32) & 1) != 0;
}

Result<size_t> RawSocket::receive(Entry& entry, ReceiveRequest& request) {
  if ((request.flags & kMessageOutOfBand) != 0) return Errno::EOPNOTSUPP;
  return DatagramSocket::receive(entry, request);
}

Result<Ref<Socket>> create_raw_socket(Entry& entry, IpFamily family, uint16_t protocol) {
  return RawSocket::create(entry, family, protocol);
}

}  // namespace lxnet
