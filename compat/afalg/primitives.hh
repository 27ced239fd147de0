// The portable implementations, by file.
#pragma once

#include "compat/afalg/algorithm.hh"

namespace lxnet {

std::span<const Algorithm* const> mbedtls_hashes();   // md5 sha1 sha2 rmd160
std::span<const Algorithm* const> mbedtls_ciphers();  // aes des des3_ede camellia aria
std::span<const Algorithm* const> sha3_hashes();
std::span<const Algorithm* const> blake2_hashes();
std::span<const Algorithm* const> checksum_hashes();  // crc32 crc32c
std::span<const Algorithm* const> ghash_hashes();
std::span<const Algorithm* const> chacha_ciphers();
std::span<const Algorithm* const> random_generators();

}  // namespace lxnet
