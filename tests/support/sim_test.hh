// SimTest: a test on the simulated network. When it fails it prints its seed and leaves a capture beside the test binary's
// working directory; LXNET_SEED=n runs it again with that seed.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "hosts/sim/sys.hh"

namespace lxnet::testing {

class SimTest : public ::testing::Test {
 protected:
  explicit SimTest(const sim::SimulationOptions& options = {}) : simulation(seed(), options) {
    simulation.on_problem([](const std::string& problem) { ADD_FAILURE() << problem; });
  }
  ~SimTest() override { finish(); }

  void TearDown() override { finish(); }

  sim::Simulation simulation;

 private:
  static uint64_t seed() {
    const char* chosen = getenv("LXNET_SEED");
    return chosen == nullptr ? 1 : strtoull(chosen, nullptr, 10);
  }
  // Taking it down is part of the test: what is left then is a leak.
  void finish() {
    simulation.shut_down();
    if (!HasFailure() || is_reported_) return;
    is_reported_ = true;
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string path = std::string(info->test_suite_name()) + "." + info->name() + ".pcapng";
    for (char& letter : path) letter = letter == '/' ? '_' : letter;
    const bool is_written = simulation.write_capture(path);
    std::cout << "seed " << simulation.seed() << (is_written ? ", capture in " + path : "") << std::endl;
  }
  bool is_reported_ = false;
};

}  // namespace lxnet::testing
