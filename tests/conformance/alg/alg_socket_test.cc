// The parent socket: what it is made of, bound to, told and asked.
#include <sys/ioctl.h>

#include <fstream>
#include <sstream>
#include <vector>

#include "tests/conformance/alg/alg_posix.hh"

namespace conformance {
namespace {

class AlgSocketTest : public AlgTest {};

TEST_F(AlgSocketTest, IsSequencedAndWithoutProtocol) {
  EXPECT_EQ(answer(socket(AF_ALG, SOCK_STREAM, 0)), -ESOCKTNOSUPPORT);
  EXPECT_EQ(answer(socket(AF_ALG, SOCK_DGRAM, 1)), -ESOCKTNOSUPPORT);
  EXPECT_EQ(answer(socket(AF_ALG, SOCK_SEQPACKET, 1)), -EPROTONOSUPPORT);
  int pair[2];
  EXPECT_EQ(answer(socketpair(AF_ALG, SOCK_SEQPACKET, 0, pair)), -EOPNOTSUPP);
}

TEST_F(AlgSocketTest, RefusesAddressesThatAreTooShortOrWantTooMuch) {
  const Fd fd = alg_socket();
  sockaddr_alg address{};
  address.salg_family = AF_ALG;
  memcpy(address.salg_type, "hash", 4);
  memcpy(address.salg_name, "sha1", 4);
  EXPECT_EQ(answer(bind(fd, reinterpret_cast<sockaddr*>(&address), 24)), -EINVAL);
  // The last byte is the end of the name, whatever it holds.
  EXPECT_EQ(answer(bind(fd, reinterpret_cast<sockaddr*>(&address), 25)), -ENOENT);
  EXPECT_EQ(answer(bind(fd, reinterpret_cast<sockaddr*>(&address), 28)), -ENOENT);
  EXPECT_EQ(answer(bind(fd, reinterpret_cast<sockaddr*>(&address), 29)), 0);
  // Nobody looks at the family.
  address.salg_family = AF_UNIX;
  EXPECT_EQ(answer(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address)), 0);
  EXPECT_EQ(alg_bind(fd, "hash", "sha1", 1, 0), -EINVAL);
  EXPECT_EQ(alg_bind(fd, "hash", "sha1", 0, 0x2000), -EINVAL);
  EXPECT_EQ(alg_bind(fd, "nosuch", "sha1", 0, 0x2000), -EINVAL);
  EXPECT_EQ(alg_bind(fd, "hash", "sha1", 0x1000, 0), 0);
}

TEST_F(AlgSocketTest, FindsNames) {
  struct Case {
    const char *type, *name;
    long answer;
  };
  const Case cases[] = {
      {"hash", "sha256", 0},
      {"hash", "hmac(sha256)", 0},
      {"hash", "hmac(sha256-generic)", 0},
      {"hash", "cmac(aes)", 0},
      {"hash", "hmac(hmac(md5))", -EINVAL},
      {"hash", "hmac()", -ENOENT},
      {"hash", "hmac", -ENOENT},
      {"hash", "hmac(sha256", -ENOENT},
      {"hash", "hmac(sha256)x", -EEXIST},
      {"hash", "hmac( sha256)", -ENOENT},
      {"hash", "", -ENOENT},
      {"skcipher", "cbc(aes)", 0},
      {"skcipher", "cbc(aes-generic)", 0},
      {"skcipher", "cbc(sha256)", -ENOENT},
      {"skcipher", "aes", -ENOENT},
      {"skcipher", "xts(aes)", 0},
      {"skcipher", "xts(ecb(aes-generic))", 0},
      {"skcipher", "cts(cbc(aes))", 0},
      {"aead", "gcm(nosuch)", -ENOENT},
      {"aead", "gcm_base(ctr(aes))", -ENOENT},
      {"aead", "rfc7539(chacha20)", -ENOENT},
      {"aead", "authenc(hmac(sha256))", -ENOENT},
      {"aead", "gcm(aes)", 0},
      {"aead", "ccm(aes)", 0},
      {"aead", "rfc4106(gcm(aes))", 0},
      {"aead", "rfc4309(ccm(aes))", 0},
      {"aead", "rfc7539(chacha20,poly1305)", 0},
      {"aead", "authenc(hmac(sha256),cbc(aes))", 0},
      // What is made answers to another name.
      {"aead", "authenc(hmac(sha256-generic),cbc(aes))", -EEXIST},
      {"rng", "stdrng", 0},
      {"rng", "drbg_nopr_hmac_sha256", 0},
      {"rng", "drbg_nopr_ctr_aes256", 0},
      {"rng", "sha256", -ENOENT},
      {"cipher", "aes", -ENOENT},
      {"", "aes", -ENOENT},
  };
  for (const Case& row : cases) {
    const Fd fd = alg_socket();
    EXPECT_TRUE(is_reason(alg_bind(fd, row.type, row.name), row.answer)) << row.type << " " << row.name;
  }
}

// Each failing name costs an old kernel a search for modules, and it would not say why.
TEST_F(AlgSocketTest, SaysWhyATemplateRefuses) {
  if (may_lose_reasons()) GTEST_SKIP() << "kernels before 6.13 do not";
  struct Case {
    const char *type, *name;
    long answer;
  };
  const Case cases[] = {
      {"skcipher", "cbc(ecb(aes))", -ELOOP},
      {"skcipher", "cbc(ctr(aes))", -EINVAL},
      {"skcipher", "ctr(cbc(aes))", -EINVAL},
      {"skcipher", "ecb(ecb(aes))", -EINVAL},
      {"skcipher", "ecb(hmac(sha256))", -EINVAL},
      {"hash", "cmac(ecb(aes))", -EINVAL},
      {"hash", "xcbc(des3_ede)", -EINVAL},
      {"aead", "gcm(des3_ede)", -EINVAL},
      {"aead", "ccm(des3_ede)", -EINVAL},
      {"aead", "rfc4309(gcm(aes))", -EINVAL},
      {"aead", "rfc7539(chacha20,sha256)", -EINVAL},
      {"aead", "authenc(hmac(hmac(sha256)),cbc(aes))", -EINVAL},
      {"hash", "hmac(crc32c)", -EINVAL},
      {"hash", "hmac(sha256,sha1)", -EEXIST},
      {"skcipher", "cbc(cbc(aes))", -ELOOP},
      {"skcipher", "xts(des3_ede)", -EINVAL},
      {"skcipher", "cts(ecb(aes))", -EINVAL},
      {"aead", "rfc4106(ccm(aes))", -EINVAL},
      {"aead", "authenc(cbc(aes),hmac(sha256))", -EINVAL},
      {"hash", "cbc(aes)", -EINVAL},
      {"skcipher", "gcm(aes)", -EINVAL},
  };
  for (const Case& row : cases) {
    const Fd fd = alg_socket();
    EXPECT_EQ(alg_bind(fd, row.type, row.name), row.answer) << row.type << " " << row.name;
  }
}

// The paragraph of /proc/crypto about an implementation, by its driver's name or else the first of the name.
std::string listed(const std::string& line) {
  std::ifstream file("/proc/crypto");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const size_t at = text.find(line + "\n");
  if (at == std::string::npos) return "";
  const size_t before = text.rfind("\n\n", at), end = text.find("\n\n", at);
  const size_t begin = before == std::string::npos ? 0 : before + 2;
  return text.substr(begin, end + 1 - begin);
}

// What its lines are called.
std::vector<std::string> field_names(const std::string& paragraph) {
  std::vector<std::string> names;
  std::istringstream lines(paragraph);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_EQ(line.substr(13, 2), ": ") << line;
    names.push_back(line.substr(0, line.find_last_not_of(' ', 12) + 1));
  }
  return names;
}

