// SipHash against the vectors of its reference.
#include "base/siphash.hh"

#include <gtest/gtest.h>

#include <iterator>
#include <numeric>
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

struct Vector {
  size_t size;
  uint64_t hash;
};
// The reference gives none for 1-3: these are OpenSSL's (c-rounds:1, d-rounds:3).
constexpr Vector kVectors13[] = {
    {0, 0xabac'0158'050f'c4dc},  {1, 0xc9f4'9bf3'7d57'ca93},  {7, 0xd392'7d98'9bb1'1140},   {8, 0x3690'9511'8d29'9a8e},
    {15, 0xd320'd86d'2a51'9956}, {63, 0x9d19'9062'b7bb'b3a8}, {255, 0xf762'14e3'153c'4a15}, {256, 0x75b3'e64e'167d'e370},
};

TEST(SipHash, WithFewerRoundsGivesWhatOpenSslGives) {
  for (const Vector& vector : kVectors13) {
    EXPECT_EQ(siphash_1_3(kPaperKey, ByteSpan(counting(vector.size))), vector.hash) << vector.size;
  }
}

template <size_t kSize>
void expect_value_hashes_as_its_bytes() {
  struct {
    uint8_t bytes[kSize];
  } value;
  std::iota(std::begin(value.bytes), std::end(value.bytes), uint8_t{1});
  EXPECT_EQ(siphash_1_3(kPaperKey, value), siphash_1_3(kPaperKey, ByteSpan(value.bytes))) << kSize;
  EXPECT_EQ(siphash_2_4(kPaperKey, value), siphash_2_4(kPaperKey, ByteSpan(value.bytes))) << kSize;
}

TEST(SipHash, OfAValueIsThatOfItsBytes) {
  expect_value_hashes_as_its_bytes<1>();
  expect_value_hashes_as_its_bytes<8>();
  expect_value_hashes_as_its_bytes<12>();
  expect_value_hashes_as_its_bytes<24>();
  expect_value_hashes_as_its_bytes<36>();
  expect_value_hashes_as_its_bytes<49>();
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
