#include "tests/ltp_runner/fake_ltp.hh"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "ltp_runner/files.hh"

namespace lxnet::ltp::test {

FakeLtp::FakeLtp() {
  char name[] = "/tmp/fake-ltp-XXXXXX";
  EXPECT_NE(::mkdtemp(name), nullptr);
  root_ = name;
  for (const char* folder : {"/testcases/bin", "/runtest", "/suites"}) std::filesystem::create_directories(root_ + folder);
  EXPECT_TRUE(write_file(file("Version"), "20990101\n").ok());
}

FakeLtp::~FakeLtp() { std::filesystem::remove_all(root_); }

void FakeLtp::add_program(const std::string& name, const std::string& script) {
  std::string path = file("testcases/bin/" + name);
  EXPECT_TRUE(write_file(path, "#!/bin/sh\n" + script).ok());
  EXPECT_EQ(::chmod(path.c_str(), 0755), 0);
  runtest_ += name + " " + name + "\n";
  EXPECT_TRUE(write_file(file("runtest/fake"), runtest_).ok());
}

void FakeLtp::add_suite(const std::string& name, const std::string& text) {
  EXPECT_TRUE(write_file(file("suites/" + name + ".txt"), text).ok());
}

}  // namespace lxnet::ltp::test
