// FastOpenKeys: the secrets a server's cookies are made with (RFC 7413, 4.1.2): the one in use, and the one before it while keys
// rotate. A cookie is SipHash-2-4 of client and server address, as Linux makes it, so that hosts that share a key share cookies.
#pragma once

#include "base/result.hh"
#include "stack/ip_address.hh"
#include "stack/wire/tcp_options.hh"

namespace lxnet {

struct FastOpenKeys {
  static constexpr size_t kKeySize = 16, kMaxKeys = 2;
  static constexpr size_t kCookieSize = 8;

  uint8_t count = 0;  // 0: none were set
  uint8_t bytes[kMaxKeys][kKeySize] = {};

  TcpFastOpenCookie cookie(size_t key, const IpAddress& client, const IpAddress& server) const;
  // Which key made it, counted from one; 0: neither.
  size_t find(const TcpFastOpenCookie& cookie, const IpAddress& client, const IpAddress& server) const;

  // As net.ipv4.tcp_fastopen_key has them: "01234567-89abcdef-01234567-89abcdef", and with a backup key behind a comma. EINVAL.
  static Result<FastOpenKeys> parse(const char* text);
  template <typename Put>
  void print(Put put) const {
    for (size_t key = 0; key < kMaxKeys && (key == 0 || key < count); ++key) {
      if (key != 0) put(',');
      for (size_t word = 0; word < 4; ++word) {
        if (word != 0) put('-');
        for (size_t byte = 4; byte-- > 0;) {
          put("0123456789abcdef"[bytes[key][word * 4 + byte] >> 4]);
          put("0123456789abcdef"[bytes[key][word * 4 + byte] & 15]);
        }
      }
    }
  }
};

}  // namespace lxnet
