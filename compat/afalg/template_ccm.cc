// ccm (NIST SP 800-38C, RFC 3610) over ctr and cbcmac of a cipher. The iv is the first counter block: how many bytes the length
// takes, less one, the nonce, and room for the counter.
#include "compat/afalg/algorithm_calls.hh"
#include "compat/afalg/secret.hh"
#include "compat/afalg/template_ctr_mac.hh"
#include "compat/afalg/template_list.hh"
#include "compat/afalg/words.hh"

namespace lxnet {
namespace {

using ctr_mac::ctr_of, ctr_mac::mac_of, ctr_mac::mac_at, ctr_mac::kBlock;

Result<> set_key(const Algorithm& self, void* context, ByteSpan key) {
  TRY(set_algorithm_key(ctr_of(self), context, key));
  return set_algorithm_key(mac_of(self), context_at(context, mac_at(self)), key);
}

Result<> check_size(const Algorithm&, size_t size) {
  return size >= 4 && size <= 16 && size % 2 == 0 ? Result<>(ok()) : Result<>(Errno::EINVAL);
}

// Block B0. EINVAL for an iv that is none, EOVERFLOW for text longer than its length field.
Result<> make_first_block(const AeadRequest& request, uint8_t* block) {
  const uint8_t length_size_less_one = request.iv[0];
  if (length_size_less_one < 1 || length_size_less_one > 7) return Errno::EINVAL;
  const size_t length_size = length_size_less_one + size_t{1};
  if (length_size < 4 && request.size > size_t{1} << (8 * length_size)) return Errno::EOVERFLOW;
  memcpy(block, request.iv, kBlock);
  block[0] = static_cast<uint8_t>(block[0] | 8 * ((request.tag_size - 2) / 2) | (request.associated.empty() ? 0 : 64));
  memset(block + kBlock - length_size, 0, length_size);
  for (size_t i = 0; i < length_size && i < sizeof(size_t); ++i) {
    block[kBlock - 1 - i] = static_cast<uint8_t>(request.size >> (8 * i));
  }
  return ok();
}

void update_padded(const Algorithm& mac, const void* key, void* state, ByteSpan head, ByteSpan bytes) {
  constexpr uint8_t kZeros[kBlock] = {};
  mac.hash->update(mac, key, state, head);
  mac.hash->update(mac, key, state, bytes);
  const size_t over = (head.size() + bytes.size()) % kBlock;
  if (over != 0) mac.hash->update(mac, key, state, ByteSpan(kZeros, kBlock - over));
}

// The tag of a text, not hidden yet.
Result<> authenticate(const Algorithm& self, const void* context, const AeadRequest& request, const uint8_t* text, uint8_t* tag) {
  const Algorithm& mac = mac_of(self);
  const uint8_t* key = context_at(context, mac_at(self));
  SecretBytes<kMaxHashStateSize> state;
  uint8_t block[kBlock];
  TRY(make_first_block(request, block));
  mac.hash->start(mac, key, state);
  mac.hash->update(mac, key, state, ByteSpan(block, kBlock));
  const size_t size = request.associated.size();
  if (size != 0) {
    uint8_t head[6] = {0xff, 0xfe};
    if (size < 0xff00) {
      store_big(head, static_cast<uint16_t>(size));
    } else {
      store_big(head + 2, static_cast<uint32_t>(size));
    }
    update_padded(mac, key, state, ByteSpan(head, size < 0xff00 ? 2 : 6), request.associated);
  }
  mac.hash->update(mac, key, state, ByteSpan(text, request.size));
  mac.hash->finish(mac, key, state, tag);
  return ok();
}

// Hides the tag, or uncovers it, with counter 0; the text goes through ctr from counter 1 on.
Result<> crypt(const Algorithm& self, const void* context, const AeadRequest& request, uint8_t* tag) {
  SecretBytes<kBlock> counter;
  memcpy(counter, request.iv, kBlock);
  memset(counter + kBlock - 1 - request.iv[0], 0, request.iv[0] + size_t{1});
  return ctr_mac::crypt(self, context, request, counter, tag);
}

Result<> encrypt(const Algorithm& self, const void* context, const AeadRequest& request) {
  SecretBytes<kBlock> tag;
  TRY(authenticate(self, context, request, request.from, tag));
  TRY(crypt(self, context, request, tag));
  memcpy(request.tag, tag, request.tag_size);
  return ok();
}

Result<> decrypt(const Algorithm& self, const void* context, const AeadRequest& request) {
  SecretBytes<kBlock> sent, tag, first;
  TRY(make_first_block(request, first));
  memcpy(sent, request.tag, request.tag_size);
  TRY(crypt(self, context, request, sent));
  TRY(authenticate(self, context, request, request.to, tag));
  return equal_in_constant_time(tag, sent, request.tag_size) ? Result<>(ok()) : Result<>(Errno::EBADMSG);
}

constexpr AeadOperations kOperations{
    .set_key = &set_key, .check_tag_size = &check_size, .encrypt = &encrypt, .decrypt = &decrypt};

constexpr ctr_mac::Mode kMode{.name = "ccm(", .driver = "ccm_base(", .iv_size = kBlock, .operations = &kOperations};

// Both of one cipher.
Result<> create_of(TemplateBuilder& builder, const Algorithm& ctr, const Algorithm& mac) {
  const bool is_mac = NameView::of(mac.name).has_prefix("cbcmac(") && NameView::of(ctr.name).has_prefix("ctr(") &&
                      NameView::of(mac.name + 7) == ctr.name + 4;
  return is_mac ? ctr_mac::create(builder, kMode, ctr, mac) : Result<>(Errno::EINVAL);
}

Result<> create(TemplateBuilder& builder) {
  const NameView cipher = TRY(builder.argument(0));
  const Algorithm& mac = *TRY(builder.find_applied("cbcmac", cipher, AlgorithmKind::Hash));
  const Algorithm& ctr = *TRY(builder.find_applied("ctr", cipher, AlgorithmKind::Skcipher));
  return create_of(builder, ctr, mac);
}

Result<> create_base(TemplateBuilder& builder) {
  const NameView ctr_name = TRY(builder.argument(0));
  const Algorithm& mac = *TRY(builder.find(TRY(builder.argument(1)), AlgorithmKind::Hash));
  const Algorithm& ctr = *TRY(builder.find(ctr_name, AlgorithmKind::Skcipher));
  return create_of(builder, ctr, mac);
}

}  // namespace

constinit const AlgorithmTemplate kCcmTemplate{"ccm", AlgorithmKind::Aead, &create};
constinit const AlgorithmTemplate kCcmBaseTemplate{"ccm_base", AlgorithmKind::Aead, &create_base};

}  // namespace lxnet
