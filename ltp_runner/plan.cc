#include "ltp_runner/plan.hh"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ltp_runner/files.hh"
#include "ltp_runner/runtest_file.hh"

namespace lxnet::ltp {
namespace {

using Commands = absl::flat_hash_map<std::string, std::string>;

// The first of the suite's files that has a tag decides; a file that this LTP lacks has none.
Commands commands_of(const Suite& suite, const std::string& root) {
  Commands commands;
  for (const std::string& file : suite.runtest_files) {
    absl::StatusOr<std::vector<RuntestEntry>> entries = read_runtest(root, file);
    if (!entries.ok()) continue;
    for (RuntestEntry& entry : *entries) commands.emplace(std::move(entry.tag), std::move(entry.command));
  }
  return commands;
}

bool is_built(const std::string& root, const std::string& command) {
  std::string program = command.substr(0, command.find(' '));
  return ::access(absl::StrCat(root, "/testcases/bin/", program).c_str(), X_OK) == 0;
}

void find_command(const std::string& root, const Commands& commands, PlannedTest& test) {
  if (!test.entry.excluded.empty()) return;
  auto found = commands.find(test.entry.test);
  if (found == commands.end()) {
    test.entry.excluded = "this LTP does not list it";
  } else if (!is_built(root, found->second)) {
    test.entry.excluded = "this LTP is built without it";
  } else {
    test.command = found->second;
  }
}

absl::Status no_such(absl::string_view kind, const std::string& name, const std::vector<std::string>& known) {
  return absl::NotFoundError(
      absl::StrCat("there is no ", kind, " '", name, "'", known.empty() ? "" : "; there are ", absl::StrJoin(known, ", ")));
}

}  // namespace

absl::StatusOr<std::vector<PlannedTest>> make_plan(const PlanRequest& request) {
  std::vector<std::string> known = list_suites(request.suite_directory);
  std::vector<PlannedTest> plan;
  absl::flat_hash_set<std::string> seen, wanted(request.tests.begin(), request.tests.end());
  for (const std::string& name : request.suites.empty() ? known : request.suites) {
    if (std::find(known.begin(), known.end(), name) == known.end()) return no_such("suite", name, known);
    absl::StatusOr<Suite> suite = read_suite(request.suite_directory, name);
    if (!suite.ok()) return suite.status();
    Commands commands = commands_of(*suite, request.root);
    for (const SuiteEntry& entry : suite->entries) {
      if ((!wanted.empty() && !wanted.contains(entry.test)) || !seen.insert(entry.test).second) continue;
      plan.push_back({name, entry, ""});
      find_command(request.root, commands, plan.back());
    }
  }
  for (const std::string& test : request.tests) {
    if (!seen.contains(test)) return no_such("test", test, {});
  }
  return plan;
}

absl::StatusOr<std::string> find_ltp(const std::string& given) {
  const char* variable = ::getenv("LTPROOT");
  std::string root = !given.empty() ? given : variable != nullptr && *variable != '\0' ? variable : "/opt/ltp";
  if (std::filesystem::is_directory(root + "/runtest") && std::filesystem::is_directory(root + "/testcases/bin")) {
    return std::string(std::filesystem::absolute(root));
  }
  return absl::NotFoundError(absl::StrCat("there is no Linux Test Project in ", root,
                                          ": install it and name its folder with --root DIR or the variable LTPROOT"));
}

std::string ltp_version(const std::string& root) {
  absl::StatusOr<std::string> text = read_file(root + "/Version");
  return text.ok() ? std::string(absl::StripAsciiWhitespace(*text)) : "unknown";
}

}  // namespace lxnet::ltp
