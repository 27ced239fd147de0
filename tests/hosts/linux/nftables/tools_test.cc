// nft and iptables-nft: what they print, natively and on lxnet, is the same to the letter.
#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#include "hosts/linux/process_tree.hh"
#include "hosts/linux/program.hh"
#include "hosts/linux/run.hh"
#include "tests/hosts/linux/nftables/scripts.hh"

namespace lxnet::test {
namespace {

bool is_installed(const char* program) {
  return std::system((std::string("command -v ") + program + " >/dev/null 2>&1").c_str()) == 0;
}

std::string contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

enum class Kernel { Linux, Lxnet };

// All that the script prints; "" where there is no network of its own to be had.
std::string output_of(const char* script, Kernel kernel) {
  char directory[] = "/tmp/lxnet-nft-XXXXXX";
  if (::mkdtemp(directory) == nullptr) return "";
  const std::string whole = std::string("exec > all 2>&1\nip link set lo up\n") + script;
  const char* words[] = {"timeout", "-k", "1", "60", "bash", "-c", whole.c_str(), nullptr};
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::chdir(directory) != 0 || ::unshare(CLONE_NEWNET) != 0) ::_exit(77);
    const auto body = [&] { return host::exec_program(const_cast<char* const*>(words)); };
    host::RunOptions options;
    options.log_level = 1;
    ::_exit(kernel == Kernel::Lxnet ? host::run_supervised(options, body) : body());
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  const std::string all = contents(std::string(directory) + "/all");
  EXPECT_EQ(std::system((std::string("rm -r ") + directory).c_str()), 0);
  return host::shell_status(status) == 77 ? "" : all;
}

// Line by line, so that a difference can be read.
void expect_same(const char* script) {
  if (!is_installed("nft") || !is_installed("iptables-nft")) GTEST_SKIP() << "nft or iptables-nft is not installed";
  const std::string native = output_of(script, Kernel::Linux);
  if (native.empty() || native.find("Operation not permitted") != std::string::npos) GTEST_SKIP() << "no network of its own";
  std::istringstream wanted(native), found(output_of(script, Kernel::Lxnet));
  std::string left, right;
  for (int line = 1;; ++line) {
    const bool is_left = bool(std::getline(wanted, left)), is_right = bool(std::getline(found, right));
    ASSERT_EQ(is_left, is_right) << "line " << line << ": " << (is_left ? left : right);
    if (!is_left) break;
    ASSERT_EQ(left, right) << "line " << line;
  }
}

TEST(NftTools, ListALargeRuleset) { expect_same(kRulesScript); }
TEST(NftTools, SpeakOfConnections) { expect_same(kConnectionsScript); }
TEST(NftTools, TakeRulesOfIptables) { expect_same(kIptablesScript); }
TEST(NftTools, MonitorWhatChanges) { expect_same(kMonitorScript); }

}  // namespace
}  // namespace lxnet::test
