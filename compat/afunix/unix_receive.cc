// Receiving on AF_UNIX sockets.
#include "compat/afunix/unix_endpoint.hh"
#include "compat/syscalls/control_message.hh"

namespace lxnet {
namespace {

constexpr int kSocketLevel = 1, kCredentials = 2;
constexpr PollEvents kReadInterest = kPollIn | kPollReadNormal | kPollError | kPollHangUp | kPollReadHangUp;
constexpr PollEvents kWritable = kPollOut | kPollWriteNormal | kPollWriteBand;
constexpr uint32_t kOverflowId = 65534;

struct UserCredentials {
  int32_t pid;
  uint32_t uid, gid;
};

uint32_t visible_id(uint32_t id) { return id == ~0u ? kOverflowId : id; }

}  // namespace

// What one receive has gathered so far.
struct UnixEndpoint::Incoming {
  bool is_peek = false;
  bool is_at_end = false;  // nothing more belongs to this receive: descriptors, other credentials, the urgent mark
  size_t copied = 0;
  size_t skip = 0;  // SO_PEEK_OFF
  bool has_credentials = false;
  UnixCredentials credentials;
  UnixRights rights;
};

Duration UnixEndpoint::wait_time(uint32_t flags, bool is_send) const {
  if ((flags & kMessageDontWait) != 0) return Duration();
  return is_send ? options_.send_timeout : options_.receive_timeout;
}

Result<size_t> UnixEndpoint::receive(SyscallContext& context, IncomingMessage& message) {
  if (is_stream()) return receive_stream(context, message);
  if (socket_type() == kSockSequenced && state() != UnixState::Connected) return Errno::ENOTCONN;
  if ((message.flags & kMessageOutOfBand) != 0) return Errno::EOPNOTSUPP;
  return receive_datagram(context, message);
}

void UnixEndpoint::write_control(SyscallContext& context, IncomingMessage& message, Incoming& incoming) {
  if (message.control == nullptr) return;
  if (options_.pass_credentials) {
    const UnixCredentials& who = incoming.credentials;
    message.control->put(kSocketLevel, kCredentials, UserCredentials{who.pid, visible_id(who.uid), visible_id(who.gid)});
  }
  if (!incoming.rights.is_empty()) incoming.rights.deliver(context, *message.control);
}

// Off the queue and freed; whoever waited for room hears of it.
void UnixEndpoint::remove_message(UnixMessage* message) {
  {
    MutexLock lock(inbox_mutex_);
    inbox_.remove(*message);
    if (urgent_ == message) urgent_ = nullptr;
    __atomic_store_n(&inbox_count_, inbox_count_ - 1, __ATOMIC_RELEASE);
  }
  senders_.wake(kWritable);
  domain().bury(message);
}

// ---- streams

// The message to read on from, past urgent bytes that are not in line (Linux's manage_oob). A byte that was read as urgent stays
// as a mark at which a read stops once.
UnixMessage* UnixEndpoint::next_readable(const Incoming& incoming, UnixMessage* after) {
  for (;;) {
    UnixMessage* message = nullptr;
    bool is_mark = false, is_urgent = false;
    {
      MutexLock lock(inbox_mutex_);
      message = after == nullptr ? inbox_.front() : inbox_.next(*after);
      if (message == nullptr) return nullptr;
      is_mark = message->is_urgent && message->unread() == 0;
      is_urgent = message == urgent_;
      if (is_mark && incoming.copied != 0 && (urgent_ == nullptr || is_urgent)) return nullptr;
      if (!is_mark && !is_urgent) return message;
      if (is_urgent && incoming.copied != 0) return nullptr;
      if (is_urgent && !incoming.is_peek) urgent_ = nullptr;
      if (is_urgent && !is_mark && options_.oob_inline) return message;
    }
    if (incoming.is_peek) {
      after = message;
    } else {
      remove_message(message);
    }
  }
}

// What is there now, up to the first boundary. EAGAIN: nothing; 0: the end.
Result<size_t> UnixEndpoint::read_available(SyscallContext& context, IncomingMessage& message, Incoming& incoming) {
  TaskMutexLock reader(reader_, context.entry());
  size_t copied = 0;
  UnixMessage* previous = nullptr;
  size_t skip = incoming.skip;
  while (message.sink.room() != 0 && !incoming.is_at_end) {
    UnixMessage* piece = next_readable(incoming, previous);
    if (piece == nullptr) break;
    if (skip >= piece->unread()) {
      skip -= piece->unread();
      previous = piece;
      continue;
    }
    if (incoming.has_credentials && !(piece->credentials == incoming.credentials)) {
      incoming.is_at_end = true;
      break;
    }
    if (!incoming.has_credentials && options_.pass_credentials) {
      incoming.has_credentials = true;
      incoming.credentials = piece->credentials;
    }
    if (piece->source && !message.has_name) {
      message.name = piece->source->to_sockaddr();
      message.has_name = true;
    }
    const size_t available = piece->unread() - skip;
    const size_t size = available < message.sink.room() ? available : message.sink.room();
    if (copy_to_sink(*piece->data, piece->consumed + skip, size, message.sink) != size) {
      if (copied == 0 && incoming.copied == 0) return Errno::EFAULT;
      incoming.is_at_end = true;
      break;
    }
    skip = 0;
    copied += size;
    incoming.copied += size;
    if (!piece->rights.is_empty()) {
      incoming.rights = incoming.is_peek ? TRY(piece->rights.clone()) : std::move(piece->rights);
      incoming.is_at_end = true;
    }
    if (incoming.is_peek) {
      previous = piece;
      continue;
    }
    piece->consumed += size;
    if (piece->unread() == 0) remove_message(piece);
  }
  if (copied != 0 || incoming.is_at_end || message.sink.room() == 0) return copied;
  if (const Errno error = take_error(); error != Errno{}) return error;
  if ((shut() & kShutReceive) != 0) {
    incoming.is_at_end = true;
    return size_t{0};
  }
  return Errno::EAGAIN;
}

Result<size_t> UnixEndpoint::receive_stream(SyscallContext& context, IncomingMessage& message) {
  if (state() != UnixState::Connected) return Errno::EINVAL;
  if ((message.flags & kMessageOutOfBand) != 0) return receive_urgent(context, message);
  Incoming incoming{.is_peek = (message.flags & kMessagePeek) != 0, .credentials = {}, .rights = {}};
  if (incoming.is_peek && options_.peek_offset > 0) incoming.skip = static_cast<size_t>(options_.peek_offset);
  const size_t room = message.sink.room();
  size_t target = (message.flags & kMessageWaitAll) != 0 ? room : static_cast<size_t>(options_.receive_low_water);
  if (target > room) target = room;
  if (target == 0) target = 1;

  Duration left = wait_time(message.flags, false);
  for (;;) {
    const WaitPolicy policy{.queue = waiters_, .interest = kReadInterest, .timeout = left};
    auto piece = wait_until(
        context, policy, [&] { return read_available(context, message, incoming); }, &left);
    if (!piece.is_ok()) {
      if (incoming.copied == 0) return piece.error();
      break;
    }
    piece.take();
    if (incoming.is_at_end || incoming.copied >= target || incoming.is_peek || message.sink.room() == 0) break;
  }
  if (options_.peek_offset >= 0) {
    const auto moved = static_cast<int32_t>(incoming.copied);
    options_.peek_offset = incoming.is_peek               ? options_.peek_offset + moved
                           : options_.peek_offset > moved ? options_.peek_offset - moved
                                                          : 0;
  }
  write_control(context, message, incoming);
  return incoming.copied;
}

// recv(MSG_OOB): the one byte, which then stays in the queue as a mark. It never waits.
Result<size_t> UnixEndpoint::receive_urgent(SyscallContext& context, IncomingMessage& message) {
  TaskMutexLock reader(reader_, context.entry());
  const bool is_peek = (message.flags & kMessagePeek) != 0;
  uint8_t byte = 0;
  {
    MutexLock lock(inbox_mutex_);
    if (options_.oob_inline || urgent_ == nullptr) return Errno::EINVAL;
    urgent_->data->read(urgent_->consumed, MutableByteSpan(&byte, 1));
    if (!is_peek) {
      urgent_->consumed += 1;
      urgent_ = nullptr;
    }
  }
  if (message.sink.copy(ByteSpan(&byte, 1)) != 1) return Errno::EFAULT;
  message.result_flags |= kMessageOutOfBand;
  return size_t{1};
}

// ---- datagrams and sequenced packets

// One message, whole. On a bad pointer it is lost, as on Linux.
Result<size_t> UnixEndpoint::take_datagram(SyscallContext& context, IncomingMessage& message, Incoming& incoming) {
  TaskMutexLock reader(reader_, context.entry());
  size_t skip = incoming.skip;
  UnixMessage* found = nullptr;
  {
    MutexLock lock(inbox_mutex_);
    found = inbox_.front();
    while (found != nullptr && skip != 0 && skip >= found->unread()) {
      skip -= found->unread();
      found = inbox_.next(*found);
    }
  }
  if (found == nullptr) {
    if (const Errno error = take_error(); error != Errno{}) return error;
    if ((shut() & kShutReceive) == 0) return Errno::EAGAIN;
    // A datagram socket that does not wait is told EAGAIN even after shutdown().
    if (socket_type() == kSockSequenced || wait_time(message.flags, false) > Duration()) return size_t{0};
    return Errno::EAGAIN;
  }
  const size_t full = found->unread() - skip;
  const size_t size = full < message.sink.room() ? full : message.sink.room();
  if (size < full) message.result_flags |= kMessageTruncated;
  if (found->source) {
    message.name = found->source->to_sockaddr();
    message.has_name = true;
  }
  const bool is_good = copy_to_sink(*found->data, skip, size, message.sink) == size;
  incoming.credentials = found->credentials;
  if (is_good && !found->rights.is_empty())
    incoming.rights = incoming.is_peek ? TRY(found->rights.clone()) : std::move(found->rights);
  if (socket_type() == kSockSequenced && is_good) message.result_flags |= kMessageEndOfRecord;
  if (!incoming.is_peek) remove_message(found);
  if (!is_good) return Errno::EFAULT;
  incoming.copied = size;
  return (message.flags & kMessageTruncated) != 0 ? full : size;
}

Result<size_t> UnixEndpoint::receive_datagram(SyscallContext& context, IncomingMessage& message) {
  Incoming incoming{.is_peek = (message.flags & kMessagePeek) != 0, .credentials = {}, .rights = {}};
  if (incoming.is_peek && options_.peek_offset > 0) incoming.skip = static_cast<size_t>(options_.peek_offset);
  const WaitPolicy policy{
      .queue = waiters_, .interest = kReadInterest, .timeout = wait_time(message.flags, false), .mode = Waiter::Mode::Exclusive};
  const size_t size = TRY(wait_until(context, policy, [&] { return take_datagram(context, message, incoming); }));
  if (incoming.is_peek && options_.peek_offset >= 0) options_.peek_offset += static_cast<int32_t>(incoming.copied);
  write_control(context, message, incoming);
  return size;
}

}  // namespace lxnet
