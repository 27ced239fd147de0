// SipHash against the vectors of its reference.
#include "base/siphash.hh"

#include <gtest/gtest.h>

#include <vector>

namespace lxnet {
namespace {

constexpr SipKey kPaperKey{.k0 = 0x0706'0504'0302'0100, .k1 = 0x0f0e'0d0c'0b0a'0908};

std::vector<uint8_t> counting(size_t size) {
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i);
  return bytes;
}

TEST(SipHash, GivesThePapersValue) { EXPECT_EQ(siphash_2_4(kPaperKey, ByteSpan(counting(15))), 0xa129'ca61'49be'45e5); }

TEST(SipHash, GivesTheReferencesFirstVectors) {
  EXPECT_EQ(siphash_2_4(kPaperKey, ByteSpan()), 0x726f'db47'dd0e'0e31);
  EXPECT_EQ(siphash_2_4(kPaperKey, ByteSpan(counting(1))), 0x74f8'39c5'93dc'67fd);
  EXPECT_EQ(siphash_2_4(kPaperKey, ByteSpan(counting(8))), 0x93f5'f579'9a93'2462);
}

TEST(SipHash, DependsOnTheKeyAndOnEveryByte) {
  std::vector<uint8_t> bytes = counting(23);
  const uint64_t hash = siphash_1_3(kPaperKey, ByteSpan(bytes));
  EXPECT_NE(hash, siphash_1_3(SipKey{1, 2}, ByteSpan(bytes)));
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= 1;
    EXPECT_NE(hash, siphash_1_3(kPaperKey, ByteSpan(bytes))) << i;
    bytes[i] ^= 1;
  }
}

}  // namespace
}  // namespace lxnet
