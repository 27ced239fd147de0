#include "trace_diff/traced_run.hh"
#include "trace_diff/text.hh"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "absl/status/status.h"

namespace lxnet::trace {

const char kDefaultCalls[] =
    "%network,read,write,readv,writev,pread64,pwrite64,preadv,pwritev,preadv2,pwritev2,sendfile,splice,tee,vmsplice,close,close_"
    "range,"
    "dup,dup2,dup3,fcntl,ioctl,fstat,pipe,pipe2,eventfd,eventfd2,timerfd_create,timerfd_settime,signalfd,signalfd4,"
    "poll,ppoll,select,pselect6,epoll_create,epoll_create1,epoll_ctl,epoll_wait,epoll_pwait,epoll_pwait2,"
    "fork,vfork,clone,clone3,execve,execveat,exit,exit_group,wait4,waitid,kill,tgkill,pidfd_open,pidfd_getfd,unshare,setns";

namespace {

constexpr int kCannotStart = 125;  // as lxnet run says of itself

// A fresh namespace's lo is down.
bool raise_loopback() {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  bool is_up = ioctl(fd, SIOCGIFFLAGS, &request) == 0;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  is_up = is_up && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  close(fd);
  return is_up;
}

void write_whole(const char* path, const std::string& text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, text.data(), text.size()) < 0) perror(path);
  close(fd);
}

// The user keeps their own number inside, so that the program sees who it is.
bool enter_network_namespace() {
  uid_t user = geteuid();
  gid_t group = getegid();
  if (unshare(CLONE_NEWNET) != 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
    write_whole("/proc/self/setgroups", "deny");
    write_whole("/proc/self/uid_map", cat(user, " ", user, " 1"));
    write_whole("/proc/self/gid_map", cat(group, " ", group, " 1"));
  }
  return raise_loopback();
}

void redirect_output(const std::string& trace_file) {
  std::string file = trace_file + ".out";
  int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  int none = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (fd < 0 || none < 0) return;
  dup2(none, STDIN_FILENO);
  dup2(fd, STDOUT_FILENO);
  dup2(fd, STDERR_FILENO);
}

std::vector<std::string> strace_command(const RunSettings& settings, const std::string& trace_file) {
  std::vector<std::string> words{"strace", "-f", "-q", "-ttt", "-T", "-s", cat(settings.string_limit)};
  words.insert(words.end(), {"-e", cat("trace=", settings.calls), "-o", trace_file, "--"});
  words.insert(words.end(), settings.program.begin(), settings.program.end());
  return words;
}

absl::StatusOr<int> run(const std::vector<std::string>& words, const RunSettings& settings, const std::string& trace_file,
                        bool in_namespace) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = fork();
  if (child < 0) return absl::ErrnoToStatus(errno, "fork");
  if (child == 0) {
    if (in_namespace && !enter_network_namespace()) {
      fprintf(stderr, "lxnet diff: cannot make a network namespace: %s\n", strerror(errno));
      _exit(kCannotStart);
    }
    if (!settings.shows_output) redirect_output(trace_file);
    execvp(arguments[0], arguments.data());
    fprintf(stderr, "lxnet diff: %s: %s\n", arguments[0], strerror(errno));
    _exit(kCannotStart);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return absl::ErrnoToStatus(errno, "waitpid");
  }
  int result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (access(trace_file.c_str(), R_OK) != 0) {
    return absl::FailedPreconditionError(cat("the program could not be traced (exit status ", result, ")",
                                             settings.shows_output ? "" : "; what was printed is in ",
                                             settings.shows_output ? "" : trace_file + ".out"));
  }
  return result;
}

}  // namespace

absl::StatusOr<int> run_on_linux(const RunSettings& settings, const std::string& trace_file) {
  return run(strace_command(settings, trace_file), settings, trace_file, true);
}

absl::StatusOr<int> run_on_lxnet(const RunSettings& settings, const std::string& trace_file) {
  std::vector<std::string> words{settings.lxnet_run};
  words.insert(words.end(), settings.run_options.begin(), settings.run_options.end());
  words.push_back("--");
  for (std::string& word : strace_command(settings, trace_file)) words.push_back(std::move(word));
  return run(words, settings, trace_file, false);
}

}  // namespace lxnet::trace
