#include "base/endian.hh"

#include <gtest/gtest.h>

#include <cstring>

namespace lxnet {
namespace {

template <typename T>
void expect_wire_bytes(T value, std::initializer_list<uint8_t> expected) {
  ASSERT_EQ(sizeof(T), expected.size());
  EXPECT_EQ(0, memcmp(&value, expected.begin(), sizeof(T)));
}

TEST(Endian, StoresTheMostSignificantByteFirst) {
  expect_wire_bytes(Be16(0x1234), {0x12, 0x34});
  expect_wire_bytes(Be32(0x12345678), {0x12, 0x34, 0x56, 0x78});
  expect_wire_bytes(Be64(0x0123456789abcdef), {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef});
}

TEST(Endian, ReadsBackWhatWasSet) {
  Be32 value;
  EXPECT_EQ(0u, value.get());
  value.set(0xfeedf00d);
  EXPECT_EQ(0xfeedf00d, value.get());
  EXPECT_EQ(Be32(0xfeedf00d), value);
  EXPECT_FALSE(Be32(0xfeedf00e) == value);
}

TEST(Endian, CanBeReadAtAnyAddress) {
  const uint8_t bytes[] = {0xff, 0x12, 0x34, 0x56, 0x78, 0xff};
  EXPECT_EQ(0x12345678u, reinterpret_cast<const Be32*>(bytes + 1)->get());
  EXPECT_EQ(0x3456u, reinterpret_cast<const Be16*>(bytes + 2)->get());
}

TEST(Endian, RawIsTheBytesInTheMachinesOrder) {
  const Be16 value(0x1234);
  uint16_t machine = 0;
  memcpy(&machine, &value, sizeof machine);
  EXPECT_EQ(machine, value.raw());
}

}  // namespace
}  // namespace lxnet
