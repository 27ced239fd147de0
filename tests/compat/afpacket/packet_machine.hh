// A stack that serves AF_PACKET, with a process's descriptors, as the tests of this folder speak to it.
#pragma once

#include <gtest/gtest.h>

#include <random>

#include "tests/support/call_machine.hh"

namespace lxnet::testing {

class PacketMachine : public CallMachine {
 public:
  explicit PacketMachine(uint64_t seed) : CallMachine(seed), random_(seed) {
    start();
    EXPECT_EQ(lxnet_enable_afpacket(c_stack()), 0);
    EXPECT_EQ(lxnet_enable_afpacket(c_stack()), -static_cast<int>(Errno::EEXIST));
  }
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }

 private:
  std::mt19937_64 random_;
};

}  // namespace lxnet::testing
