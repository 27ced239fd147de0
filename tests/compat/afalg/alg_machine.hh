// AlgMachine: a stack that serves AF_ALG and its one process's descriptors, called as a program calls. The HAL's memory may be
// made to fail, and what is not given back fails the test.
#pragma once

#include <gtest/gtest.h>
#include <linux/if_alg.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <string>
#include <vector>

#include "compat/afalg/algorithm_registry.hh"
#include "tests/support/call_machine.hh"

namespace lxnet::testing {

using Bytes = std::vector<uint8_t>;
inline Bytes bytes_from(ByteSpan span) { return Bytes(span.begin(), span.end()); }

// With the processor's own instructions too, where there are any.
enum class Implementations : uint8_t { Portable, All };

// Sees every block that a machine made after it takes and gives back.
class MemoryWatch {
 public:
  MemoryWatch() { current_ = this; }
  virtual ~MemoryWatch() { current_ = nullptr; }
  virtual void taken(ByteSpan block) = 0;
  virtual void given_back(ByteSpan block) = 0;
  static MemoryWatch* current() { return current_; }

 private:
  static inline MemoryWatch* current_ = nullptr;
};

class AlgMachine : public CallMachine {
 public:
  explicit AlgMachine(Implementations implementations = Implementations::Portable);

  // A bound socket; -errno.
  int bound(const std::string& type, const std::string& name);
  int64_t set_key(int fd, const Bytes& key) { return call(SYS_setsockopt, fd, SOL_ALG, ALG_SET_KEY, key.data(), key.size()); }
  // Bound, given the key unless it is empty, and accepted. Both stay open.
  int operation(const std::string& type, const std::string& name, const Bytes& key);
  int64_t send(int fd, const uint8_t* data, size_t size, int flags = 0) {
    return call(SYS_sendto, fd, data, size, flags, nullptr, 0);
  }
  // With the operation, and the iv unless it is empty.
  int64_t send_operation(int fd, uint32_t operation, const Bytes& iv, const Bytes& data, int flags, uint32_t associated = 0);
  // Up to `room` bytes, not waiting for more than there are.
  Bytes receive(int fd, size_t room);

  AlgorithmRegistry& registry();
  Stack& stack() { return *reinterpret_cast<Stack*>(c_stack()); }
};

const char* type_name(AlgorithmKind kind);

}  // namespace lxnet::testing