TEST_F(AlgSocketTest, WhatWasAskedForIsListed) {
  const Fd mac = bound("hash", "hmac(sha256-generic)"), cipher = bound("skcipher", "cbc(aes-generic)"),
           aead = bound("aead", "gcm(aes)"), generator = bound("rng", "drbg_nopr_hmac_sha256");
  using Names = std::vector<std::string>;
  const Names head = {"name", "driver", "module", "priority", "refcnt", "selftest", "internal", "type"};
  const auto with = [&](std::initializer_list<const char*> more) {
    Names names = head;
    names.insert(names.end(), more.begin(), more.end());
    return names;
  };
  const std::string hash = listed("driver       : hmac(sha256-generic)");
  EXPECT_EQ(field_names(hash), with({"blocksize", "digestsize"}));
  EXPECT_TRUE(hash.starts_with("name         : hmac(sha256)\n")) << hash;
  EXPECT_TRUE(
      hash.ends_with("selftest     : passed\ninternal     : no\ntype         : shash\n"
                     "blocksize    : 64\ndigestsize   : 32\n"))
      << hash;
  const std::string mode = listed("driver       : cbc(aes-generic)");
  Names names = field_names(mode);
  if (!names.empty() && names.back() == "statesize") names.pop_back();  // since 6.8
  EXPECT_EQ(names, with({"async", "blocksize", "min keysize", "max keysize", "ivsize", "chunksize", "walksize"}));
  const std::string sizes =
      "type         : skcipher\nasync        : no\nblocksize    : 16\nmin keysize  : 16\nmax keysize  : 32\n"
      "ivsize       : 16\nchunksize    : 16\nwalksize     : 16\n";
  EXPECT_NE(mode.find(sizes), std::string::npos) << mode;
  const std::string sealing = listed("name         : gcm(aes)");
  EXPECT_EQ(field_names(sealing), with({"async", "blocksize", "ivsize", "maxauthsize", "geniv"}));
  EXPECT_TRUE(sealing.ends_with("blocksize    : 1\nivsize       : 12\nmaxauthsize  : 16\ngeniv        : <none>\n")) << sealing;
  const std::string random = listed("driver       : drbg_nopr_hmac_sha256");
  EXPECT_EQ(field_names(random), with({"seedsize"}));
  EXPECT_TRUE(random.starts_with("name         : stdrng\n") && random.ends_with("type         : rng\nseedsize     : 0\n"))
      << random;
}

