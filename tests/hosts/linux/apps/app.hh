// Unmodified programs from Debian packages, each natively first and then on lxnet. A program that is not installed is skipped.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace lxnet::test {

enum class Unix { OfTheHost, OfLxnet };

struct App {
  const char* name;
  std::vector<const char*> needs;  // programs
  // Of sh -eu, in an empty directory; fails by its status. Functions it may use are in app.cc, our own programs in $programs.
  const char* script;
  Unix whose_unix = Unix::OfTheHost;
  // Fails where Linux itself lacks what the script is about: then lxnet alone runs it.
  const char* native_check = "true";
};

class Apps : public testing::TestWithParam<App> {};

#define INSTANTIATE_APPS(group, table) \
  INSTANTIATE_TEST_SUITE_P(group, Apps, testing::ValuesIn(table), [](const auto& info) { return std::string(info.param.name); })

}  // namespace lxnet::test
