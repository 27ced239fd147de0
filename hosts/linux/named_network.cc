#include "hosts/linux/named_network.hh"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "hosts/linux/clock.hh"
#include "hosts/linux/event_loop.hh"
#include "hosts/linux/network_directory.hh"
#include "hosts/linux/network_server.hh"
#include "hosts/linux/process_tree.hh"
#include "hosts/linux/program.hh"
#include "hosts/linux/signal_relay.hh"

namespace lxnet::host {
namespace {

int complain(const std::string& message) {
  std::fprintf(stderr, "lxnet: %s\n", message.c_str());
  return kOwnFailure;
}

std::string ask(int socket, const std::string& request, int fd = -1) {
  return send_message(socket, request, fd) ? receive_message(socket) : "";
}

// The server is nobody's child that it serves, so it may look into them only where every process of a user may.
absl::Status check_may_look() {
  int scope = 0;
  std::ifstream("/proc/sys/kernel/yama/ptrace_scope") >> scope;
  if (scope == 0 || ::geteuid() == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "named networks need root, or kernel.yama.ptrace_scope = 0, because one process serves programs of several terminals");
}

absl::StatusOr<OwnedFd> join(const std::string& name, const RunOptions& options) {
  absl::StatusOr<OwnedFd> lock = lock_networks();
  if (!lock.ok()) return lock.status();
  absl::StatusOr<OwnedFd> socket = connect_network(name);
  if (socket.ok() || !absl::IsNotFound(socket.status())) return socket;
  absl::StatusOr<OwnedFd> listening = listen_network(name);
  if (!listening.ok()) return listening.status();
  // Twice, so that it is init's child and not ours.
  pid_t middle = ::fork();
  if (middle == 0) {
    lock->close();
    if (::fork() == 0) serve_network(name, std::move(*listening), options.log_level, options.serves_unix);
    ::_exit(0);
  }
  if (middle > 0) ::waitpid(middle, nullptr, 0);
  return connect_network(name);
}

// The server is gone when its socket says so.
class ServerWatch : public EventSource {
 public:
  ServerWatch(EventLoop& loop, int socket) { loop.add(socket, EPOLLRDHUP, this); }
  void on_event(uint32_t) override { has_ended_ = true; }
  bool has_ended() const { return has_ended_; }

 private:
  bool has_ended_ = false;
};

int run_joined(int socket, const RunOptions& options, const std::string& command, const std::function<int()>& body,
               const sigset_t& program_mask) {
  for (const auto& [key, value] : options.tunables) {
    std::string answer = ask(socket, absl::StrCat("sysctl ", key, " ", value));
    if (answer != "ok") return complain(absl::StrCat("--sysctl ", key, "=", value, ": ", answer));
  }
  if (!options.impairment.empty()) {
    std::string answer = ask(socket, absl::StrCat("impair ", options.impairment));
    if (answer != "ok") return complain(absl::StrCat("--impair: ", answer));
  }
  if (options.capture != nullptr) {
    std::string answer = ask(socket, "pcap", options.capture->get());
    if (answer != "ok") return complain(absl::StrCat("--pcap: ", answer));
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const FilterOptions filter = {.proc = options.proc,
                                .host_calls = options.host_calls,
                                .refuses_rings = options.refuses_rings,
                                .follows_landlock = options.follows_landlock};
  absl::StatusOr<Program> program = start_program(body, program_mask, filter);
  if (!program.ok()) return complain(std::string(program.status().message()));
  EventLoop loop;
  SignalRelay signals(loop, program->pid, [] {});
  std::string answer = ask(socket, absl::StrCat("run ", program->pid, " ", command), program->listener.get());
  program->listener.close();
  ServerWatch server(loop, socket);
  signals.reap();
  auto is_over = [&] { return options.waits_for_all ? !signals.has_children() : signals.has_ended(); };
  while (answer == "ok" && !is_over() && !server.has_ended()) loop.wait(kNever);
  kill_descendants([] { ::usleep(1000); });
  if (!is_over()) return complain("the network has ended");
  if (options.prints_statistics) std::fputs(ask(socket, "show").c_str(), stderr);
  return signals.program_status();
}

}  // namespace

int run_in_network(const std::string& name, const RunOptions& options, const std::string& command,
                   const std::function<int()>& body) {
  if (absl::Status status = check_may_look(); !status.ok()) return complain(std::string(status.message()));
  absl::StatusOr<OwnedFd> socket = join(name, options);
  if (!socket.ok()) return complain(std::string(socket.status().message()));
  sigset_t handled = relayed_signals(), before;
  ::sigprocmask(SIG_BLOCK, &handled, &before);
  int status = run_joined(socket->get(), options, command, body, before);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return status;
}

namespace {

int list_command() {
  absl::StatusOr<std::vector<std::string>> names = list_networks();
  if (!names.ok()) return complain(std::string(names.status().message()));
  for (const std::string& name : *names) std::printf("%s\n", name.c_str());
  return 0;
}

// A table that the network's server made.
int report_command(int socket, const std::string& request) {
  OwnedFd report;
  if (!send_message(socket, request, -1) || receive_message(socket, &report) != "ok" || !report.is_open()) {
    return complain("the network does not answer");
  }
  char text[4096];
  for (ssize_t size; (size = ::read(report.get(), text, sizeof text)) > 0;)
    std::fwrite(text, 1, static_cast<size_t>(size), stdout);
  return 0;
}

}  // namespace

int network_command(const std::string& verb, const std::string& name, TableFormat format) {
  if (verb == "list") return list_command();
  absl::StatusOr<OwnedFd> socket = connect_network(name);
  if (!socket.ok()) return complain(std::string(socket.status().message()));
  if (verb == "ps" || verb == "ss") return report_command(socket->get(), verb + (format == TableFormat::Json ? " json" : ""));
  std::string answer = ask(socket->get(), verb == "rm" ? "stop" : "show");
  if (verb == "show") std::fputs(answer.c_str(), stdout);
  return answer.empty() ? complain("the network does not answer") : 0;
}

}  // namespace lxnet::host
