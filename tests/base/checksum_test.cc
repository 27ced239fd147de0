#include "base/checksum.hh"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace lxnet {
namespace {

uint16_t naive_checksum(ByteSpan bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? uint32_t{bytes[i]} << 8 : bytes[i];
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

std::vector<uint8_t> random_bytes(size_t size, std::mt19937& random) {
  std::vector<uint8_t> bytes(size);
  for (uint8_t& byte : bytes) byte = random() % 4 == 0 ? 0xff : static_cast<uint8_t>(random());
  return bytes;
}

TEST(ChecksumTest, AgreesWithTheNaiveSumOnEveryLengthAndAlignment) {
  std::mt19937 random(1);
  const std::vector<uint8_t> bytes = random_bytes(400, random);
  for (size_t offset = 0; offset < 16; ++offset) {
    for (size_t size = 0; size + offset <= bytes.size(); ++size) {
      const ByteSpan span(bytes.data() + offset, size);
      ASSERT_EQ(internet_checksum(span), naive_checksum(span)) << offset << "+" << size;
    }
  }
}

TEST(ChecksumTest, AgreesWithTheNaiveSumUpToALargePacket) {
  std::mt19937 random(5);
  const std::vector<uint8_t> bytes = random_bytes(2100 + 16, random);
  for (size_t size = 400; size <= 2100; ++size) {
    const ByteSpan span(bytes.data() + size % 16, size);
    ASSERT_EQ(internet_checksum(span), naive_checksum(span)) << size;
  }
}

TEST(ChecksumTest, IsTheSameOnMachinesThatReadAlignedWordsOnly) {
  std::mt19937 random(6);
  const std::vector<uint8_t> bytes = random_bytes(300, random);
  for (size_t offset = 0; offset < 16; ++offset) {
    for (size_t size = 0; size + offset <= bytes.size(); ++size) {
      const ByteSpan span(bytes.data() + offset, size);
      ASSERT_EQ(internal::fold(internal::sum_words(span)), internal::fold(internal::sum_words_from_boundary(span)));
    }
  }
}

// The copy is a vector of its own, so that AddressSanitizer sees a write past it.
TEST(ChecksumTest, CopyingCopiesAndSumsAndTouchesNothingElse) {
  std::mt19937 random(7);
  const std::vector<uint8_t> bytes = random_bytes(2100, random);
  for (size_t size = 0; size < bytes.size(); size += size < 200 ? 1 : 13) {
    const ByteSpan from = ByteSpan(bytes).subspan(size % 9 == 0 ? 0 : 1).first(size);
    std::vector<uint8_t> to(size);
    InternetChecksum checksum;
    checksum.copy_and_add(to, from);
    ASSERT_EQ(checksum.finish(), naive_checksum(from));
    ASSERT_TRUE(std::equal(from.begin(), from.end(), to.begin()));
  }
}

TEST(ChecksumTest, SumsOfPiecesJoin) {
  std::mt19937 random(8);
  const std::vector<uint8_t> bytes = random_bytes(100, random);
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    InternetChecksum front, back;
    front.add(ByteSpan(bytes).first(cut));
    back.add(ByteSpan(bytes).subspan(cut));
    front.append(back);
    ASSERT_EQ(front.finish(), naive_checksum(bytes)) << cut;
  }
}

TEST(ChecksumTest, CarriesNeverGetLost) {
  for (size_t size = 0; size < 300; ++size) {
    const std::vector<uint8_t> ones(size, 0xff);
    ASSERT_EQ(internet_checksum(ones), naive_checksum(ones)) << size;
  }
  const std::vector<uint8_t> large(65535, 0xff);
  EXPECT_EQ(internet_checksum(large), naive_checksum(large));
}

TEST(ChecksumTest, DoesNotDependOnHowTheBytesAreCutIntoPieces) {
  std::mt19937 random(2);
  for (int round = 0; round < 5000; ++round) {
    const std::vector<uint8_t> bytes = random_bytes(random() % 200, random);
    InternetChecksum checksum;
    for (size_t at = 0; at < bytes.size();) {
      const size_t piece = std::min<size_t>(random() % 13, bytes.size() - at);
      checksum.add(ByteSpan(bytes).subspan(at, piece));
      at += piece;
    }
    ASSERT_EQ(checksum.finish(), naive_checksum(bytes));
  }
}

TEST(ChecksumTest, NumbersCountAsTheirBytesOnTheWire) {
  const uint8_t bytes[] = {0x12, 0x34, 0xde, 0xad, 0xbe, 0xef};
  InternetChecksum checksum;
  checksum.add_u16(0x1234);
  checksum.add_u32(0xdeadbeef);
  EXPECT_EQ(checksum.finish(), naive_checksum(bytes));
  EXPECT_EQ(InternetChecksum(checksum.sum()).finish(), checksum.finish());
}

TEST(ChecksumTest, DataWithItsChecksumIsValid) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::vector<uint8_t> bytes = random_bytes(2 + 2 * (random() % 40), random);
    bytes[0] = bytes[1] = 0;
    const uint16_t checksum = internet_checksum(bytes);
    bytes[0] = static_cast<uint8_t>(checksum >> 8);
    bytes[1] = static_cast<uint8_t>(checksum);
    InternetChecksum sum;
    sum.add(bytes);
    ASSERT_TRUE(sum.is_valid());
    bytes.back() = static_cast<uint8_t>(bytes.back() ^ 1);
    InternetChecksum broken;
    broken.add(bytes);
    ASSERT_FALSE(broken.is_valid());
  }
}

TEST(ChecksumTest, AnUpdateEqualsSummingAgain) {
  std::mt19937 random(4);
  for (int round = 0; round < 2000; ++round) {
    std::vector<uint8_t> bytes = random_bytes(20, random);
    const uint16_t before = internet_checksum(bytes);
    const uint16_t from = static_cast<uint16_t>(bytes[8] << 8 | bytes[9]);
    const uint16_t to = static_cast<uint16_t>(random());
    bytes[8] = static_cast<uint8_t>(to >> 8);
    bytes[9] = static_cast<uint8_t>(to);
    ASSERT_EQ(update_checksum(before, from, to), internet_checksum(bytes));
  }
}

}  // namespace
}  // namespace lxnet
