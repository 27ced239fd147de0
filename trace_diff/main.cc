// lxnet-diff: the command line of `lxnet diff`.

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "trace_diff/comparison.hh"
#include "trace_diff/report.hh"
#include "trace_diff/text.hh"
#include "trace_diff/traced_run.hh"

namespace {

using namespace lxnet::trace;
namespace fs = std::filesystem;

constexpr int kSame = 0, kDivergent = 1, kFailed = 2;

constexpr char kHelp[] =
    "usage: lxnet diff [options] -- program [argument...]\n"
    "       lxnet diff [options] --traces LINUX LXNET\n"
    "\n"
    "Runs a program twice under strace, in a fresh network namespace of Linux and on lxnet, and compares its system calls one by "
    "one.\n"
    "With --traces it compares two logs of strace's, from anywhere: files, or prefixes of the files that strace -ff writes.\n"
    "\n"
    "  --marker TEXT       in the log LXNET only what stands behind TEXT counts: a console has other lines too\n"
    "  --json FILE         also write totals and one row per divergence\n"
    "  --html FILE         also write a page that needs nothing else: timeline, filters, times\n"
    "  --rules FILE        more rules of what values mean; may be repeated. --print-rules prints the built-in ones and their "
    "form\n"
    "  --known FILE        differences that are known, with reasons: counted apart; may be repeated. A line: CALL CLASS LINUX "
    "LXNET : reason; * stands for any text, _ for a space, and CALL may show arguments: getsockopt(*TCP_INFO*\n"
    "  --calls SET         what is traced, in strace's words (-e trace=SET)\n"
    "  --run-option WORD   an option for lxnet run, as --run-option=--unix; may be repeated\n"
    "  --most N            print so many divergences; 0 for all (default 20)\n"
    "  --context N         calls printed before and after each (default 3)\n"
    "  --explained         print the known differences too\n"
    "  --times             print the mean time of each call\n"
    "  --output            let the program's own output through, of both runs; otherwise it is kept beside the traces\n"
    "  --keep DIRECTORY    keep the traces there\n"
    "  --color WHEN        always, never or auto\n"
    "  -q, --quiet         print nothing but errors\n"
    "  -h, --help          this text\n"
    "\n"
    "Exits with 0 when nothing diverges, 1 when something does, 2 when it could not be compared.\n";

struct Settings {
  RunSettings run;
  TextOptions text;
  std::vector<std::string> rules, known;
  std::string linux_trace, lxnet_trace, marker, json, html, keep;
  bool is_quiet = false, wants_traces = false;
};

[[noreturn]] void complain(std::string_view message) {
  fprintf(stderr, "lxnet diff: %.*s\nTry 'lxnet diff --help'.\n", static_cast<int>(message.size()), message.data());
  exit(kFailed);
}

[[noreturn]] void fail(std::string_view message) {
  fprintf(stderr, "lxnet diff: %.*s\n", static_cast<int>(message.size()), message.data());
  exit(kFailed);
}

// The words of the command line, with --name=value taken apart.
class Words {
 public:
  Words(int argc, char** argv) : words_(argv + 1, argv + argc) {}
  bool is_empty() const { return next_ == words_.size(); }
  std::string take() { return words_[next_++]; }
  // The option itself; its value, when it is written behind `=`, is kept for value().
  std::string take_option() {
    std::string word = take();
    size_t equals = word.find('=');
    has_value_ = word.starts_with("--") && equals != word.npos;
    if (has_value_) {
      value_ = word.substr(equals + 1);
      word.resize(equals);
    }
    return word;
  }
  std::string value(const std::string& option) {
    if (has_value_) {
      has_value_ = false;
      return value_;
    }
    if (is_empty()) complain(option + " needs a value");
    return take();
  }
  bool has_unused_value() const { return has_value_; }

