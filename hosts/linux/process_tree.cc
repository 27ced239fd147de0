#include "hosts/linux/process_tree.hh"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace lxnet::host {

int shell_status(int wait_status) { return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status); }

bool is_descendant(pid_t pid) {
  while (pid > 1) {
    std::FILE* file = std::fopen(absl::StrCat("/proc/", pid, "/stat").c_str(), "re");
    if (file == nullptr) return false;
    char text[128] = {};  // the number, a name of at most 64 characters in brackets, the state, the parent
    const size_t size = std::fread(text, 1, sizeof text - 1, file);
    std::fclose(file);
    const char* name_end = ::strrchr(text, ')');
    if (size == 0 || name_end == nullptr || std::sscanf(name_end, ") %*c %d", &pid) != 1) return false;
    if (pid == ::getpid()) return true;
  }
  return false;
}

bool kill_children() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  // The children of a child that dies become ours: the next round finds them.
  std::FILE* children = std::fopen(absl::StrCat("/proc/self/task/", ::getpid(), "/children").c_str(), "re");
  if (children == nullptr) return ::waitpid(-1, nullptr, 0) > 0;
  bool found = false;
  for (int pid; std::fscanf(children, "%d", &pid) == 1;) {
    ::kill(pid, SIGKILL);
    found = true;
  }
  std::fclose(children);
  return found;
}

}  // namespace lxnet::host
