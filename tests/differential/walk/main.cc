// walk: makes the calls of some seeds and prints what each answered. The same program runs on Linux and on lxnet;
// tests/differential compares the two logs.
//
//   walk FIRST LAST [--steps N] [--unix] [--unix-alone] [--epoll] [--wide] [--packet] [--rights] [--shared] [--netlink]
//   [--missing LEVEL:NAME,...] [--only I,J,...] [--c]
//
// Each seed runs in a process and a network namespace of its own. --only leaves out every other step; --c prints the sequence as
// a C program instead of running it.
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include "tests/differential/own_network.hh"
#include "tests/differential/walk/print_c.hh"
#include "tests/differential/walk/runner.hh"
#include "tests/differential/walk/sharing.hh"

namespace {

constexpr int kLongestSeconds = 60;

struct Options {
  walk::Plan plan;
  uint64_t first = 1, last = 1;
  std::set<int> only;
  bool as_c = false;
};

void put(const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t size = write(STDOUT_FILENO, text.data() + done, text.size() - done);
    if (size <= 0) _exit(3);
    done += static_cast<size_t>(size);
  }
}

std::vector<std::pair<int, walk::Operation>> steps_of(const Options& options) {
  std::vector<std::pair<int, walk::Operation>> steps;
  int index = 0;
  for (walk::Operation& operation : walk::generate(options.plan)) {
    if (options.only.empty() || options.only.contains(index)) steps.emplace_back(index, std::move(operation));
    ++index;
  }
  return steps;
}

// Of echo sockets, which would look like the protocols of raw ones.
void pass_small_identifiers() {
  for (int i = 0; i < 256; ++i) {
    const int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) perror("connect");
    close(fd);
  }
}

[[noreturn]] void run_seed(const Options& options, const char* directory) {
  if (!differential::enter_own_network()) {
    put("no namespace\n");
    _exit(2);
  }
  if (chdir(directory) != 0) _exit(2);
  differential::want_stamps();
  if (!options.plan.is_unix_alone) pass_small_identifiers();
  std::string log;
  walk::Runner runner(log);
  const auto flush = [&log] {
    put(log);
    log.clear();
  };
  walk::Sharing sharing;
  for (const auto& step : steps_of(options)) {
    const auto& [index, operation] = step;
    if (operation.number == walk::kFork) {
      sharing.fork(flush);
    } else if (operation.number == walk::kLeave) {
      sharing.leave(flush);
      runner.note_leaving(index);
    } else {
      sharing.take_turn(
          operation.is_childs, [&] { runner.run(step.first, step.second); }, flush);
    }
    if (log.size() > 32'000) flush();
  }
  sharing.leave(flush);
  flush();
  _exit(0);
}

// The child's status; a child that takes too long is killed.
int wait_for(pid_t child) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  const timespec limit{kLongestSeconds, 0};
  sigtimedwait(&set, nullptr, &limit);
  int status = 0;
  if (waitpid(child, &status, WNOHANG) == 0) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
  }
  return status;
}

Options parse(int argc, char** argv) {
  Options options;
  if (argc < 3) {
    fprintf(stderr,
            "walk FIRST LAST [--steps N] [--unix] [--unix-alone] [--epoll] [--wide] [--packet] [--rights] [--shared] [--netlink] "
            "[--missing LEVEL:NAME,...] [--only I,J,...] [--c]\n");
    exit(2);
  }
  options.first = strtoull(argv[1], nullptr, 10);
  options.last = strtoull(argv[2], nullptr, 10);
  for (int i = 3; i < argc; ++i) {
    const std::string word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (word == "--unix") options.plan.with_unix = true;
    if (word == "--unix-alone") options.plan.is_unix_alone = true;
    if (word == "--wide") options.plan.is_wide = true;
    if (word == "--rights") options.plan.is_rights = options.plan.is_unix_alone = true;
    if (word == "--shared") options.plan.is_shared = options.plan.with_unix = true;
    if (word == "--netlink") options.plan.is_netlink = options.plan.with_unix = true;
    if (word == "--packet") options.plan.is_packet = true;
    if (word == "--epoll") options.plan.with_epoll = true;
    if (word == "--c") options.as_c = true;
    if (word == "--steps") options.plan.steps = atoi(value);
    for (const char* at = value; word == "--only" && *at != 0; at += strcspn(at, ","), at += *at == ',') {
      options.only.insert(atoi(at));
    }
    for (const char* at = value; word == "--missing" && *at != 0; at += strcspn(at, ","), at += *at == ',') {
      const char* colon = strchr(at, ':');
      if (colon != nullptr) options.plan.missing.push_back(walk::option_key(atoi(at), atoi(colon + 1)));
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  Options options = parse(argc, argv);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  differential::want_stamps();
  usleep(30'000);
  for (options.plan.seed = options.first; options.plan.seed <= options.last; ++options.plan.seed) {
    if (options.as_c) {
      put(walk::c_program(steps_of(options)));
      continue;
    }
    std::string head;
    walk::print(head, "== seed %llu\n", static_cast<unsigned long long>(options.plan.seed));
    put(head);
    // For the paths of AF_UNIX sockets.
    char directory[] = "/tmp/walk-XXXXXX";
    if (mkdtemp(directory) == nullptr) return 2;
    const pid_t child = fork();
    if (child == 0) {
      sigprocmask(SIG_UNBLOCK, &set, nullptr);
      run_seed(options, directory);
    }
    const int status = wait_for(child);
    for (const char* name : {"/p0", "/p1", "/p2"}) unlink((std::string(directory) + name).c_str());
    rmdir(directory);
    if (status != 0) {
      std::string foot;
      walk::print(foot, "== ended with status %x\n", static_cast<unsigned>(status));
      put(foot);
    }
  }
  return 0;
}
