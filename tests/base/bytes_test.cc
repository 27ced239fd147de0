#include "base/bytes.hh"

#include <gtest/gtest.h>

namespace lxnet {
namespace {

TEST(Bytes, CopiesAsMuchAsBothHold) {
  const uint8_t from[] = {1, 2, 3, 4};
  uint8_t to[] = {9, 9, 9};
  EXPECT_EQ(3u, copy_bytes(to, from));
  EXPECT_EQ(3, to[2]);
  EXPECT_EQ(1u, copy_bytes(to, ByteSpan(from).subspan(3)));
  EXPECT_EQ(4, to[0]);
  EXPECT_EQ(2, to[1]);
  EXPECT_EQ(0u, copy_bytes(to, ByteSpan()));
  EXPECT_EQ(0u, copy_bytes(MutableByteSpan(), from));
}

TEST(Bytes, ViewsAValueAsItsBytes) {
  uint32_t value = 0;
  mutable_bytes_of(value)[0] = 0xff;
  EXPECT_EQ(4u, bytes_of(value).size());
  EXPECT_NE(0u, value);
}

}  // namespace
}  // namespace lxnet