TEST_F(AlgSocketTest, IsNotReadyForAnythingButAccepting) {
  Fd fd = alg_socket();
  EXPECT_EQ(answer(accept(fd, nullptr, nullptr)), -EINVAL);
  EXPECT_EQ(set_key(fd, "key"), -ENOPROTOOPT);
  ASSERT_EQ(alg_bind(fd, "hash", "sha256"), 0);
  char byte = 0;
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  EXPECT_EQ(answer(send(fd, &byte, 1, 0)), -EOPNOTSUPP);
  EXPECT_EQ(answer(recv(fd, &byte, 1, 0)), -EOPNOTSUPP);
  EXPECT_EQ(answer(listen(fd, 1)), -EOPNOTSUPP);
  EXPECT_EQ(answer(shutdown(fd, SHUT_RD)), -EOPNOTSUPP);
  EXPECT_EQ(answer(getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length)), -EOPNOTSUPP);
  EXPECT_EQ(answer(connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof name)), -EOPNOTSUPP);
  EXPECT_EQ(answer(getsockopt(fd, SOL_ALG, ALG_SET_KEY, &byte, &length)), -EOPNOTSUPP);
  int number = 0;
  EXPECT_EQ(answer(ioctl(fd, FIONREAD, &number)), -EOPNOTSUPP);
  EXPECT_EQ(poll_now(fd), 0);
  EXPECT_EQ(answer(accept(fd, reinterpret_cast<sockaddr*>(&name), &length)), -ECONNABORTED);
  int type = 0;
  length = sizeof type;
  EXPECT_EQ(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length), 0);
  EXPECT_EQ(type, SOCK_SEQPACKET);
}

TEST_F(AlgSocketTest, KeepsItsKeyWhileAnOperationUsesIt) {
  Fd fd = bound("skcipher", "cbc(aes)");
  ASSERT_EQ(set_key(fd, std::string(16, 'k')), 0);
  {
    const Fd operation = alg_accept(fd);
    ASSERT_GE(operation, 0);
    EXPECT_EQ(set_key(fd, std::string(16, 'l')), -EBUSY);
    EXPECT_EQ(answer(setsockopt(fd, SOL_ALG, 99, nullptr, 0)), -EBUSY);
    EXPECT_EQ(answer(setsockopt(fd, 12345, 99, nullptr, 0)), -EBUSY);
    EXPECT_EQ(alg_bind(fd, "hash", "sha1"), -EBUSY);
    EXPECT_EQ(alg_bind(fd, "hash", "nosuch"), -ENOENT);
    // And the operation outlives the parent's descriptor.
    const int kept = dup(fd);
    fd = Fd(kept);
  }
  EXPECT_EQ(set_key(fd, std::string(16, 'l')), 0);
  EXPECT_EQ(alg_bind(fd, "hash", "sha1"), 0);
}

