#include "hosts/linux/command_line.hh"

#include <errno.h>
#include <fcntl.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "hal/hal.h"
#include "hosts/linux/named_network.hh"
#include "hosts/linux/network_directory.hh"
#include "hosts/linux/network_link.hh"
#include "hosts/linux/process_tree.hh"
#include "hosts/linux/program.hh"

namespace lxnet::host {
namespace {

constexpr char kRunHelp[] =
    "usage: lxnet run [option...] [--] program [argument...]\n"
    "\n"
    "Runs an unmodified program on a network of its own: its network calls are answered by lxnet instead of the kernel.\n"
    "The network is a loopback interface, `lo`, with 127.0.0.1 and ::1.\n"
    "\n"
    "  --net NAME            join the network of that name, which several runs share; the first one makes it, the last ends it\n"
    "  --sysctl NAME=VALUE   set a tunable of the network first, as net.ipv4.ip_default_ttl=32; may be repeated\n"
    "  --impair SETTINGS     make the network a bad one: \"delay=20ms jitter=2ms loss=1% rate=10mbit reorder=0.5%\n"
    "                        duplicate=0.1% corrupt=0.01% limit=1000 seed=7\"\n"
    "  --pcap FILE           write every packet of the network to FILE, as pcapng\n"
    "  --strace FILE         write the calls that lxnet answers to FILE, in strace's form. All calls: lxnet run -- strace -f "
    "...\n"
    "  --unix                serve AF_UNIX sockets too; the program then reaches none of the host's by path. With --net, as the\n"
    "                        run that made the network said\n"
    "  --host-proc           let the program see the host kernel's /proc/net, /proc/sys/net and /proc/crypto; open() is faster "
    "by it\n"
    "  --no-io-uring         refuse io_uring (ENOSYS); without it rings serve the program's sockets too, but for SQPOLL and a "
    "few\n"
    "                        other things: see lxnet(1)\n"
    "  --landlock            let the program confine itself by Landlock, at lxnet's sockets too; without it Landlock is off\n"
    "                        (EOPNOTSUPP). A signal may then interrupt fork() (EINTR) where its handler does not restart calls\n"
    "  --host-calls NAMES    leave io_uring, userfaultfd or both (with a comma) to the host kernel alone. A ring's operations "
    "on\n"
    "                        sockets do not reach lxnet then, and its network stands still for all while a call waits for\n"
    "                        memory that userfaultfd keeps back\n"
    "  --wait-all            stay until the last process of the program has ended; without it, what the program leaves\n"
    "                        behind is killed when it ends\n"
    "  --stats               at the end, print how many calls were served and how many packets were sent\n"
    "  -v                    say what is left to the host kernel; twice for more\n"
    "  -h, --help            this text\n"
    "\n"
    "Exits as the program does: with its status, or 128 and the number of the signal that killed it.\n"
    "125: lxnet itself failed; 126: the program cannot be started; 127: there is no such program.\n";

constexpr char kHelp[] =
    "usage: lxnet run [option...] [--] program [argument...]\n"
    "       lxnet net list | show NAME | rm NAME\n"
    "       lxnet ps [NAME] [--json]    the programs on a named network\n"
    "       lxnet ss [NAME] [--json]    its sockets\n"
    "\n"
    "lxnet run --help lists the options of a run. See lxnet(1).\n";

int complain(const std::string& message, const char* command = "run") {
  std::fprintf(stderr, "lxnet %s: %s\nTry 'lxnet %s --help'.\n", command, message.c_str(), command);
  return kOwnFailure;
}

class RunParser {
 public:
  explicit RunParser(const std::vector<std::string>& words) : words_(words) {}

  RunCommand parse() {
    command_.options.log_level = LXNET_LOG_WARNING;
    for (; at_ < words_.size() && !is_over(); at_++) {
      const std::string& word = words_[at_];
      if (word == "--") {
        at_++;
        break;
      }
      if (word.size() < 2 || word[0] != '-') break;
      parse_option(word);
    }
    if (is_over()) return std::move(command_);
    command_.program.assign(words_.begin() + static_cast<ptrdiff_t>(at_), words_.end());
    if (command_.program.empty()) fail("which program?");
    if (!command_.network.empty() && command_.options.call_log != nullptr) {
      fail(
          "--strace needs a network of its own; with --net run strace inside: lxnet run --net NAME -- strace -f -o FILE PROGRAM");
    }
    return std::move(command_);
  }

 private:
  bool is_over() const { return command_.exit_status >= 0; }
  void fail(const std::string& message) { command_.exit_status = complain(message); }

  void parse_option(const std::string& word) {
    RunOptions& options = command_.options;
    if (word == "-h" || word == "--help") {
      std::fputs(kRunHelp, stdout);
      command_.exit_status = 0;
    } else if (word == "-v" || word == "-vv") {
      options.log_level = std::min(options.log_level + static_cast<int>(word.size()) - 1, int{LXNET_LOG_DEBUG});
    } else if (word == "--wait-all") {
      options.waits_for_all = true;
    } else if (word == "--unix") {
      options.serves_unix = true;
    } else if (word == "--host-proc") {
      options.proc = ProcView::OfTheHost;
    } else if (word == "--no-io-uring") {
      options.refuses_rings = true;
    } else if (word == "--landlock") {
      options.follows_landlock = true;
    } else if (word == "--stats") {
      options.prints_statistics = true;
    } else {
      parse_option_with_value(word);
    }
  }

