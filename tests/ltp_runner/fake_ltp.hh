// An LTP of ours in a folder of its own: small programs that speak its formats, and some that misbehave.
#pragma once

#include <string>

namespace lxnet::ltp::test {

class FakeLtp {
 public:
  FakeLtp();
  ~FakeLtp();
  FakeLtp(const FakeLtp&) = delete;

  const std::string& root() const { return root_; }
  std::string file(const std::string& name) const { return root_ + "/" + name; }
  // A shell script of that name in testcases/bin, and a line in runtest/fake.
  void add_program(const std::string& name, const std::string& script);
  void add_suite(const std::string& name, const std::string& text);

 private:
  std::string root_;
  std::string runtest_;
};

}  // namespace lxnet::ltp::test
