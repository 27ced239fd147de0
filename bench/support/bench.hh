// What every benchmark is made of: cases, each measured on several sides, which run interleaved in one process.
//
// A binary defines add_cases(). Each case names the same work on lxnet (by function call, through hosts/threads), on Linux (by
// system call) and perhaps on lwIP or OpenSSL, and perhaps a floor: the least that the work can cost. A side that is left out
// prints as "-".
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace lxnet::bench {

enum class Unit : uint8_t {
  Nanos,           // per operation: less is better
  Bytes,           // less is better
  BytesPerSecond,  // more is better
};
enum class Side : uint8_t { Lxnet, Linux, Lwip, Openssl, Floor };
inline constexpr size_t kSides = 5;
inline constexpr const char* kSideNames[kSides] = {"lxnet", "linux", "lwip", "openssl", "floor"};

// How one side is measured, with everything it has set up in the closure; gone when the case is done.
struct Work {
  // Does its operation `count` times: timed, in slices of a few milliseconds.
  std::function<void(int64_t count)> repeat = nullptr;
  // Or measures by itself, in the case's unit (bytes per second: in bytes per nanosecond).
  std::function<double()> value = nullptr;
};

inline Work repeated(std::function<void(int64_t count)> repeat) { return {.repeat = std::move(repeat)}; }
inline Work once(std::function<void()> operation) {
  return repeated([operation = std::move(operation)](int64_t count) {
    for (int64_t i = 0; i < count; ++i) operation();
  });
}
inline Work measured(std::function<double()> value) { return {.value = std::move(value)}; }

struct Case {
  std::string name;
  Unit unit = Unit::Nanos;
  double items = 1;  // of one operation: datagrams in a batch, or bytes
  // Each sets a side up when the case begins; empty where there is no such side.
  std::function<Work()> lxnet = nullptr, linux = nullptr, lwip = nullptr, openssl = nullptr, floor = nullptr;
};

class Suite {
 public:
  void add(Case added) { cases_.push_back(std::move(added)); }
  const std::vector<Case>& cases() const { return cases_; }

 private:
  std::vector<Case> cases_;
};

// Defined by each benchmark.
void add_cases(Suite& suite);

// For work that measures by itself: what one call takes.
template <typename Function>
double nanos_of(Function&& function) {
  const auto start = std::chrono::steady_clock::now();
  function();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

// The compiler must not leave out what computes `value`, nor what was written to memory before.
template <typename T>
void keep(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}
inline void clobber_memory() { asm volatile("" : : : "memory"); }

}  // namespace lxnet::bench