  void parse_option_with_value(const std::string& word) {
    static constexpr struct {
      const char* name;
      void (RunParser::*set)(const std::string& value);
    } kOptions[] = {
        {"--sysctl", &RunParser::add_tunable},    {"--strace", &RunParser::set_strace},
        {"--net", &RunParser::set_network},       {"--pcap", &RunParser::set_capture},
        {"--impair", &RunParser::set_impairment}, {"--host-calls", &RunParser::set_host_calls},
    };
    std::string name = word.substr(0, word.find('='));
    for (const auto& option : kOptions) {
      if (name != option.name) continue;
      if (name.size() < word.size()) return (this->*option.set)(word.substr(name.size() + 1));
      if (at_ + 1 == words_.size()) return fail(name + " needs a value");
      return (this->*option.set)(words_[++at_]);
    }
    fail("unknown option '" + word + "'");
  }

  static std::shared_ptr<OwnedFd> create(const std::string& path) {
    OwnedFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    return file.is_open() ? std::make_shared<OwnedFd>(std::move(file)) : nullptr;
  }
  void add_tunable(const std::string& value) {
    size_t equals = value.find('=');
    if (equals == std::string::npos || equals == 0) return fail("--sysctl wants NAME=VALUE, not '" + value + "'");
    command_.options.tunables.emplace_back(value.substr(0, equals), value.substr(equals + 1));
  }
  void set_strace(const std::string& value) {
    if (value.empty()) return fail("--strace needs a file name");
    command_.options.call_log = create(value);
    if (command_.options.call_log == nullptr) fail("--strace " + value + ": " + std::strerror(errno));
  }
  void set_network(const std::string& value) {
    if (absl::Status status = check_network_name(value); !status.ok()) return fail("--net: " + std::string(status.message()));
    command_.network = value;
  }
  void set_capture(const std::string& value) {
    command_.options.capture = create(value);
    if (command_.options.capture == nullptr) fail("--pcap " + value + ": " + std::strerror(errno));
  }
  void set_host_calls(const std::string& value) {
    command_.options.host_calls = absl::StrSplit(value, ',');
    for (const std::string& name : command_.options.host_calls) {
      if (std::find(std::begin(kRefusable), std::end(kRefusable), name) != std::end(kRefusable)) continue;
      return fail("--host-calls wants io_uring or userfaultfd, not '" + name + "'");
    }
  }
  void set_impairment(const std::string& value) {
    std::string wrong = NetworkLink::check_impairment(value);
    if (!wrong.empty()) return fail("--impair '" + value + "': " + wrong);
    command_.options.impairment = value;
  }

  const std::vector<std::string>& words_;
  size_t at_ = 0;
  RunCommand command_;
};

// The network that is meant when none is named: the only one there is.
int ask_network(const std::string& verb, const std::vector<std::string>& words) {
  TableFormat format = TableFormat::Text;
  std::string name;
  for (const std::string& word : words) {
    if (word == "--json") {
      format = TableFormat::Json;
    } else if (word == "-h" || word == "--help") {
      std::fputs(kHelp, stdout);
      return 0;
    } else if (word.starts_with("-")) {
      return complain("unknown option '" + word + "'", verb.c_str());
    } else if (!name.empty()) {
      return complain("one network at a time", verb.c_str());
    } else {
      name = word;
    }
  }
  if (!name.empty()) return network_command(verb, name, format);
  absl::StatusOr<std::vector<std::string>> names = list_networks();
  if (!names.ok()) return complain(std::string(names.status().message()), verb.c_str());
  if (names->size() == 1) return network_command(verb, names->front(), format);
  return complain(names->empty() ? "there is no network" : "which network? lxnet net list names them", verb.c_str());
}

int net_command(const std::vector<std::string>& words) {
  if (words.size() == 1 && words[0] == "list") return network_command("list");
  if (words.size() == 2 && (words[0] == "show" || words[0] == "rm")) return network_command(words[0], words[1]);
  bool wants_help = words.size() == 1 && (words[0] == "-h" || words[0] == "--help");
  std::fputs("usage: lxnet net list | show NAME | rm NAME\n", wants_help ? stdout : stderr);
  return wants_help ? 0 : kOwnFailure;
}

}  // namespace

RunCommand parse_run(const std::vector<std::string>& words) { return RunParser(words).parse(); }

int run_command(const std::vector<std::string>& words) {
  RunCommand command = parse_run(words);
  if (command.exit_status >= 0) return command.exit_status;
  std::vector<char*> arguments;
  for (std::string& word : command.program) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  auto body = [&] { return exec_program(arguments.data()); };
  if (command.network.empty()) return run_supervised(command.options, body);
  std::string line;
  for (const std::string& word : command.program) absl::StrAppend(&line, line.empty() ? "" : " ", word);
  return run_in_network(command.network, command.options, line, body);
}

int command_main(const std::vector<std::string>& words) {
  std::string command = words.empty() ? "" : words.front();
  std::vector<std::string> rest(words.begin() + (words.empty() ? 0 : 1), words.end());
  if (command == "run") return run_command(rest);
  if (command == "net") return net_command(rest);
  if (command == "ps" || command == "ss") return ask_network(command, rest);
  bool wants_help = command == "-h" || command == "--help" || command == "help";
  std::fputs(kHelp, wants_help ? stdout : stderr);
  return wants_help ? 0 : kOwnFailure;
}

}  // namespace lxnet::host
