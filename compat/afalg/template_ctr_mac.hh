// What gcm and ccm have in common: a cipher in counter mode, whose first block hides the tag, and a keyed hash of the text.
#pragma once

#include "compat/afalg/algorithm_template.hh"

namespace lxnet::ctr_mac {

inline constexpr size_t kBlock = 16;

// A context is [ctr's context][the hash's context].
inline const Algorithm& ctr_of(const Algorithm& self) { return *self.parts[0]; }
inline const Algorithm& mac_of(const Algorithm& self) { return *self.parts[1]; }
inline size_t mac_at(const Algorithm& self) { return aligned_context(ctr_of(self).context_size); }

// The tag with the counter's first block, the text with those behind it.
inline Result<> crypt(const Algorithm& self, const void* context, const AeadRequest& request, uint8_t* counter, uint8_t* tag) {
  const Algorithm& ctr = ctr_of(self);
  TRY(ctr.skcipher->encrypt(ctr, context, counter, tag, tag, kBlock));
  return ctr.skcipher->encrypt(ctr, context, counter, request.to, request.from, request.size);
}

struct Mode {
  const char* name;    // "gcm("
  const char* driver;  // "gcm_base("
  uint32_t iv_size;
  const AeadOperations* operations;
};

// EINVAL unless `ctr` is a cipher of 16 bytes in counter mode, and the hash one of as many.
Result<> create(TemplateBuilder& builder, const Mode& mode, const Algorithm& ctr, const Algorithm& mac);

}  // namespace lxnet::ctr_mac
