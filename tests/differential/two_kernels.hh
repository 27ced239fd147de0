// One sequence on both kernels: the host's, in a namespace of its own, and lxnet under `lxnet run`.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace differential {

struct Walk {
  int steps = 500;
  bool with_unix = false;
  bool with_epoll = false;
  bool is_unix_alone = false;
  bool is_wide = false;
  bool is_packet = false;
  bool is_rights = false;
  bool is_shared = false;
  bool is_netlink = false;
  std::string missing = {};  // LEVEL:NAME,... as walk takes it
};

using Lines = std::vector<std::string>;

class TwoKernels {
 public:
  explicit TwoKernels(Walk walk) : walk_(std::move(walk)) {}

  enum class Kernel : uint8_t { Linux, Lxnet };
  // The log of each seed.
  std::map<uint64_t, Lines> run(Kernel kernel, uint64_t first, uint64_t last) const;
  // One seed, of which only these steps; empty: all.
  Lines run_steps(Kernel kernel, uint64_t seed, const std::vector<int>& only) const;
  // The same as a C program.
  std::string c_program(uint64_t seed, const std::vector<int>& only) const;

 private:
  std::vector<std::string> command(uint64_t first, uint64_t last) const;
  std::string output_of(Kernel kernel, std::vector<std::string> words) const;

  Walk walk_;
};

// What a program beside the test printed; its first word is its name.
std::string output_on(TwoKernels::Kernel kernel, std::vector<std::string> words);

// The first line in which they differ, or -1.
int first_difference(const Lines& left, const Lines& right);
// The step a line belongs to.
int step_of(const Lines& lines, int line);

// The options that lxnet does not serve: they fail there as on a Linux without them, and are not compared.
std::string missing_options();

}  // namespace differential
