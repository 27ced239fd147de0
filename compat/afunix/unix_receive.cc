// Receiving datagrams and sequenced packets, and what both kinds of receiving say beside the bytes.
#include "compat/afunix/unix_receive.hh"

#include "compat/syscalls/generic_control.hh"

namespace lxnet {
namespace {

constexpr int kSocketLevel = 1, kCredentials = 2, kProcess = 4, kUnread = 84;
constexpr PollEvents kReadInterest = kPollIn | kPollReadNormal | kPollError | kPollHangUp | kPollReadHangUp;
constexpr PollEvents kWritable = kPollOut | kPollWriteNormal | kPollWriteBand;
constexpr uint32_t kOverflowId = 65534;

uint32_t visible_id(uint32_t id) { return id == ~0u ? kOverflowId : id; }

}  // namespace

Duration UnixEndpoint::wait_time(uint32_t flags, bool is_send) const {
  if ((flags & kMessageDontWait) != 0) return Duration();
  return is_send ? options_->send_timeout : options_->receive_timeout;
}

Result<size_t> UnixEndpoint::receive(SyscallContext& context, IncomingMessage& message) {
  if (is_stream()) return receive_stream(context, message);
  if (socket_type() == kSockSequenced && state() != UnixState::Connected) return Errno::ENOTCONN;
  if ((message.flags & kMessageOutOfBand) != 0) return Errno::EOPNOTSUPP;
  return receive_datagram(context, message);
}

void UnixEndpoint::note_sender(const UnixMessage& from, IncomingMessage& message) {
  if (!message.wants_name) return;
  if (const UnixAddress* name = from.sender->address()) {
    message.name = name->to_sockaddr();
    message.has_name = true;
  }
}

// SO_PEEK_OFF follows what is peeked and read, once it was set.
void UnixEndpoint::move_peek_offset(int64_t by) {
  const int32_t offset = peek_offset();
  if (offset < 0) return;
  const int64_t moved = offset + by;
  __atomic_store_n(&options_.own()->peek_offset, static_cast<int32_t>(moved < 0 ? 0 : moved), __ATOMIC_RELAXED);
}

// A peek leaves the message its descriptors; without memory for a second set it shows none.
void UnixEndpoint::take_rights(UnixMessage& message, Incoming& incoming) {
  if (message.rights.is_empty()) return;
  if (!incoming.is_peek) {
    incoming.rights = std::move(message.rights);
  } else if (auto copy = message.rights.clone(); copy.is_ok()) {
    incoming.rights = copy.take();
  }
}

// scm_recv_unix().
void UnixEndpoint::write_control(IncomingMessage& message, Incoming& incoming) {
  if (message.control == nullptr) return;
  if (options_->pass_credentials) {
    const UnixCredentials& who = incoming.credentials;
    message.control->put(kSocketLevel, kCredentials, UnixCredentials{who.pid, visible_id(who.uid), visible_id(who.gid)});
  }
  if (!incoming.rights.is_empty()) incoming.rights.deliver(*message.control);
  if (options_->pass_pidfd) write_process(*message.control, incoming);
}

// SO_INQ.
void UnixEndpoint::write_unread(IncomingMessage& message) {
  if (message.control == nullptr || !options_->report_unread) return;
  message.control->put(kSocketLevel, kUnread, __atomic_load_n(&unread_bytes_, __ATOMIC_RELAXED));
}

// SCM_PIDFD. A descriptor that cannot be had leaves its error in the message, as on Linux.
void UnixEndpoint::write_process(ControlWriter& writer, const Incoming& incoming) {
  if (writer.data_room() < sizeof(int)) {
    writer.set_truncated();
    return;
  }
  if (incoming.credentials.pid == 0) return;
  const UnixProcess process = incoming.process.is_known() ? incoming.process : UnixProcess::of(hal(), incoming.credentials.pid);
  auto fd = process.open();
  writer.put(kSocketLevel, kProcess, fd.is_ok() ? fd.take() : -static_cast<int>(fd.error()));
}

// __skb_try_recv_from_queue(): under the inbox's mutex. An empty message is peeked at once before an offset passes over it.
UnixMessage* UnixEndpoint::next_datagram(bool is_peek, size_t& skip) {
  const bool has_offset = is_peek && peek_offset() >= 0;
  size_t offset = has_offset ? static_cast<size_t>(peek_offset()) : 0;
  for (UnixMessage& message : inbox_) {
    if (has_offset && offset >= message.size() && (offset != 0 || message.is_peeked)) {
      offset -= message.size();
      continue;
    }
    if (is_peek && message.size() == 0) message.is_peeked = true;
    skip = offset;
    return &message;
  }
  return nullptr;
}

// A message that is peeked at stays while user memory is copied: whoever takes it off the queue meanwhile waits for the peek's
// end.
Result<size_t> UnixEndpoint::peek_datagram(SyscallContext& context, IncomingMessage& message, Incoming& incoming) {
  TaskMutexLock reader(reader_, context.entry());
  size_t skip = 0;
  UnixMessage* found = nullptr;
  {
    MutexLock lock(inbox_mutex_);
    found = next_datagram(true, skip);
    if (found != nullptr) found->is_looked_at = true;
  }
  auto size = read_datagram(found, skip, message, incoming);
  if (found != nullptr) {
    MutexLock lock(inbox_mutex_);
    found->is_looked_at = false;
  }
  return size;
}

Result<size_t> UnixEndpoint::take_datagram(SyscallContext& context, IncomingMessage& message, Incoming& incoming) {
  size_t skip = 0;
  UnixMessage* found = nullptr;
  bool is_looked_at = false;
  {
    MutexLock lock(inbox_mutex_);
    found = next_datagram(false, skip);
    if (found != nullptr) {
      unlink_message(*found);
      is_looked_at = found->is_looked_at;
    }
  }
  if (is_looked_at) TaskMutexLock reader(reader_, context.entry());
  auto size = read_datagram(found, skip, message, incoming);
  if (found != nullptr) domain().bury(found);
  return size;
}

// One message, whole. On a bad pointer it is lost, as on Linux.
Result<size_t> UnixEndpoint::read_datagram(UnixMessage* found, size_t skip, IncomingMessage& message, Incoming& incoming) {
  if (found == nullptr) {
    if ((shut() & kShutReceive) == 0) return Errno::EAGAIN;
    // A datagram socket that does not wait is told EAGAIN even after shutdown().
    if (socket_type() == kSockSequenced || wait_time(message.flags, false) > Duration()) return size_t{0};
    return Errno::EAGAIN;
  }
  incoming.has_message = true;
  senders_.wake(kWritable);
  const size_t full = found->size() - skip;
  const size_t size = full < message.sink.room() ? full : message.sink.room();
  note_sender(*found, message);
  if (size < full) message.result_flags |= kMessageTruncated;
  const bool is_good = found->copy_to(message.sink, skip, size) == size;
  if (is_good) {
    incoming.credentials = found->credentials;
    incoming.process = found->process;
    incoming.wall_nanos = found->wall_nanos;
    take_rights(*found, incoming);
    move_peek_offset(incoming.is_peek ? static_cast<int64_t>(size) : -static_cast<int64_t>(found->size()));
  }
  if (!is_good) return Errno::EFAULT;
  return (message.flags & kMessageTruncated) != 0 ? full : size;
}

Result<size_t> UnixEndpoint::receive_datagram(SyscallContext& context, IncomingMessage& message) {
  Incoming incoming;
  incoming.is_peek = (message.flags & kMessagePeek) != 0;
  const WaitPolicy policy{
      .queue = waiters_, .interest = kReadInterest, .timeout = wait_time(message.flags, false), .mode = Waiter::Mode::Exclusive};
  const size_t size = TRY(wait_until(context, policy, [&]() -> Result<size_t> {
    if (const Errno error = take_error(); error != Errno{}) return error;
    return incoming.is_peek ? peek_datagram(context, message, incoming) : take_datagram(context, message, incoming);
  }));
  if (!incoming.has_message) return size;
  if (message.control != nullptr && (options_->timestamp_flags & kTimestampPlain) != 0) {
    ReceiveRequest stamp{.sink = message.sink};
    stamp.wall_nanos = incoming.wall_nanos;
    encode_generic_control(options_, stamp, *message.control);
  }
  write_control(message, incoming);
  return size;
}

}  // namespace lxnet
