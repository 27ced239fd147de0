// The receiving sides of crypto/algif_skcipher.c and crypto/algif_aead.c. What cannot be written to the program stays unconsumed,
// as if nothing had been done; what the algorithm refuses is gone.
#include "compat/afalg/cipher_socket.hh"

namespace lxnet {

Result<size_t> CipherSocket::receive_skcipher(IoSink& sink) {
  const size_t chunk = row().chunk();
  if (!is_begun_ || (has_more_ && input_.size() < chunk)) return Errno::EAGAIN;
  const size_t room = output_room(sink);
  size_t size = input_.size() < room ? input_.size() : room;
  // What is not the end is cut where the message can be continued.
  if (has_more_ || size < input_.size()) {
    if (size < chunk) return Errno::EINVAL;
    size -= size % chunk;
  }
  TRY(reserve_output(size));
  SecretBytes<kMaxIvSize> iv;
  memcpy(iv, iv_, row().iv_size);
  const SkcipherOperations::Crypt crypt = is_encryption_ ? row().skcipher->encrypt : row().skcipher->decrypt;
  const auto done = crypt(row(), transform_->context(), iv, output_.data(), input_.data(), size);
  if (done.is_ok() && sink.copy(ByteSpan(output_.data(), size)) != size) return Errno::EFAULT;
  consume(size);
  if (!done.is_ok()) return done.error();
  memcpy(iv_, iv, row().iv_size);
  return size;
}

// The associated data comes out as it went in, in front of the text.
Result<size_t> CipherSocket::receive_aead(IoSink& sink) {
  if (!is_begun_ || has_more_) return Errno::EAGAIN;
  const size_t tag = transform_->tag_size(), given_tag = is_encryption_ ? 0 : tag;
  const size_t associated = associated_size_;
  if (input_.size() < associated + given_tag) return Errno::EINVAL;
  size_t used = input_.size() - associated;
  size_t out_size = associated + used + tag - 2 * given_tag;
  // With too little room for the result that much less of the text is worked on, as a whole message.
  if (const size_t room = output_room(sink); room < out_size) {
    const size_t less = out_size - room;
    if (used < less + given_tag) return Errno::EINVAL;
    used -= less;
    out_size -= less;
  }
  TRY(reserve_output(associated + used + tag));
  uint8_t* out = output_.data();
  if (associated != 0) memcpy(out, input_.data(), associated);
  AeadRequest request{.iv = iv_,
                      .associated = ByteSpan(input_.data(), associated),
                      .from = input_.data() + associated,
                      .to = out + associated,
                      .size = used - given_tag,
                      .tag = out + associated + used - given_tag,
                      .tag_size = tag};
  if (!is_encryption_) memcpy(request.tag, request.from + request.size, tag);
  const auto done = is_encryption_ ? row().aead->encrypt(row(), transform_->context(), request)
                                   : row().aead->decrypt(row(), transform_->context(), request);
  if (done.is_ok() && sink.copy(ByteSpan(out, out_size)) != out_size) return Errno::EFAULT;
  consume(used + associated);
  return done.is_ok() ? Result<size_t>(out_size) : Result<size_t>(done.error());
}

}  // namespace lxnet
