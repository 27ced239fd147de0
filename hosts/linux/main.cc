// lxnet-run: `lxnet run`. Installed as `lxnet` it is all of its commands, and `lxnet-run --command` too, for the source tree's
// ./lxnet.

#include <string_view>

#include "hosts/linux/command_line.hh"

int main(int argc, char** argv) {
  std::string_view name = argc > 0 ? argv[0] : "";
  name.remove_prefix(name.rfind('/') + 1);
  if (name == "lxnet") return lxnet::host::command_main({argv + 1, argv + argc});
  if (argc > 1 && std::string_view(argv[1]) == "--command") return lxnet::host::command_main({argv + 2, argv + argc});
  return lxnet::host::run_command({argv + (argc > 0 ? 1 : 0), argv + argc});
}
