#include "tests/hosts/linux/apps/app.hh"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "hosts/linux/process_tree.hh"
#include "hosts/linux/program.hh"
#include "hosts/linux/run.hh"

namespace lxnet::test {
namespace {

// until_connects waits for a TCP server, until_udp for whoever answers a datagram, until_exists for a file.
constexpr char kFunctions[] = R"sh(
until_true() { for i in $(seq 100); do if "$@" >/dev/null 2>&1; then return; fi; sleep 0.05; done; echo "never true: $*"; exit 9; }
until_connects() { until_true nc -z "${2:-127.0.0.1}" "$1"; }
until_exists() { until_true test -e "$1"; }
same() { test "$1" = "$2" || { echo "not the same: '$1' and '$2'"; exit 8; }; }
)sh";

bool is_installed(const char* program) {
  return std::system((std::string("command -v ") + program + " >/dev/null 2>&1").c_str()) == 0;
}

int wait_for(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return host::shell_status(status);
}

// What a script leaves running ends with it, as it does on lxnet.
int run_natively(const std::function<int()>& body) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  pid_t pid = ::fork();
  if (pid == 0) ::_exit(body());
  int status = wait_for(pid);
  host::kill_descendants([] { ::usleep(1000); });
  return status;
}

// Built beside this test.
std::string programs() {
  char path[PATH_MAX] = {};
  if (::readlink("/proc/self/exe", path, sizeof path - 1) < 0) return "";
  std::string own = path;
  return own.substr(0, own.rfind('/'));
}

enum class Kernel { Linux, Lxnet };

int run_script(const App& app, Kernel kernel) {
  std::string text = "programs='" + programs() + "'\n" + kFunctions + app.script;
  host::RunOptions options;
  options.log_level = 1;
  options.serves_unix = app.whose_unix == Unix::OfLxnet;
  const char* words[] = {"timeout", "-k", "1", "20", "sh", "-euc", text.c_str(), nullptr};
  auto body = [&] { return host::exec_program(const_cast<char* const*>(words)); };
  pid_t pid = ::fork();
  if (pid == 0) {
    char directory[] = "/tmp/lxnet-app-XXXXXX";
    if (::mkdtemp(directory) == nullptr || ::chdir(directory) != 0) ::_exit(100);
    // A network of its own, where that is possible, keeps the native run from meeting other servers.
    // Under lxnet it is what AF_NETLINK shows, which lxnet leaves to the host.
    if (::unshare(CLONE_NEWNET) == 0 && std::system("ip link set lo up") != 0) ::_exit(101);
    int status = kernel == Kernel::Lxnet ? host::run_supervised(options, body) : run_natively(body);
    if (std::system((std::string("rm -r ") + directory).c_str()) != 0) ::_exit(102);
    ::_exit(status);
  }
  return wait_for(pid);
}

}  // namespace

TEST_P(Apps, WorkAsOnLinux) {
  for (const char* program : GetParam().needs) {
    if (!is_installed(program)) GTEST_SKIP() << program << " is not installed";
  }
  if (std::system(GetParam().native_check) == 0) {
    ASSERT_EQ(run_script(GetParam(), Kernel::Linux), 0) << "on Linux itself";
  }
  EXPECT_EQ(run_script(GetParam(), Kernel::Lxnet), 0) << "on lxnet";
}

}  // namespace lxnet::test
