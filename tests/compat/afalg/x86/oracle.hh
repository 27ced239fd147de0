// OpenSSL's answers, by Linux's names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lxnet::x86::oracle {

using Bytes = std::vector<uint8_t>;

// ecb(aes), cbc(aes), ctr(aes), xts(aes), chacha20.
Bytes encrypt(const std::string& name, const Bytes& key, const Bytes& iv, const Bytes& text);

struct Sealed {
  Bytes cipher, tag;
};
// gcm(aes), rfc7539(chacha20,poly1305).
Sealed seal(const std::string& name, const Bytes& key, const Bytes& nonce, const Bytes& associated, const Bytes& text,
            size_t tag_size);

// sha1, sha224, ...
Bytes digest(const std::string& name, const Bytes& text);
// GHASH of whole blocks by way of GMAC: the hash key is the cipher's block of zeros.
Bytes ghash(const Bytes& aes_key, const Bytes& text);
Bytes ghash_key(const Bytes& aes_key);

}  // namespace lxnet::x86::oracle
