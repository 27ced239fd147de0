// Life, names, readiness and memory of a datagram socket. Binding, connecting, receiving and sending have files of their own.
#include "stack/datagram/datagram_socket.hh"

#include "stack/stack.hh"

namespace lxnet {
namespace {

constexpr uint8_t kShutRead = 1, kShutWrite = 2;

uint32_t current_user(const Hal& hal) {
  lxnet_credentials credentials{};
  hal.credentials(credentials);
  return credentials.euid;
}

}  // namespace

DatagramSocket::DatagramSocket(Stack& stack, IpFamily family, SocketType type, uint8_t protocol, DemuxSpace space,
                               Admission admission, const CountersByFamily* counters)
    : Socket(stack, family, type, protocol),
      lock_(kNoWork, stack.sockets().lock_mutex(lock_)),
      space_(space),
      uid_(current_user(stack.hal())),
      queue_(stack.hal(), admission),
      errors_(stack.hal()),
      counters_(counters) {
  local_.address = IpAddress::any(family);
  source_ = local_.address;
  remote_.address = local_.address;
}

// Nobody else can see the socket any more.
DatagramSocket::~DatagramSocket() { queue_.clear(); }

// What was sent may still be on its way and tell us when it dies: the last of it, or we, end the socket.
void DatagramSocket::destroy_self() { release_charge(static_cast<Socket*>(this), 1); }

void DatagramSocket::release_charge(void* owner, uint32_t amount) {
  auto& self = static_cast<DatagramSocket&>(*static_cast<Socket*>(owner));
  const size_t before = fetch_add(self.send_memory_, ~size_t{amount} + 1, self.stack().hal().sharing());
  if (before == amount) return self.dispose_self();
  // Linux's sock_def_write_space: with half of the buffer free every packet that is gone is told of, which edges show.
  const size_t limit = self.options.send_buffer.load();
  if ((before - amount) * 2 <= limit) self.wake_writers();
}

// Also after a packet that was made and then not sent.
void DatagramSocket::wake_writers() { wait_queue().wake(kPollOut | kPollWriteNormal | kPollWriteBand); }

void DatagramSocket::charge(Packet& packet, uint32_t amount) {
  fetch_add(send_memory_, size_t{amount}, stack().hal().sharing());
  packet.set_owner(static_cast<Socket*>(this), &release_charge, amount);
  packet.set_true_size(amount);
}

void DatagramSocket::raise_charge(Packet& packet, uint32_t amount) {
  fetch_add(send_memory_, size_t{amount}, stack().hal().sharing());
  packet.raise_owned(amount);
  packet.set_true_size(packet.true_size() + amount);
}

void DatagramSocket::tag(Packet& packet, const SendPlan& plan) {
  packet.mark = plan.mark;
  packet.priority = plan.priority;
  packet.transmit_stamps = plan.stamps;
  packet.stamp_key = plan.stamp_key;
  packet.receiver_hashes = plan.receiver_hashes;
}

Result<> DatagramSocket::check_may_send() {
  const Errno error = take_error();
  if (error != Errno{}) return error;
  if ((shutdown_ & kShutWrite) != 0) return Errno::EPIPE;
  if (send_memory() >= options.send_buffer) return Errno::EAGAIN;
  return ok();
}

size_t DatagramSocket::room_for_errors() const {
  const size_t limit = options.receive_buffer.load();
  const size_t held = receive_memory();
  return held < limit ? limit - held : 0;
}

// ----------------------------------------------------------------------------------------------------------------- readiness

PollEvents DatagramSocket::poll(Entry&) {
  PollEvents events = 0;
  const uint8_t closed = __atomic_load_n(&shutdown_, __ATOMIC_RELAXED);
  if (has_error() || !errors_.is_empty()) events |= kPollError | (options->select_error_queue ? kPollPriority : 0);
  if ((closed & kShutRead) != 0) events |= kPollReadHangUp | kPollIn | kPollReadNormal;
  if (closed == (kShutRead | kShutWrite)) events |= kPollHangUp;
  if (!queue_.is_empty()) events |= kPollIn | kPollReadNormal;
  if (send_memory() < options.send_buffer / 2) events |= kPollOut | kPollWriteNormal | kPollWriteBand;
  return events;
}

// Unconnected, the answer is ENOTCONN, and yet the directions are shut: Linux uses that to wake who waits (inet_shutdown).
Result<> DatagramSocket::shutdown(Entry& entry, ShutdownHow how) {
  const uint8_t bits = how == ShutdownHow::Read ? kShutRead : how == ShutdownHow::Write ? kShutWrite : kShutRead | kShutWrite;
  bool was_connected = false;
  {
    TaskOwnership ownership(lock_, entry);
    __atomic_store_n(&shutdown_, static_cast<uint8_t>(shutdown_ | bits), __ATOMIC_RELEASE);
    was_connected = is_connected_;
  }
  wait_queue().wake_all(kPollKeyless);
  return was_connected ? ok() : Result<>(Errno::ENOTCONN);
}

Result<uint32_t> DatagramSocket::path_mtu(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (!is_connected_ || !has_path_) return Errno::ENOTCONN;
  FlowKey key;
  key.source = source_;
  key.destination = remote_.address;
  key.output_interface = options.bound_interface;
  choose_interface(key);
  key.mark = options.mark;
  auto route = stack().routes().lookup(entry, key);
  if (!route.is_ok()) return Errno::ENOTCONN;
  return ip_send_mtu(route.take(), PathMtuMode::Want);
}

void DatagramSocket::doubt_route(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  forget_cached_route();
}

void DatagramSocket::forget_route(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  forget_cached_route();
  has_path_ = false;
}

void DatagramSocket::forget_cached_route() {
  cached_route_ = Route();
  kept_.is_valid = false;
}

bool DatagramSocket::has_v4_peer(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  return is_connected_ && remote_.address.is_v4();
}

Result<> DatagramSocket::set_group_program(Entry& entry, Ref<BpfProgram> program) {
  TaskOwnership ownership(lock_, entry);
  DemuxEntry& listed = entries_[current_entry_];
  if (!listed.is_added()) return keep_group_program(std::move(program));
  const bool takes_away = !program;
  auto set = stack().sockets().set_group_program(listed, std::move(program));
  // Listed, but not in a group, because SO_REUSEPORT came after bind().
  if (set.is_error(Errno::EINVAL) && takes_away && options->reuse_port) return Errno::ENOENT;
  return set;
}

void DatagramSocket::queue_error(Ref<Packet> payload, const ExtendedError& error, const Endpoint& destination) {
  if (errors_.push(std::move(payload), error, destination, room_for_errors())) wait_queue().wake_all(kPollError);
}

// Only names change: the addresses of an IPv4 peer are IPv4's already.
Result<> DatagramSocket::become_v4(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (!is_connected_) return Errno::ENOTCONN;
  if (ip_options->v6_only || !remote_.address.is_v4()) return Errno::EADDRNOTAVAIL;
  TRY(ip_options.set(stack().hal(), &IpSocketOptions::multicast_all_v4, true));
  forget_cached_route();
  set_family(IpFamily::V4);
  return relist();
}

Result<int> DatagramSocket::bytes_readable(Entry&) {
  const int64_t size = queue_.front_size();
  return static_cast<int>(size < 0 ? 0 : size);
}

SocketMemory DatagramSocket::memory(Entry&) {
  SocketMemory memory;
  memory.received = static_cast<uint32_t>(receive_memory());
  memory.in_flight = static_cast<uint32_t>(send_memory());
  memory.drops = drops();
  return memory;
}

SocketDiagnosis DatagramSocket::diagnose(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  SocketDiagnosis told;
  told.state = is_connected_ ? 1 : 7;
  told.shutdown = shutdown_;
  told.is_port_bound = port_locked_;
  told.receive_queue = static_cast<uint32_t>(receive_memory());
  told.send_queue = static_cast<uint32_t>(send_memory());
  return told;
}

// udp_abort(), raw_abort().
Result<> DatagramSocket::abort(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (is_closed_) return ok();
  report_error(Errno::ECONNABORTED);
  return disconnect_locked(entry);
}

Result<int> DatagramSocket::bytes_unsent(Entry&) { return static_cast<int>(send_memory()); }

// --------------------------------------------------------------------------------------------------------------------- names

Result<Endpoint> DatagramSocket::local_name(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  Endpoint name = local_;
  if (name.address.is_unspecified()) name.address = source_;
  name.scope_id = name.address.v6().needs_scope_id() ? options.bound_interface : 0;
  return name;
}

Result<Endpoint> DatagramSocket::remote_name(Entry& entry) {
  TaskOwnership ownership(lock_, entry);
  if (!is_connected_ || remote_.port == 0) return Errno::ENOTCONN;
  Endpoint name = remote_;
  name.scope_id = name.address.v6().needs_scope_id() ? options.bound_interface : 0;
  return name;
}

// ----------------------------------------------------------------------------------------------------------- being found, end

DemuxEntry& DatagramSocket::next_entry() {
  DemuxEntry& next = entries_[current_entry_ ^ 1];
  next.socket = this;
  next.space = space_;
  next.family = family();
  next.v6_only = ip_options->v6_only;
  next.reuse_port = options->reuse_port;
  next.uid = uid_;
  next.local = local_.address;
  next.local_port = local_.port;
  next.remote = IpAddress();
  next.remote_port = 0;
  next.is_remote_former = false;
  return next;
}

Result<> DatagramSocket::replace_entry(bool as_flow) {
  SocketSet& sockets = stack().sockets();
  DemuxEntry& next = entries_[current_entry_ ^ 1];
  if (as_flow) {
    TRY(sockets.add_flow(next, FlowSharing::Shared));
  } else {
    TRY(sockets.add_bound(next));
  }
  sockets.remove(entries_[current_entry_]);
  current_entry_ ^= 1;
  return ok();
}

// Linux keys connected sockets by both ends, but for a remote port of zero, which matches any.
Result<> DatagramSocket::relist() {
  DemuxEntry& next = next_entry();
  next.remote = is_connected_ ? remote_.address : former_peer_;
  next.remote_port = remote_.port;
  next.is_remote_former = !is_connected_;
  return replace_entry(is_connected_ && remote_.port != 0 && !local_.address.is_unspecified());
}

void DatagramSocket::unlist() { stack().sockets().remove(entries_[current_entry_]); }

void DatagramSocket::close(Entry& entry) {
  stack().memberships().leave_all(entry, groups);
  {
    TaskOwnership ownership(lock_, entry);
    discard_pending(entry);
    unlist();
    release_port(entry);
    __atomic_store_n(&is_connected_, false, __ATOMIC_RELAXED);
    forget_cached_route();
  }
  stack().memberships().leave_all(entry, groups);
  queue_.clear();
  errors_.clear();
}

}  // namespace lxnet
