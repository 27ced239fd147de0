// lxnet-run: the command line of `lxnet run`.

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "hal/hal.h"
#include "hosts/linux/named_network.hh"
#include "hosts/linux/process_tree.hh"
#include "hosts/linux/program.hh"
#include "hosts/linux/run.hh"

namespace {

using lxnet::host::RunOptions;

constexpr char kHelp[] =
    "usage: lxnet run [options] [--] program [argument...]\n"
    "\n"
    "Runs an unmodified program on a network of its own: its network calls are answered by lxnet instead of the kernel.\n"
    "The network is a loopback interface, `lo`, with 127.0.0.1 and ::1.\n"
    "\n"
    "  --net NAME            join the network of that name, which several runs share; the first one makes it, the last ends it\n"
    "  --sysctl NAME=VALUE   set a tunable of the network first, as net.ipv4.ip_default_ttl=32; may be repeated\n"
    "  --strace FILE         also write the program's system calls and lxnet's answers to FILE, with strace\n"
    "  --unix                serve AF_UNIX sockets too; the program then reaches none of the host's by path. With --net, as the\n"
    "                        run that made the network said\n"
    "  --wait-all            stay until the last process of the program has ended; without it, what the program leaves\n"
    "                        behind is killed when it ends\n"
    "  --stats               at the end, print how many calls were served\n"
    "  -v                    say what is left to the host kernel; twice for more\n"
    "  -h, --help            this text\n"
    "\n"
    "Exits as the program does: with its status, or 128 and the number of the signal that killed it.\n"
    "125: lxnet itself failed; 126: the program cannot be started; 127: there is no such program.\n";

struct Parsed {
  RunOptions options;
  std::string strace_file;
  std::string network;
  int first_argument = 0;  // of the program
  int exit_status = -1;    // when there is nothing to run
};

int complain(const std::string& message) {
  std::fprintf(stderr, "lxnet run: %s\nTry 'lxnet run --help'.\n", message.c_str());
  return lxnet::host::kOwnFailure;
}

// The value of "--name VALUE" or "--name=VALUE"; null when argv[i] is another option. Advances i past it.
const char* option_value(const char* name, int argc, char** argv, int& i, Parsed& parsed) {
  std::string_view argument = argv[i];
  size_t length = std::strlen(name);
  if (!argument.starts_with(name)) return nullptr;
  if (argument.size() > length) return argument[length] == '=' ? argv[i] + length + 1 : nullptr;
  if (i + 1 < argc) return argv[++i];
  parsed.exit_status = complain(std::string(name) + " needs a value");
  return "";
}

bool add_tunable(std::string_view text, Parsed& parsed) {
  size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) return false;
  parsed.options.tunables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  return true;
}

void parse_option(int argc, char** argv, int& i, Parsed& parsed) {
  std::string_view argument = argv[i];
  if (argument == "-h" || argument == "--help") {
    std::fputs(kHelp, stdout);
    parsed.exit_status = 0;
  } else if (argument == "-v") {
    parsed.options.log_level = std::min(parsed.options.log_level + 1, int{LXNET_LOG_DEBUG});
  } else if (argument == "-vv") {
    parsed.options.log_level = LXNET_LOG_DEBUG;
  } else if (argument == "--wait-all") {
    parsed.options.waits_for_all = true;
  } else if (argument == "--unix") {
    parsed.options.serves_unix = true;
  } else if (argument == "--stats") {
    parsed.options.prints_statistics = true;
  } else if (const char* tunable = option_value("--sysctl", argc, argv, i, parsed)) {
    if (parsed.exit_status < 0 && !add_tunable(tunable, parsed)) {
      parsed.exit_status = complain(std::string("--sysctl wants NAME=VALUE, not '") + tunable + "'");
    }
  } else if (const char* file = option_value("--strace", argc, argv, i, parsed)) {
    parsed.strace_file = file;
    if (parsed.exit_status < 0 && *file == '\0') parsed.exit_status = complain("--strace needs a file name");
  } else if (const char* network = option_value("--net", argc, argv, i, parsed)) {
    parsed.network = network;
    if (parsed.exit_status < 0 && parsed.network.empty()) parsed.exit_status = complain("--net needs a name");
  } else {
    parsed.exit_status = complain("unknown option '" + std::string(argument) + "'");
  }
}

Parsed parse(int argc, char** argv) {
  Parsed parsed;
  parsed.options.log_level = LXNET_LOG_WARNING;
  int i = 1;
  for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0' && parsed.exit_status < 0; i++) {
    if (std::strcmp(argv[i], "--") == 0) {
      i++;
      break;
    }
    parse_option(argc, argv, i, parsed);
  }
  parsed.first_argument = i;
  if (parsed.exit_status < 0 && i >= argc) parsed.exit_status = complain("which program?");
  return parsed;
}

}  // namespace

int main(int argc, char** argv) {
  // `lxnet net`; not for users, who have that command.
  if (argc > 1 && std::strcmp(argv[1], "--networks") == 0) return lxnet::host::network_command({argv + 2, argv + argc});
  Parsed parsed = parse(argc, argv);
  if (parsed.exit_status >= 0) return parsed.exit_status;
  std::vector<char*> arguments;
  if (!parsed.strace_file.empty()) {
    // strace runs inside, as the program's parent: it prints the answers that the supervisor gave, and exits as the program does.
    static char strace[] = "strace", follow[] = "-f", output[] = "-o", end[] = "--";
    arguments = {strace, follow, output, parsed.strace_file.data(), end};
  }
  arguments.insert(arguments.end(), argv + parsed.first_argument, argv + argc);
  arguments.push_back(nullptr);
  auto body = [&] { return lxnet::host::exec_program(arguments.data()); };
  if (parsed.network.empty()) return lxnet::host::run_supervised(parsed.options, body);
  std::string command;
  for (int i = parsed.first_argument; i < argc; i++) command += (command.empty() ? "" : " ") + std::string(argv[i]);
  return lxnet::host::run_in_network(parsed.network, parsed.options, command, body);
}
