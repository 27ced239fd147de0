// sweep: prints what every call of a kind answers.
//
//   sweep NAME [--part I/N] [--user] [--missing LEVEL:NAME,...]
//
// --part tries only every Nth subject; --user drops the privileges for the calls that are tried; --missing are options that
// lxnet's tables call so, and which are not tried.
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cstdio>

#include "tests/differential/own_network.hh"
#include "tests/differential/sweep/sweep.hh"

namespace {

struct Row {
  const char* name;
  sweep::Sweep run;
};
constexpr Row kRows[] = {
    {"options", sweep::sweep_options},
    {"flags", sweep::sweep_flags},
    {"sockets", sweep::sweep_sockets},
    {"shutdowns", sweep::sweep_shutdowns},
    {"ioctls", sweep::sweep_ioctls},
    {"fcntls", sweep::sweep_fcntls},
    {"controls", sweep::sweep_controls},
    {"reports", sweep::sweep_reports},
    {"pointers", sweep::sweep_pointers},
    {"windows", sweep::sweep_windows},
    {"unconfigured", sweep::sweep_unconfigured},
};

}  // namespace

int main(int argc, char** argv) {
  sweep::Part part;
  bool is_unprivileged = false;
  const char* name = argc > 1 ? argv[1] : "";
  for (int i = 2; i < argc; ++i) {
    if (strcmp(argv[i], "--user") == 0) is_unprivileged = true;
    if (strcmp(argv[i], "--missing") == 0 && i + 1 < argc) sweep::leave_out_options(argv[++i]);
    if (strcmp(argv[i], "--part") == 0 && i + 1 < argc && sscanf(argv[++i], "%u/%u", &part.index, &part.of) != 2) return 2;
  }
  for (const Row& row : kRows) {
    if (strcmp(row.name, name) != 0) continue;
    if (!differential::enter_own_network()) {
      perror("a network namespace");
      return 2;
    }
    sweep::watch_signals();
    sweep::Log log(part, is_unprivileged ? "as nobody: " : "");
    row.run(log, is_unprivileged);
    return 0;
  }
  fprintf(stderr, "sweep NAME [--part I/N] [--user] [--missing LEVEL:NAME,...]\n");
  return 2;
}