 private:
  std::vector<std::string> words_;
  size_t next_ = 0;
  std::string value_;
  bool has_value_ = false;
};

size_t number(const std::string& option, const std::string& text) {
  uint32_t result = 0;
  if (!read_number(text, result)) complain(cat(option, " wants a number, not '", text, "'"));
  return result;
}

void parse_option(const std::string& option, Words& words, Settings& settings) {
  if (option == "-h" || option == "--help") {
    fputs(kHelp, stdout);
    exit(kSame);
  } else if (option == "--print-rules") {
    fwrite(builtin_rules().data(), 1, builtin_rules().size(), stdout);
    exit(kSame);
  } else if (option == "--traces") {
    settings.wants_traces = true;
    settings.linux_trace = words.value(option);
    settings.lxnet_trace = words.value("--traces LINUX");
  } else if (option == "--marker") {
    settings.marker = words.value(option);
  } else if (option == "--json") {
    settings.json = words.value(option);
  } else if (option == "--html") {
    settings.html = words.value(option);
  } else if (option == "--rules") {
    settings.rules.push_back(words.value(option));
  } else if (option == "--known") {
    settings.known.push_back(words.value(option));
  } else if (option == "--calls") {
    settings.run.calls = words.value(option);
  } else if (option == "--run-option") {
    settings.run.run_options.push_back(words.value(option));
  } else if (option == "--lxnet-run") {
    settings.run.lxnet_run = words.value(option);
  } else if (option == "--most") {
    settings.text.most = number(option, words.value(option));
  } else if (option == "--context") {
    settings.text.context = number(option, words.value(option));
  } else if (option == "--explained") {
    settings.text.shows_explained = true;
  } else if (option == "--times") {
    settings.text.shows_times = true;
  } else if (option == "--output") {
    settings.run.shows_output = true;
  } else if (option == "--keep") {
    settings.keep = words.value(option);
  } else if (option == "-q" || option == "--quiet") {
    settings.is_quiet = true;
  } else if (option == "--color") {
    std::string when = words.value(option);
    if (when != "always" && when != "never" && when != "auto") complain("--color wants always, never or auto");
    if (when != "auto") settings.text.has_color = when == "always";
  } else {
    complain("unknown option '" + option + "'");
  }
  if (words.has_unused_value()) complain(option + " takes no value");
}

Settings parse(int argc, char** argv) {
  Settings settings;
  settings.run.calls = kDefaultCalls;
  settings.text.has_color = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == nullptr;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) settings.text.width = size.ws_col;
  std::error_code error;
  settings.run.lxnet_run = fs::read_symlink("/proc/self/exe", error).parent_path() / "lxnet-run";
  Words words(argc, argv);
  while (!words.is_empty()) {
    std::string option = words.take_option();
    if (option == "--") break;
    if (!option.starts_with('-')) {
      settings.run.program.push_back(option);
      break;
    }
    parse_option(option, words, settings);
  }
  while (!words.is_empty()) settings.run.program.push_back(words.take());
  if (settings.wants_traces && !settings.run.program.empty()) complain("--traces compares logs and runs no program");
  if (!settings.wants_traces && settings.run.program.empty()) complain("which program? or --traces LINUX LXNET");
  return settings;
}

std::string which(const std::string& program) {
  if (program.find('/') != program.npos) return access(program.c_str(), X_OK) == 0 ? program : "";
  std::string path = getenv("PATH") == nullptr ? "/usr/bin:/bin" : getenv("PATH");
  for (size_t begin = 0; begin <= path.size();) {
    size_t end = std::min(path.find(':', begin), path.size());
    std::string candidate = path.substr(begin, end - begin) + "/" + program;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return "";
}

// Makes the two traces. Their directory is removed at the end unless the user keeps it.
void run_twice(Settings& settings, std::string& temporary) {
  if (which("strace").empty()) fail("strace is not installed (Debian package strace)");
  if (which(settings.run.program[0]).empty()) fail("there is no program '" + settings.run.program[0] + "'");
  if (which(settings.run.lxnet_run).empty())
    fail("there is no lxnet-run at '" + settings.run.lxnet_run + "'; say where with --lxnet-run");
  std::string directory = settings.keep;
  if (directory.empty()) {
    char form[] = "/tmp/lxnet-diff.XXXXXX";
    if (mkdtemp(form) == nullptr) fail(cat("cannot make a directory in /tmp: ", strerror(errno)));
    directory = temporary = form;
  }
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) fail(cat("cannot make the directory '", directory, "': ", error.message()));
  settings.linux_trace = directory + "/linux.strace";
  settings.lxnet_trace = directory + "/lxnet.strace";
  for (const std::string& old : {settings.linux_trace, settings.lxnet_trace}) fs::remove(old, error);
  auto run = [&](const char* where, auto runner, const std::string& file) {
    if (!settings.is_quiet && isatty(STDERR_FILENO)) fprintf(stderr, "lxnet diff: running on %s ...\n", where);
    absl::StatusOr<int> status = runner(settings.run, file);
    if (!status.ok()) fail(cat("on ", where, ": ", std::string(status.status().message())));
  };
  run("Linux", run_on_linux, settings.linux_trace);
  run("lxnet", run_on_lxnet, settings.lxnet_trace);
}

void write_file(const std::string& path, const std::string& text) {
  if (path.empty()) return;
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (!file) fail("cannot write '" + path + "'");
}

Trace load(const std::string& path, std::string_view marker) {
  absl::StatusOr<Trace> trace = load_trace(path, marker);
  if (!trace.ok()) fail(std::string(trace.status().message()));
  return *std::move(trace);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings = parse(argc, argv);
  RuleSet rules;
  KnownDifferences known;
  for (const std::string& file : settings.rules) {
    if (absl::Status status = rules.add_file(file); !status.ok()) fail(std::string(status.message()));
  }
  for (const std::string& file : settings.known) {
    if (absl::Status status = known.add_file(file); !status.ok()) fail(std::string(status.message()));
  }
  std::string temporary;
  if (!settings.wants_traces) run_twice(settings, temporary);
  Trace linux_trace = load(settings.linux_trace, {}), lxnet_trace = load(settings.lxnet_trace, settings.marker);
  Comparison comparison = compare_traces(rules, known, linux_trace, lxnet_trace);
  Summary summary = summarize(rules, comparison, linux_trace, lxnet_trace);
  Report report{comparison, summary, linux_trace, lxnet_trace};
  if (!settings.is_quiet) {
    std::string text = text_report(report, settings.text);
    fwrite(text.data(), 1, text.size(), stdout);
  }
  if (!settings.json.empty()) write_file(settings.json, json_report(report));
  if (!settings.html.empty()) write_file(settings.html, html_report(report));
  std::error_code error;
  if (!temporary.empty()) fs::remove_all(temporary, error);
  return comparison.totals.divergent == 0 ? kSame : kDivergent;
}
