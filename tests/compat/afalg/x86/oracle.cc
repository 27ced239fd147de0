#include "tests/compat/afalg/x86/oracle.hh"

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>

namespace lxnet::x86::oracle {
namespace {

void check(bool is_well, const char* what) {
  if (!is_well) throw std::runtime_error(what);
}

using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

const EVP_CIPHER* cipher_of(const std::string& name, size_t key_size) {
  if (name == "chacha20") return EVP_chacha20();
  if (name == "rfc7539(chacha20,poly1305)") return EVP_chacha20_poly1305();
  const std::string mode = name.substr(0, name.find('('));
  const size_t bits = 8 * key_size / (mode == "xts" ? 2 : 1);
  const EVP_CIPHER* cipher = EVP_get_cipherbyname(("aes-" + std::to_string(bits) + "-" + mode).c_str());
  check(cipher != nullptr, "OpenSSL does not know the cipher");
  return cipher;
}

}  // namespace

Bytes encrypt(const std::string& name, const Bytes& key, const Bytes& iv, const Bytes& text) {
  Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  check(EVP_EncryptInit_ex(context.get(), cipher_of(name, key.size()), nullptr, key.data(), iv.data()) == 1, "init");
  EVP_CIPHER_CTX_set_padding(context.get(), 0);
  Bytes out(text.size() + 16);
  int size = 0, rest = 0;
  check(EVP_EncryptUpdate(context.get(), out.data(), &size, text.data(), static_cast<int>(text.size())) == 1, "update");
  check(EVP_EncryptFinal_ex(context.get(), out.data() + size, &rest) == 1, "final");
  out.resize(static_cast<size_t>(size + rest));
  return out;
}

Sealed seal(const std::string& name, const Bytes& key, const Bytes& nonce, const Bytes& associated, const Bytes& text,
            size_t tag_size) {
  Context context(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  check(EVP_EncryptInit_ex(context.get(), cipher_of(name, key.size()), nullptr, key.data(), nonce.data()) == 1, "init");
  Sealed sealed{Bytes(text.size() + 16), Bytes(tag_size)};
  int size = 0;
  check(EVP_EncryptUpdate(context.get(), nullptr, &size, associated.data(), static_cast<int>(associated.size())) == 1, "data");
  check(EVP_EncryptUpdate(context.get(), sealed.cipher.data(), &size, text.data(), static_cast<int>(text.size())) == 1, "update");
  check(EVP_EncryptFinal_ex(context.get(), sealed.cipher.data() + size, &size) == 1, "final");
  check(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag_size), sealed.tag.data()) == 1, "tag");
  sealed.cipher.resize(text.size());
  return sealed;
}

Bytes digest(const std::string& name, const Bytes& text) {
  Bytes out(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  check(EVP_Digest(text.data(), text.size(), out.data(), &size, EVP_get_digestbyname(name.c_str()), nullptr) == 1, "digest");
  out.resize(size);
  return out;
}

Bytes ghash_key(const Bytes& aes_key) { return encrypt("ecb(aes)", aes_key, Bytes(16), Bytes(16)); }

// A GCM message without text has as its tag GHASH(data, sizes) and the first counter's block; the caller's text must end with the
// sizes that GCM adds.
Bytes ghash(const Bytes& aes_key, const Bytes& associated) {
  const Bytes nonce(12);
  Bytes tag = seal("gcm(aes)", aes_key, nonce, associated, {}, 16).tag;
  Bytes counter(16);
  counter[15] = 1;
  const Bytes mask = encrypt("ecb(aes)", aes_key, Bytes(16), counter);
  for (size_t i = 0; i < tag.size(); ++i) tag[i] = static_cast<uint8_t>(tag[i] ^ mask[i]);
  return tag;
}

}  // namespace lxnet::x86::oracle
