// CipherSocket: an operation socket of an skcipher or an aead: what is sent waits, and is enciphered as it is received.
#pragma once

#include "compat/afalg/alg_file.hh"
#include "compat/afalg/alg_transform.hh"
#include "compat/afalg/input_buffer.hh"

namespace lxnet {

struct AlgControl;

class CipherSocket final : public AlgFile {
 public:
  static Result<Ref<CipherSocket>> create(SyscallContext& context, AlgTransformUse use);
  CipherSocket(Stack& stack, AlgTransformUse use) : AlgFile(stack), transform_(std::move(use)) {}

  Result<size_t> send(SyscallContext& context, OutgoingMessage& message) override;
  Result<size_t> receive(SyscallContext& context, IncomingMessage& message) override;
  bool waits_for_room() const override { return true; }
  PollEvents poll(Entry& entry) override;

 private:
  void released(Entry& entry) override { transform_.release(entry); }
  void dispose_self() override { dispose(hal(), this); }

  const Algorithm& row() const { return transform_->row(); }
  bool is_writable() const { return input_.has_room(socket_options().send_buffer); }

  // Sending. EBUSY while another send waits for room.
  Result<> begin_message(SyscallContext& context, const AlgControl* control);
  Result<> take_input(SyscallContext& context, IoSource& source, size_t& copied);
  void end_send(SyscallContext& context);

  // Receiving: one step, as much as one operation gives. EAGAIN: there is nothing to work on yet.
  Result<size_t> receive_step(IoSink& sink);
  Result<size_t> receive_skcipher(IoSink& sink);
  Result<size_t> receive_aead(IoSink& sink);
  size_t output_room(const IoSink& sink) const;
  Result<> reserve_output(size_t size);
  void consume(size_t size);

  AlgTransformUse transform_;
  InputBuffer input_;
  SecretMemory output_;
  uint8_t iv_[kMaxIvSize] = {};
  uint32_t associated_size_ = 0;
  bool is_encryption_ = false;
  // A message has begun, and it is not all consumed yet.
  bool is_begun_ = false;
  bool has_more_ = false;  // MSG_MORE
  bool is_sending_ = false;
};

}  // namespace lxnet
