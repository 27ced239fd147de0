// Unmodified programs, natively and under `lxnet run`: redis, nginx, iperf3, each with a server and a load on one machine.
//
// Every value is what the load itself reports. Natively they run in a network namespace of their own where that is allowed.
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/support/bench.hh"
#include "hosts/linux/process_tree.hh"
#include "hosts/linux/program.hh"
#include "hosts/linux/run.hh"

namespace lxnet::bench {
namespace {

// Each script ends by printing one number in the case's unit; what it starts is killed when it ends.
constexpr char kFunctions[] = R"sh(
until_listens() { for i in $(seq 200); do if nc -z 127.0.0.1 "$1"; then return; fi; sleep 0.02; done; exit 9; }
redis() {  # OPERATION PIPELINE REQUESTS: nanoseconds per request
  redis-server --bind 127.0.0.1 --port 6379 --save '' >/dev/null & until_listens 6379
  redis-benchmark --csv -n "$3" -c 50 -P "$2" -t "$1" | awk -F'"' 'NR == 2 { print 1e9 / $4 }'
}
web() {  # FILE [WRK-OPTION...]: the report of wrk
  mkdir html; chmod 755 . html; head -c 1048576 /dev/zero > html/large; head -c 100 /dev/zero > html/small; chmod 644 html/*
  echo "daemon off; pid $PWD/pid; error_log stderr crit; events {} http { access_log off; sendfile on; server {
        listen 127.0.0.1:8080; root $PWD/html; } }" > conf
  nginx -e stderr -c "$PWD/conf" & until_listens 8080
  file=$1; shift
  wrk -t 1 -c 16 -d 1 "$@" "http://127.0.0.1:8080/$file" > report
}
per_request() { awk '/requests in/ { n = $1 } /Requests\/sec/ { print 1e9 / $2 }' report; }
per_nanosecond() { awk '/Transfer\/sec/ { v = $2; u = v ~ /GB/ ? 2^30 : v ~ /MB/ ? 2^20 : 2^10; print (v + 0) * u / 1e9 }' report; }
)sh";

enum class Kernel { Linux, Lxnet };

[[noreturn]] void run_script(Kernel kernel, const std::string& script, int out) {
  char directory[] = "/tmp/lxnet-bench-XXXXXX";
  if (::mkdtemp(directory) == nullptr || ::chdir(directory) != 0) ::_exit(100);
  if (kernel == Kernel::Linux && ::unshare(CLONE_NEWNET) == 0 && std::system("ip link set lo up") != 0) ::_exit(101);
  std::string text = kFunctions + script;
  const char* words[] = {"timeout", "60", "sh", "-euc", text.c_str(), nullptr};
  auto body = [&] {
    ::dup2(out, STDOUT_FILENO);
    return host::exec_program(const_cast<char* const*>(words));
  };
  int status = 0;
  if (kernel == Kernel::Lxnet) {
    status = host::run_supervised({.log_level = 1}, body);
  } else {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t pid = ::fork();
    if (pid == 0) ::_exit(body());
    ::waitpid(pid, &status, 0);
    host::kill_descendants([] { ::usleep(1000); });
  }
  if (std::system((std::string("rm -r ") + directory).c_str()) != 0) ::_exit(102);
  ::_exit(status == 0 ? 0 : 1);
}

double value_of(Kernel kernel, const std::string& script) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
  std::fflush(nullptr);
  pid_t pid = ::fork();
  if (pid == 0) {
    ::close(ends[0]);
    run_script(kernel, script, ends[1]);
  }
  ::close(ends[1]);
  std::string text;
  char part[256];
  for (ssize_t size; (size = ::read(ends[0], part, sizeof part)) > 0;) text.append(part, static_cast<size_t>(size));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  double value = std::atof(text.c_str());
  if (status != 0 || value <= 0) throw std::runtime_error("the script failed: " + script + ": " + text);
  return value;
}

void add(Suite& suite, const char* name, Unit unit, const std::string& script) {
  auto side = [script](Kernel kernel) {
    return [script, kernel] { return measured([script, kernel] { return value_of(kernel, script); }); };
  };
  suite.add({.name = name, .unit = unit, .lxnet = side(Kernel::Lxnet), .linux = side(Kernel::Linux)});
}

}  // namespace

void add_cases(Suite& suite) {
  for (const char* program : {"redis-server", "redis-benchmark", "nginx", "wrk", "iperf3", "nc"}) {
    if (std::system((std::string("command -v ") + program + " >/dev/null").c_str()) != 0) {
      throw std::runtime_error(std::string(program) + " is not installed: ./lxnet setup");
    }
  }
  add(suite, "redis SET", Unit::Nanos, "redis set 1 5000");
  add(suite, "redis GET", Unit::Nanos, "redis get 1 5000");
  add(suite, "redis SET, pipeline of 16", Unit::Nanos, "redis set 16 40000");
  add(suite, "redis GET, pipeline of 16", Unit::Nanos, "redis get 16 40000");
  add(suite, "nginx, 100 B", Unit::Nanos, "web small; per_request");
  add(suite, "nginx, 1 MiB", Unit::BytesPerSecond, "web large; per_nanosecond");
  add(suite, "nginx, a connection each", Unit::Nanos, "web small -H 'Connection: close'; per_request");
  add(suite, "iperf3, one stream", Unit::BytesPerSecond,
      "iperf3 -s -B 127.0.0.1 >/dev/null & until_listens 5201\n"
      "iperf3 -c 127.0.0.1 -t 1 -f k | awk '/receiver/ { for (i = 2; i <= NF; i++) if ($i ~ /bits/) print $(i - 1) * 125 / 1e9 "
      "}'");
}

}  // namespace lxnet::bench