TEST_F(AlgSocketTest, OptionsAreOfTheirTypes) {
  const Fd hash = bound("hash", "sha256"), cipher = bound("skcipher", "cbc(aes)"), aead = bound("aead", "gcm(aes)");
  EXPECT_EQ(set_key(hash, "key"), -ENOSYS);
  EXPECT_EQ(set_tag_size(hash, 16), -ENOPROTOOPT);
  EXPECT_EQ(set_tag_size(cipher, 16), -ENOPROTOOPT);
  EXPECT_EQ(answer(setsockopt(cipher, SOL_ALG, ALG_SET_IV, "x", 1)), -ENOPROTOOPT);
  EXPECT_EQ(answer(setsockopt(cipher, SOL_ALG, ALG_SET_OP, "x", 1)), -ENOPROTOOPT);
  EXPECT_EQ(answer(setsockopt(cipher, IPPROTO_TCP, ALG_SET_KEY, "x", 1)), -ENOPROTOOPT);
  EXPECT_EQ(answer(setsockopt(cipher, SOL_ALG, ALG_SET_KEY, nullptr, 16)), -EFAULT);
  EXPECT_EQ(answer(setsockopt(cipher, SOL_ALG, ALG_SET_KEY, "x", static_cast<socklen_t>(-1))), -EINVAL);
  for (const unsigned size : {0u, 1u, 5u, 7u, 9u, 11u, 17u, 1000u}) EXPECT_EQ(set_tag_size(aead, size), -EINVAL) << size;
  for (const unsigned size : {4u, 8u, 12u, 13u, 14u, 15u, 16u}) EXPECT_EQ(set_tag_size(aead, size), 0) << size;
}

TEST_F(AlgSocketTest, KeySizesAreTheAlgorithms) {
  struct Case {
    const char *type, *name;
    size_t size;
    long answer;
  };
  const Case cases[] = {
      {"skcipher", "cbc(aes)", 0, -EINVAL},
      {"skcipher", "cbc(aes)", 15, -EINVAL},
      {"skcipher", "cbc(aes)", 17, -EINVAL},
      {"skcipher", "cbc(aes)", 24, 0},
      {"skcipher", "cbc(aes)", 33, -EINVAL},
      {"skcipher", "xts(aes)", 16, -EINVAL},
      {"skcipher", "xts(aes)", 32, 0},
      {"skcipher", "xts(aes)", 33, -EINVAL},
      {"skcipher", "xts(aes)", 64, 0},
      {"skcipher", "cbc(des3_ede)", 23, -EINVAL},
      {"skcipher", "cbc(des3_ede)", 24, 0},
      {"hash", "hmac(sha1)", 0, 0},
      {"hash", "hmac(sha1)", 1000, 0},
      {"hash", "cmac(aes)", 15, -EINVAL},
      {"hash", "cmac(aes)", 32, 0},
      {"hash", "crc32c", 3, -EINVAL},
      {"hash", "crc32c", 4, 0},
      {"aead", "gcm(aes)", 17, -EINVAL},
      {"aead", "gcm(aes)", 32, 0},
      {"aead", "rfc4106(gcm(aes))", 3, -EINVAL},
      {"aead", "rfc4106(gcm(aes))", 16, -EINVAL},
      {"aead", "rfc4106(gcm(aes))", 20, 0},
      {"aead", "rfc4309(ccm(aes))", 19, 0},
      {"aead", "rfc7539(chacha20,poly1305)", 31, -EINVAL},
      {"aead", "rfc7539(chacha20,poly1305)", 32, 0},
  };
  for (const Case& row : cases) {
    const Fd fd = bound(row.type, row.name);
    EXPECT_EQ(set_key(fd, std::string(row.size, '\x5a')), row.answer) << row.name << " " << row.size;
  }
}

TEST_F(AlgSocketTest, TheKeysOfAuthencComeInAnAttribute) {
  const Fd fd = bound("aead", "authenc(hmac(sha1),cbc(aes))");
  const std::string head("\x08\x00\x01\x00\x00\x00\x00\x10", 8), keys(36, 'k');
  EXPECT_EQ(set_key(fd, head + keys), 0);
  EXPECT_EQ(set_key(fd, keys), -EINVAL);
  EXPECT_EQ(set_key(fd, head.substr(0, 7)), -EINVAL);
  EXPECT_EQ(set_key(fd, std::string("\x08\x00\x02\x00\x00\x00\x00\x10", 8) + keys), -EINVAL);
  EXPECT_EQ(set_key(fd, std::string("\x0c\x00\x01\x00\x00\x00\x00\x10", 8) + keys), -EINVAL);
  EXPECT_EQ(set_key(fd, std::string("\x08\x00\x01\x00\x00\x00\x00\x40", 8) + keys), -EINVAL);
  EXPECT_EQ(set_key(fd, std::string("\x08\x00\x01\x00\x00\x00\x00\x11", 8) + keys), -EINVAL);
}

}  // namespace
}  // namespace conformance
