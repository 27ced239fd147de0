#include "ltp_runner/options.hh"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace lxnet::ltp {
namespace {

struct OptionRow {
  absl::string_view name;
  absl::string_view value;  // what it is called in the help; empty when the option has none
  absl::string_view help;
  bool (*set)(Options&, const std::string&);  // false: not such a value
};

bool set_count(int& number, const std::string& text) { return absl::SimpleAtoi(text, &number) && number > 0; }
bool set_text(std::string& field, const std::string& text) {
  field = text;
  return !text.empty();
}

constexpr OptionRow kOptions[] = {
    {"--root", "DIR", "the installed LTP; otherwise $LTPROOT, otherwise /opt/ltp",
     [](Options& o, const std::string& v) { return set_text(o.root, v); }},
    {"--suite", "NAME", "only this suite; may be repeated. --list shows them",
     [](Options& o, const std::string& v) { return o.suites.push_back(v), !v.empty(); }},
    {"--list", "", "list suites and tests, and why a test is not run; run nothing",
     [](Options& o, const std::string&) { return o.lists = true; }},
    {"--jobs", "N", "how many tests at a time; as many as processors (without root one: tests then share a network)",
     [](Options& o, const std::string& v) { return set_count(o.jobs, v); }},
    {"--timeout", "SECONDS", "what a test may take where its suite says nothing (300)",
     [](Options& o, const std::string& v) { return set_count(o.timeout_seconds, v); }},
    {"--output", "DIR", "keep what each test printed there, in linux/ and lxnet/",
     [](Options& o, const std::string& v) { return set_text(o.output_directory, v); }},
    {"--json", "FILE", "write the results as JSON, a row per test",
     [](Options& o, const std::string& v) { return set_text(o.json_file, v); }},
    {"--junit", "FILE", "write them as JUnit XML", [](Options& o, const std::string& v) { return set_text(o.junit_file, v); }},
    {"--html", "FILE", "write them as a page that needs nothing else",
     [](Options& o, const std::string& v) { return set_text(o.html_file, v); }},
    {"--markdown", "FILE", "write them as Markdown",
     [](Options& o, const std::string& v) { return set_text(o.markdown_file, v); }},
    {"--baseline", "FILE", "an earlier run's JSON: fail only where lxnet has become worse since",
     [](Options& o, const std::string& v) { return set_text(o.baseline_file, v); }},
    {"--diff", "", "run lxnet diff on every test that is worse, and keep what it prints in diff/ of the output",
     [](Options& o, const std::string&) { return o.diffs = true; }},
    {"--qemu", "KERNEL", "compare with this kernel in QEMU instead of lxnet: the tests go into an initramfs",
     [](Options& o, const std::string& v) { return set_text(o.guest_kernel, v); }},
    {"--suites", "DIR", "where the suites are; lxnet ltp says it itself",
     [](Options& o, const std::string& v) { return set_text(o.suite_directory, v); }},
    {"--lxnet-run", "PROGRAM", "the lxnet-run to use; lxnet ltp says it itself",
     [](Options& o, const std::string& v) { return set_text(o.lxnet_run, v); }},
    {"--lxnet-diff", "PROGRAM", "the lxnet-diff to use; lxnet ltp says it itself",
     [](Options& o, const std::string& v) { return set_text(o.differ, v); }},
    {"--help", "", "this text", [](Options& o, const std::string&) { return o.helps = true; }},
};

const OptionRow* find_option(absl::string_view name) {
  for (const OptionRow& row : kOptions) {
    if (row.name == name || (name == "-h" && row.name == "--help")) return &row;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<Options> parse_options(const std::vector<std::string>& arguments) {
  Options options;
  bool has_ended = false;
  for (size_t i = 0; i < arguments.size(); i++) {
    const std::string& argument = arguments[i];
    if (has_ended || argument.empty() || argument[0] != '-') {
      options.tests.push_back(argument);
      continue;
    }
    if (argument == "--") {
      has_ended = true;
      continue;
    }
    size_t equals = argument.find('=');
    const OptionRow* row = find_option(argument.substr(0, equals));
    if (row == nullptr) return absl::InvalidArgumentError(absl::StrCat("unknown option '", argument, "'"));
    std::string value;
    if (equals != std::string::npos) {
      if (row->value.empty()) return absl::InvalidArgumentError(absl::StrCat(row->name, " takes no value"));
      value = argument.substr(equals + 1);
    } else if (!row->value.empty()) {
      if (++i == arguments.size()) return absl::InvalidArgumentError(absl::StrCat(row->name, " needs a value"));
      value = arguments[i];
    }
    if (!row->set(options, value)) return absl::InvalidArgumentError(absl::StrCat(row->name, ": '", value, "' will not do"));
  }
  return options;
}

std::string help_text() {
  std::string text =
      "usage: lxnet ltp [option]... [test]...\n"
      "\n"
      "Runs the network tests of the Linux Test Project natively and on lxnet, and reports both side by side. Which tests: "
      "small\n"
      "files of ltp_runner/suites/, with the reason beside each that is not run. As root each test runs in mount, network and\n"
      "process namespaces of its own; without root it runs as far as LTP allows.\n"
      "\n";
  for (const OptionRow& row : kOptions) {
    absl::StrAppendFormat(&text, "  %-20s  %s\n", absl::StrCat(row.name, row.value.empty() ? "" : " ", row.value), row.help);
  }
  return text +
         "\n"
         "A test is worse on lxnet when it has fewer TPASS or more of anything else; a TCONF where Linux passes is worse.\n"
         "Exits with 0 when no test is worse (with --baseline: worse than it was), 1 when one is, 2 when nothing could be run.\n";
}

}  // namespace lxnet::ltp
