#include "hosts/linux/network_server.hh"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "hosts/linux/clock.hh"
#include "hosts/linux/inspect/reports.hh"
#include "hosts/linux/network_directory.hh"
#include "hosts/linux/network_link.hh"
#include "hosts/linux/process_tree.hh"
#include "hosts/linux/supervisor.hh"
#include "hosts/linux/tunable_error.hh"

namespace lxnet::host {
namespace {

class Server;

// One `lxnet run`, or somebody who asks.
class Client : public EventSource {
 public:
  Client(Server& server, OwnedFd socket);
  ~Client() override;
  void on_event(uint32_t events) override;

  std::string command;  // of its program, if it brought one
  bool has_left = false;

 private:
  // What is long goes into a file.
  std::string answer(const std::string& request, OwnedFd passed, OwnedFd& file);
  std::string set_tunable(const std::string& assignment);

  Server& server_;
  OwnedFd socket_;
  Listener* listener_ = nullptr;
};

class Server : public EventSource {
 public:
  Server(std::string name, OwnedFd listening, int log_level)
      : supervisor(log_level), name_(std::move(name)), listening_(std::move(listening)) {
    supervisor.loop().add(listening_.get(), EPOLLIN, this);
  }
  ~Server() override { supervisor.loop().remove(listening_.get(), this); }

  void on_event(uint32_t) override {
    OwnedFd socket(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (socket.is_open()) clients_.push_back(std::make_unique<Client>(*this, std::move(socket)));
  }

  // Until the last client has left, and nobody can be on the way.
  void run() {
    do {
      supervisor.turn(kNever);
      if (link) link->flush();
      std::erase_if(clients_, [](const auto& client) { return client->has_left; });
    } while (!must_stop && !(clients_.empty() && has_retired()));
    if (must_stop) stop();
  }

  std::string show() const {
    std::string text;
    for (const auto& client : clients_) {
      if (!client->command.empty()) absl::StrAppend(&text, "program  ", client->command, "\n");
    }
    const Statistics& counts = supervisor.statistics();
    LinkCounts sent = link->counts();
    return absl::StrCat(text, "sockets  ", supervisor.socket_count(), "\nserved   ", counts.served, "\nnative   ",
                        counts.continued, "\npackets  ", sent.packets, "\nbytes    ", sent.bytes, "\nlost     ", sent.lost, "\n");
  }

  Supervisor supervisor;
  std::optional<NetworkLink> link;  // once there is a stack
  bool must_stop = false;

 private:
  // The runs see their connection end and kill what is theirs; until then nobody's call may fail.
  void stop() {
    remove_network(name_);
    clients_.clear();
    for (int64_t limit = now_nanos() + 2 * kSecond; supervisor.has_programs() && now_nanos() < limit;) {
      supervisor.turn(now_nanos() + 10 * kMillisecond);
    }
  }

  bool has_retired() {
    absl::StatusOr<OwnedFd> lock = lock_networks();
    OwnedFd late(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (late.is_open()) {
      clients_.push_back(std::make_unique<Client>(*this, std::move(late)));
      return false;
    }
    remove_network(name_);
    return true;
  }

  std::string name_;
  OwnedFd listening_;
  std::vector<std::unique_ptr<Client>> clients_;
};

Client::Client(Server& server, OwnedFd socket) : server_(server), socket_(std::move(socket)) {
  server_.supervisor.loop().add(socket_.get(), EPOLLIN | EPOLLRDHUP, this);
}

Client::~Client() { server_.supervisor.loop().remove(socket_.get(), this); }

void Client::on_event(uint32_t) {
  if (has_left) return;
  OwnedFd passed, file;
  std::string request = receive_message(socket_.get(), &passed);
  std::string text = request.empty() ? "" : answer(request, std::move(passed), file);
  if (request.empty() || !send_message(socket_.get(), text, file.get())) {
    has_left = true;
    if (listener_ != nullptr) server_.supervisor.kill_programs_of(*listener_);
  }
}

std::string ok_or(const std::string& wrong) { return wrong.empty() ? "ok" : wrong; }

OwnedFd file_of(const std::string& text) {
  OwnedFd file(::memfd_create("lxnet-report", MFD_CLOEXEC));
  for (size_t at = 0; file.is_open() && at < text.size();) {
    ssize_t done = ::write(file.get(), text.data() + at, text.size() - at);
    if (done <= 0) return OwnedFd();
    at += static_cast<size_t>(done);
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::string Client::answer(const std::string& request, OwnedFd passed, OwnedFd& file) {
  size_t space = request.find(' ');
  std::string verb = request.substr(0, space), rest = space == std::string::npos ? "" : request.substr(space + 1);
  if (verb == "run" && passed.is_open() && listener_ == nullptr) {
    command = rest;
    listener_ = server_.supervisor.add_listener(std::move(passed));
    return "ok";
  }
  if (verb == "sysctl") return set_tunable(rest);
  if (verb == "impair") return ok_or(server_.link->impair(rest));
  if (verb == "pcap" && passed.is_open()) return ok_or(server_.link->capture(std::move(passed)));
  if (verb == "show") return server_.show();
  if (verb == "ps" || verb == "ss") {
    TextTable table = verb == "ps" ? process_report(server_.supervisor) : socket_report(server_.supervisor);
    file = file_of(table.print(rest == "json" ? TableFormat::Json : TableFormat::Text));
    return file.is_open() ? "ok" : "no memory";
  }
  if (verb == "stop") {
    server_.must_stop = true;
    return "ok";
  }
  return "not understood";
}

std::string Client::set_tunable(const std::string& assignment) {
  size_t space = assignment.find(' ');
  if (space == std::string::npos) return "not understood";
  int error = lxnet_tunable_set(server_.supervisor.default_stack(), assignment.substr(0, space).c_str(),
                                assignment.substr(space + 1).c_str());
  return error < 0 ? tunable_error(error) : "ok";
}

}  // namespace

void serve_network(const std::string& name, OwnedFd listening, int log_level, bool serves_unix) {
  ::setsid();
  ::prctl(PR_SET_NAME, "lxnet-network");
  // Nobody's terminal and nobody's pipe.
  int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; fd++) ::dup2(nowhere, fd);
  // Its own end is told through "stop"; the programs' signals are their runs' business.
  for (int signal : {SIGINT, SIGQUIT, SIGHUP, SIGPIPE}) ::signal(signal, SIG_IGN);
  Server server(name, std::move(listening), log_level);
  server.supervisor.raise_descriptor_limit();
  if (!server.supervisor.create_stack(serves_unix).ok()) ::_exit(kOwnFailure);
  server.link.emplace(server.supervisor.default_stack());
  server.run();
  ::_exit(0);
}

}  // namespace lxnet::host
