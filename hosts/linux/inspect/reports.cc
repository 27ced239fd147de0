#include "hosts/linux/inspect/reports.hh"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "hosts/linux/inspect/socket_list.hh"
#include "hosts/linux/process_status.hh"
#include "hosts/linux/supervisor.hh"

namespace lxnet::host {
namespace {

struct Process {
  uint64_t threads = 0, calls = 0;
  std::multimap<ino_t, int> sockets;  // the inode and the descriptor
};

std::multimap<ino_t, int> sockets_of(pid_t pid) {
  std::multimap<ino_t, int> sockets;
  std::string directory = absl::StrCat("/proc/", pid, "/fd");
  DIR* entries = ::opendir(directory.c_str());
  while (dirent* entry = entries == nullptr ? nullptr : ::readdir(entries)) {
    char target[64] = {};
    if (::readlinkat(::dirfd(entries), entry->d_name, target, sizeof target - 1) <= 0) continue;
    std::string_view text = target;
    if (text.starts_with("socket:[")) sockets.emplace(std::strtoul(target + 8, nullptr, 10), std::atoi(entry->d_name));
  }
  if (entries != nullptr) ::closedir(entries);
  return sockets;
}

std::map<pid_t, Process> processes_of(Supervisor& supervisor) {
  std::map<pid_t, Process> processes;
  supervisor.tasks().for_each([&](Task& task) {
    std::optional<ProcessStatus> status = read_process_status_at(task.status_fd());
    if (!status) return;
    Process& process = processes[status->tgid];
    process.threads++;
    process.calls += task.calls;
  });
  for (auto& [pid, process] : processes) process.sockets = sockets_of(pid);
  return processes;
}

std::string command_of(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/cmdline"));
  std::string text((std::istreambuf_iterator<char>(file)), {});
  while (!text.empty() && text.back() == '\0') text.pop_back();
  for (char& c : text) c = c == '\0' ? ' ' : c;
  return text;
}

std::string name_of(pid_t pid) {
  std::string name;
  std::getline(std::ifstream(absl::StrCat("/proc/", pid, "/comm")), name);
  return name;
}

}  // namespace

TextTable process_report(Supervisor& supervisor) {
  // Foreign AF_UNIX sockets are counted by nobody here: only what stands for a socket of ours.
  std::map<ino_t, bool> ours;
  supervisor.files().for_each([&](lxnet_file*, ino_t inode) { ours[inode] = true; });
  TextTable table({"PID", "THREADS", "SOCKETS", "CALLS", "COMMAND"});
  for (const auto& [pid, process] : processes_of(supervisor)) {
    uint64_t sockets = 0;
    for (const auto& [inode, fd] : process.sockets) sockets += ours.count(inode);
    table.add({static_cast<uint64_t>(pid), process.threads, sockets, process.calls, command_of(pid)});
  }
  return table;
}

TextTable socket_report(Supervisor& supervisor) {
  std::map<pid_t, Process> processes = processes_of(supervisor);
  TextTable table({"Netid", "State", "Recv-Q", "Send-Q", "Local Address:Port", "Peer Address:Port", "Process"});
  for (const SocketEntry& entry : list_sockets(supervisor.default_stack(), supervisor.files())) {
    std::string users;
    for (const auto& [pid, process] : processes) {
      if (entry.inode == 0) break;
      auto [first, last] = process.sockets.equal_range(entry.inode);
      for (auto held = first; held != last; ++held) {
        absl::StrAppend(&users, users.empty() ? "" : ",", "(\"", name_of(pid), "\",pid=", pid, ",fd=", held->second, ")");
      }
    }
    table.add({kind_name(entry.kind), state_name(entry.state), uint64_t{entry.receive_queue}, uint64_t{entry.send_queue},
               local_name(entry), remote_name(entry), users.empty() ? "" : absl::StrCat("users:(", users, ")")});
  }
  return table;
}

}  // namespace lxnet::host
