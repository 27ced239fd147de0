// What skciphers and aeads share: the sending side of crypto/af_alg.c, waiting, poll.
#include "compat/afalg/cipher_socket.hh"

#include "compat/afalg/alg_control.hh"

namespace lxnet {
namespace {

// Whom Linux wakes with which bits is not what one would expect: room wakes those who wait to read, data those who wait to write.
constexpr PollEvents kRoomWakes = kPollIn | kPollReadNormal | kPollReadBand;
constexpr PollEvents kDataWakes = kPollOut | kPollReadNormal | kPollReadBand;

}  // namespace

Result<Ref<CipherSocket>> CipherSocket::create(SyscallContext& context, AlgTransformUse use) {
  return make_ref<CipherSocket>(context.hal(), context.stack(), std::move(use));
}

Result<> CipherSocket::begin_message(SyscallContext& context, const AlgControl* control) {
  TaskMutexLock lock(mutex(), context.entry());
  if (is_sending_) return Errno::EBUSY;
  // The last message was ended and is not received yet.
  if (is_begun_ && !has_more_ && input_.size() != 0) return Errno::EINVAL;
  is_sending_ = true;
  is_begun_ = true;
  if (control == nullptr) return ok();
  is_encryption_ = control->is_encryption;
  if (control->has_iv) copy_bytes(iv_, control->iv);
  associated_size_ = control->associated_size;
  return ok();
}

// EAGAIN when the buffer is full.
Result<> CipherSocket::take_input(SyscallContext& context, IoSource& source, size_t& copied) {
  TaskMutexLock lock(mutex(), context.entry());
  while (source.remaining() != 0) {
    if (!input_.has_begun_page() && !is_writable()) return Errno::EAGAIN;
    TRY(input_.append(hal(), source, socket_options().send_buffer, copied));
  }
  return ok();
}

void CipherSocket::end_send(SyscallContext& context) {
  bool has_data = false;
  {
    TaskMutexLock lock(mutex(), context.entry());
    is_sending_ = false;
    has_data = input_.size() != 0;
  }
  if (has_data) wait_queue().wake_all(kDataWakes);
}

Result<size_t> CipherSocket::send(SyscallContext& context, OutgoingMessage& message) {
  {
    TaskMutexLock lock(mutex(), context.entry());
    TRY(transform_.check_key(context.entry()));
  }
  AlgControl control;
  if (message.control != nullptr) control = TRY(read_alg_control(*message.control, row().iv_size));
  TRY(begin_message(context, message.control != nullptr ? &control : nullptr));
  size_t copied = 0;
  // Neither SO_SNDTIMEO nor anything else but room and a signal ends the wait.
  const WaitPolicy policy{.queue = wait_queue(),
                          .interest = kRoomWakes,
                          .timeout = (message.flags & kMessageDontWait) != 0 ? Duration() : Duration::max()};
  const auto taken = wait_until(context, policy, [&] { return take_input(context, message.source, copied); });
  if (taken.is_ok()) has_more_ = (message.flags & kMessageMore) != 0;
  end_send(context);
  if (copied == 0 && !taken.is_ok()) return taken.error();
  return copied;
}

Result<size_t> CipherSocket::receive(SyscallContext& context, IncomingMessage& message) {
  {
    TaskMutexLock lock(mutex(), context.entry());
    TRY(transform_.check_key(context.entry()));
  }
  const WaitPolicy policy{.queue = wait_queue(),
                          .interest = kDataWakes,
                          .timeout = (message.flags & kMessageDontWait) != 0 ? Duration() : Duration::max()};
  size_t received = 0;
  Errno error{};
  // More room than there is data waits for the next message.
  while (message.sink.room() != 0) {
    const auto step = [&]() -> Result<size_t> {
      TaskMutexLock lock(mutex(), context.entry());
      return receive_step(message.sink);
    };
    auto result = wait_until(context, policy, step);
    if (!result.is_ok()) {
      error = result.error();
      break;
    }
    const size_t size = result.take();
    if (size == 0) break;
    received += size;
  }
  bool has_room = false;
  {
    TaskMutexLock lock(mutex(), context.entry());
    has_room = is_writable();
  }
  if (has_room) wait_queue().wake_all(kRoomWakes);
  // That a tag was wrong is told whatever came before it.
  if (error != Errno{} && (received == 0 || error == Errno::EBADMSG)) return error;
  return received;
}

Result<size_t> CipherSocket::receive_step(IoSink& sink) {
  return row().kind == AlgorithmKind::Aead ? receive_aead(sink) : receive_skcipher(sink);
}

// How much one operation may give: SO_RCVBUF, rounded up to what Linux pins at a time.
size_t CipherSocket::output_room(const IoSink& sink) const {
  constexpr size_t kPinned = 16 * InputBuffer::kPage;
  size_t limit = socket_options().receive_buffer & ~(InputBuffer::kPage - 1);
  if (limit < InputBuffer::kPage) limit = InputBuffer::kPage;
  limit = (limit - InputBuffer::kPage) / kPinned * kPinned + kPinned;
  return sink.room() < limit ? sink.room() : limit;
}

Result<> CipherSocket::reserve_output(size_t size) {
  if (output_.size() < size) output_ = TRY(SecretMemory::create(hal(), size));
  return ok();
}

void CipherSocket::consume(size_t size) {
  input_.consume(size);
  if (input_.size() == 0) is_begun_ = has_more_;
}

PollEvents CipherSocket::poll(Entry& entry) {
  TaskMutexLock lock(mutex(), entry);
  PollEvents events = 0;
  if (!has_more_ || input_.size() != 0) events |= kPollIn | kPollReadNormal;
  if (is_writable()) events |= kPollOut | kPollWriteNormal | kPollWriteBand;
  return events;
}

}  // namespace lxnet
