#include "compat/afalg/alg_control.hh"

#include "compat/afalg/alg_constants.hh"

namespace lxnet {
namespace {

// struct af_alg_iv: a length, then as many bytes. The message may be longer.
Result<ByteSpan> read_iv(const ControlMessage& message) {
  const uint32_t size = TRY(message.at_least<uint32_t>());
  const ByteSpan bytes = message.data.subspan(sizeof size);
  if (bytes.size() < size) return Errno::EINVAL;
  return bytes.first(size);
}

}  // namespace

Result<AlgControl> read_alg_control(ControlReader& reader, size_t iv_size) {
  AlgControl control;
  uint32_t operation = 0;
  ControlMessage message;
  while (TRY(reader.next(message))) {
    if (message.level != kAlgLevel) continue;
    switch (message.type) {
      case kAlgSetIv:
        control.iv = TRY(read_iv(message));
        control.has_iv = true;
        break;
      case kAlgSetOperation:
        operation = TRY(message.at_least<uint32_t>());
        break;
      case kAlgSetAssociatedLength:
        control.associated_size = TRY(message.at_least<uint32_t>());
        break;
      default:
        return Errno::EINVAL;
    }
  }
  if (operation != kAlgEncrypt && operation != kAlgDecrypt) return Errno::EINVAL;
  if (control.has_iv && control.iv.size() != iv_size) return Errno::EINVAL;
  control.is_encryption = operation == kAlgEncrypt;
  return control;
}

}  // namespace lxnet
