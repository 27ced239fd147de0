// Receiving on streams: Linux's unix_stream_read_generic() and manage_oob().
//
// A read goes on over messages until one does not belong: other credentials, descriptors, the out-of-band byte. That byte is a
// message of its own; read by MSG_OOB it stays, empty, as the mark at which a read stops once.
#include "compat/afunix/unix_receive.hh"

namespace lxnet {
namespace {

constexpr PollEvents kReadInterest = kPollIn | kPollReadNormal | kPollError | kPollHangUp | kPollReadHangUp;

}  // namespace

// Where a read begins; null at the mark too. Only readers take messages out, one at a time, and senders touch the first of a
// queue that is not empty in nothing but its link: it can be looked at without the lock.
UnixMessage* UnixEndpoint::first_message(Incoming& incoming) NO_THREAD_SAFETY_ANALYSIS {
  if (inbox_count() == 0) return nullptr;
  UnixMessage* first = inbox_.front();
  if (first->unread() != 0 && first != urgent()) return first;
  return past_urgent(*first, incoming);
}

void UnixEndpoint::unlink_message(UnixMessage& message) {
  inbox_.remove(message);
  __atomic_store_n(&inbox_count_, inbox_count_ - 1, __ATOMIC_RELEASE);
}

UnixMessage* UnixEndpoint::message_after(UnixMessage& message) {
  MutexLock lock(inbox_mutex_);
  return inbox_.next(message);
}

// Off the queue and freed.
void UnixEndpoint::remove_message(UnixMessage* message) {
  {
    MutexLock lock(inbox_mutex_);
    unlink_message(*message);
  }
  domain().bury(message);
}

// An out-of-band byte stays in the count that SIOCINQ tells, as in Linux, and its descriptors are closed after the call: they may
// be the last of our peer.
void UnixEndpoint::pass_over(UnixMessage* message, Incoming& incoming) {
  if (message->rights.is_empty()) return remove_message(message);
  MutexLock lock(inbox_mutex_);
  unlink_message(*message);
  message->next_doomed = std::exchange(incoming.passed_over, message);
}

// manage_oob(): where to read on when the read has come to `message`; null at the mark, or at the end.
UnixMessage* UnixEndpoint::past_urgent(UnixMessage& message, Incoming& incoming) {
  UnixMessage* next = &message;
  UnixMessage* read = nullptr;
  UnixMessage* passed_over = nullptr;
  {
    MutexLock lock(inbox_mutex_);
    if (message.unread() != 0 && &message != urgent()) return &message;
    if (message.unread() == 0) {
      if (incoming.copied != 0 && (urgent() == nullptr || &message == urgent())) return nullptr;
      next = inbox_.next(message);
      if (!incoming.is_peek) read = &message;
    }
    if (next != nullptr && next == urgent()) {
      if (incoming.copied != 0) {
        next = nullptr;
      } else if (incoming.is_peek) {
        if (!options_->oob_inline) next = inbox_.next(*next);
      } else {
        set_urgent(nullptr);
        if (!options_->oob_inline) {
          passed_over = next;
          next = inbox_.next(*next);
        }
      }
    }
  }
  if (read != nullptr) remove_message(read);
  if (passed_over != nullptr) pass_over(passed_over, incoming);
  return next;
}

UnixEndpoint::AfterPiece UnixEndpoint::take_piece(UnixMessage& piece, size_t skip, IncomingMessage& message, Incoming& incoming) {
  if (incoming.has_credentials) {
    if (!(piece.credentials == incoming.credentials)) return AfterPiece::Stop;
  } else if (wants_credentials()) {
    incoming.has_credentials = true;
    incoming.credentials = piece.credentials;
    incoming.process = piece.process;
  }
  note_sender(piece, message);
  const size_t available = piece.unread() - skip;
  const size_t size = available < message.sink.room() ? available : message.sink.room();
  if (piece.copy_to(message.sink, piece.consumed + skip, size) != size) {
    incoming.has_fault = true;
    return AfterPiece::Stop;
  }
  incoming.copied += size;
  take_rights(piece, incoming);
  const bool has_rights = incoming.is_peek ? !piece.rights.is_empty() : !incoming.rights.is_empty();
  if (incoming.is_peek) {
    move_peek_offset(static_cast<int64_t>(size));
    return has_rights ? AfterPiece::Stop : AfterPiece::GoOn;
  }
  bool is_read = false;
  {
    MutexLock lock(inbox_mutex_);
    piece.consumed += size;
    unread_bytes_ -= static_cast<int32_t>(size);
    is_read = piece.unread() == 0;
    if (is_read) unlink_message(piece);
  }
  move_peek_offset(-static_cast<int64_t>(size));
  if (!is_read) return AfterPiece::Stop;
  domain().bury(&piece);
  return has_rights ? AfterPiece::Stop : AfterPiece::GoOn;
}

// What is there now, up to the first boundary. EAGAIN: not enough; anything else ends the call with what was copied.
Result<> UnixEndpoint::read_stream(SyscallContext& context, IncomingMessage& message, Incoming& incoming, size_t target) {
  TaskMutexLock reader(reader_, context.entry());
  size_t skip = incoming.is_peek && peek_offset() > 0 ? static_cast<size_t>(peek_offset()) : 0;
  do {
    const size_t before = incoming.copied;
    UnixMessage* piece = first_message(incoming);
    if (piece == nullptr && before != 0 && inbox_count() != 0) return ok();  // at the mark
    for (;;) {
      while (piece != nullptr && skip >= piece->unread()) {
        skip -= piece->unread();
        piece = message_after(*piece);
      }
      if (piece == nullptr) {
        if (incoming.copied >= target) return ok();
        if (const Errno error = take_error(); error != Errno{}) return error;
        return (shut() & kShutReceive) != 0 ? Result<>(ok()) : Result<>(Errno::EAGAIN);
      }
      if (take_piece(*piece, skip, message, incoming) == AfterPiece::Stop) return ok();
      if (!incoming.is_peek) break;
      // A peek goes on to the end of the queue, also without room: it may meet descriptors there.
      skip = 0;
      piece = message_after(*piece);
      if (piece == nullptr) return ok();
      piece = past_urgent(*piece, incoming);
      if (piece == nullptr && incoming.copied != 0) return ok();
    }
  } while (message.sink.room() != 0);
  return ok();
}

Result<size_t> UnixEndpoint::receive_stream(SyscallContext& context, IncomingMessage& message) {
  if (state() != UnixState::Connected) return Errno::EINVAL;
  if ((message.flags & kMessageOutOfBand) != 0) return receive_urgent(context, message);
  Incoming incoming;
  auto size = receive_bytes(context, message, incoming);
  while (incoming.passed_over != nullptr) {
    UnixMessage* byte = std::exchange(incoming.passed_over, incoming.passed_over->next_doomed);
    domain().bury(byte);
  }
  return size;
}

Result<size_t> UnixEndpoint::receive_bytes(SyscallContext& context, IncomingMessage& message, Incoming& incoming) {
  incoming.is_peek = (message.flags & kMessagePeek) != 0;
  const size_t room = message.sink.room();
  size_t target = (message.flags & kMessageWaitAll) != 0 ? room : static_cast<size_t>(options_->receive_low_water);
  if (target > room) target = room;
  if (target == 0) target = 1;

  const WaitPolicy policy{.queue = waiters_, .interest = kReadInterest, .timeout = wait_time(message.flags, false)};
  auto outcome = wait_until(context, policy, [&] { return read_stream(context, message, incoming, target); });
  // A failed call writes its control messages as well, but for what is left to read. A signal takes the descriptors along with
  // what would have been said beside the bytes.
  const bool is_interrupted = outcome.is_error(Errno::ERESTARTSYS) || outcome.is_error(Errno::EINTR);
  const bool is_fault = incoming.has_fault && incoming.copied == 0;
  const bool is_told = !is_fault && (outcome.is_ok() || incoming.copied != 0);
  if (!is_interrupted) write_control(message, incoming);
  if (is_told && !is_interrupted) write_unread(message);
  if (is_fault) return Errno::EFAULT;
  if (!outcome.is_ok() && incoming.copied == 0) return outcome.error();
  return incoming.copied;
}

// recv(MSG_OOB): the one byte, which then stays in the queue as a mark, instead of one left before it. It never waits.
Result<size_t> UnixEndpoint::receive_urgent(SyscallContext& context, IncomingMessage& message) {
  TaskMutexLock reader(reader_, context.entry());
  UnixMessage* byte_message = nullptr;
  UnixMessage* old_mark = nullptr;
  const bool is_peek = (message.flags & kMessagePeek) != 0;
  uint8_t byte = 0;
  {
    MutexLock lock(inbox_mutex_);
    if (options_->oob_inline || urgent() == nullptr) return Errno::EINVAL;
    byte_message = urgent();
    SpanSink sink(MutableByteSpan(&byte, 1));
    byte_message->copy_to(sink, byte_message->consumed, 1);
    if (!is_peek) {
      set_urgent(nullptr);
      unread_bytes_ -= 1;
      old_mark = inbox_.previous(*byte_message);
      if (old_mark != nullptr && old_mark->unread() != 0) old_mark = nullptr;
      byte_message->consumed += 1;
    }
  }
  if (old_mark != nullptr) remove_message(old_mark);
  const size_t size = message.sink.room() != 0 ? 1 : 0;
  if (message.sink.copy(ByteSpan(&byte, size)) != size) return Errno::EFAULT;
  message.result_flags |= kMessageOutOfBand;
  return size_t{1};
}

// SIOCATMARK.
bool UnixEndpoint::is_at_mark() {
  MutexLock lock(inbox_mutex_);
  UnixMessage* first = inbox_.front();
  if (first == nullptr) return false;
  if (first == urgent()) return true;
  return first->unread() == 0 && (urgent() == nullptr || inbox_.next(*first) == urgent());
}

}  // namespace lxnet
