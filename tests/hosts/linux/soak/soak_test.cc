// nginx with wrk, redis and iperf3 on one network, all at once, while signals, kills and restarts of programs go on around them.
// After every round the network is empty again, and then the supervisor has as many descriptors as before, and as much memory.
//
// LXNET_SOAK_SECONDS says how long; ./lxnet soak sets it.

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "hosts/linux/process_tree.hh"
#include "hosts/linux/program.hh"
#include "hosts/linux/run.hh"

namespace lxnet::test {
namespace {

constexpr int kDefaultSeconds = 8;
// Of a process that is just being reaped.
constexpr long kDescriptorsOnTheirWay = 4;
// The buffers of the busiest moment so far stay in the pool. A leak of 100 KiB a round is seen after ten minutes.
constexpr long kKilobytesOfPeaks = 16 * 1024;

// One round per line that it reads. Whatever a round begins has ended before the line it answers with.
constexpr char kDriver[] = R"sh(
mkdir html; chmod 755 . html; head -c 300000 /dev/urandom > html/file; echo small > html/small; chmod 644 html/*
cat > conf <<END
daemon off; worker_processes 2; pid $PWD/pid; error_log $PWD/error.log; events { worker_connections 256; }
http { access_log off; sendfile on; server { listen 127.0.0.1:8080 reuseport; root $PWD/html; } }
END
until_listens() { for i in $(seq 400); do if nc -z 127.0.0.1 "$1"; then return; fi; sleep 0.02; done; echo "nobody listens on $1"; exit 9; }
signal() { kill "$@" 2>/dev/null || true; }  # it may have ended
round() {
  nginx -e error.log -c "$PWD/conf" & nginx=$!
  redis-server --bind 127.0.0.1 --port 6379 --save '' > redis.log & redis=$!
  iperf3 -s -B 127.0.0.1 > iperf.log & iperf=$!
  until_listens 8080; until_listens 6379; until_listens 5201
  wrk -t 2 -c 20 -d 1 http://127.0.0.1:8080/file > wrk.log & load1=$!
  wrk -t 1 -c 10 -d 1 http://127.0.0.1:8080/small > wrk2.log & load2=$!
  redis-benchmark -q -n 2000 -c 20 -t set,get,lpush > bench.log 2>&1 & load3=$!
  iperf3 -c 127.0.0.1 -t 1 -P 2 > client.log 2>&1 & load4=$!
  sleep 0.2
  # A reload: new workers take the listeners over. A worker dies and comes again. A load stops for a while. Redis dies and comes again.
  signal -HUP $nginx
  signal -STOP $load1; sleep 0.1; signal -CONT $load1
  signal -KILL "$(pgrep -P $nginx | head -n 1)"
  for i in 1 2 3 4 5 6 7 8; do signal -USR1 $nginx; signal -CONT $load2; signal -CONT $load4; sleep 0.02; done
  signal -KILL $redis; wait $redis 2>/dev/null || true
  redis-server --bind 127.0.0.1 --port 6379 --save '' > redis.log & redis=$!
  until_listens 6379
  redis-cli set key value > /dev/null
  signal -KILL $load4
  # It may turn in a circle without a call when its server is killed: its fault, and natively too.
  signal -KILL $load3
  wait $load1 $load2 $load3 $load4 2>/dev/null || true
  if ! grep -q 'Requests/sec' wrk.log || ! grep -q 'Requests/sec' wrk2.log; then cat wrk.log wrk2.log; exit 7; fi
  # Everybody is still well.
  test "$(curl -sS http://127.0.0.1:8080/small)" = small
  test "$(redis-cli get key)" = value
  signal -TERM $nginx; signal -TERM $iperf; redis-cli shutdown nosave || true
  wait $nginx $iperf $redis 2>/dev/null || true
}
while read -r line; do round; echo done; done
)sh";

struct Sample {
  long descriptors = 0, kilobytes = 0;
};

long count_entries(const std::string& directory) {
  long count = 0;
  DIR* entries = ::opendir(directory.c_str());
  while (entries != nullptr && ::readdir(entries) != nullptr) count++;
  if (entries != nullptr) ::closedir(entries);
  return count;
}

Sample sample_of(pid_t pid) {
  Sample sample{.descriptors = count_entries(absl::StrCat("/proc/", pid, "/fd"))};
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) sample.kilobytes = std::atol(line.c_str() + 6);
  }
  return sample;
}

pid_t child_of(pid_t pid) {
  pid_t child = 0;
  std::ifstream(absl::StrCat("/proc/", pid, "/task/", pid, "/children")) >> child;
  return child;
}

// What the dead leave is cleared away soon, but not at once: the smallest of some looks.
Sample quiet_sample_of(pid_t pid) {
  Sample least = sample_of(pid);
  for (int i = 0; i < 20; i++) {
    ::usleep(50'000);
    Sample now = sample_of(pid);
    least = {std::min(least.descriptors, now.descriptors), std::min(least.kilobytes, now.kilobytes)};
  }
  return least;
}

class Soak : public testing::Test {
 protected:
  void start() {
    ASSERT_NE(::mkdtemp(directory_), nullptr);
    int to[2], from[2];
    ASSERT_TRUE(::pipe2(to, O_CLOEXEC) == 0 && ::pipe2(from, O_CLOEXEC) == 0);
    guardian_ = ::fork();
    if (guardian_ == 0) {
      ::close(to[1]);
      ::close(from[0]);
      if (::chdir(directory_) != 0) ::_exit(100);
      const char* words[] = {"sh", "-euc", kDriver, nullptr};
      auto body = [&] {
        ::dup2(to[0], STDIN_FILENO);
        ::dup2(from[1], STDOUT_FILENO);
        return host::exec_program(const_cast<char* const*>(words));
      };
      ::_exit(host::run_supervised({.log_level = 1}, body));
    }
    ::close(to[0]);
    ::close(from[1]);
    to_ = to[1];
    from_ = ::fdopen(from[0], "r");
  }

  // What the driver says at its end, "done\n" if all is well.
  std::string run_round() {
    if (::write(to_, "go\n", 3) != 3) return "";
    char line[256];
    std::string last;
    while (std::fgets(line, sizeof line, from_) != nullptr) {
      last = line;
      if (last == "done\n") break;
    }
    return last;
  }

  int finish() {
    ::close(to_);
    std::fclose(from_);
    int status = 0;
    ::waitpid(guardian_, &status, 0);
    std::string remove = absl::StrCat("rm -r ", directory_);
    EXPECT_EQ(std::system(remove.c_str()), 0);
    return host::shell_status(status);
  }

  pid_t guardian_ = 0;

 private:
  char directory_[32] = "/tmp/lxnet-soak-XXXXXX";
  int to_ = -1;
  std::FILE* from_ = nullptr;
};

TEST_F(Soak, NothingIsLeftBehind) {
  for (std::string program : {"nginx", "wrk", "redis-server", "redis-benchmark", "iperf3", "nc", "curl", "pgrep"}) {
    if (std::system(absl::StrCat("command -v ", program, " >/dev/null 2>&1").c_str()) != 0) GTEST_SKIP() << "no " << program;
  }
  const char* wanted = ::getenv("LXNET_SOAK_SECONDS");
  const time_t end = ::time(nullptr) + (wanted != nullptr ? std::atol(wanted) : kDefaultSeconds);
  start();
  std::vector<Sample> samples;
  // The first rounds fill pools and caches.
  while (samples.size() < 3 || ::time(nullptr) < end) {
    ASSERT_EQ(run_round(), "done\n") << "in round " << samples.size();
    samples.push_back(quiet_sample_of(child_of(guardian_)));
    if (wanted != nullptr) {
      std::printf("round %zu: %ld descriptors, %ld KiB\n", samples.size(), samples.back().descriptors, samples.back().kilobytes);
      std::fflush(stdout);
    }
  }
  EXPECT_EQ(finish(), 0);
  EXPECT_LE(samples.back().descriptors, samples[1].descriptors + kDescriptorsOnTheirWay);
  EXPECT_LT(samples.back().kilobytes, samples[1].kilobytes + kKilobytesOfPeaks);
}

}  // namespace
}  // namespace lxnet::test
