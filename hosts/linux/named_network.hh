// `lxnet run --net NAME` and `lxnet net`: the side of a named network that users see.
#pragma once

#include <functional>
#include <string>

#include "hosts/linux/inspect/text_table.hh"
#include "hosts/linux/run.hh"

namespace lxnet::host {

// As run_supervised(), on the network of that name, which is made if there is none. `command` is how `show` names the program.
int run_in_network(const std::string& name, const RunOptions& options, const std::string& command,
                   const std::function<int()>& body);

// The verbs list, show, rm, ps and ss; all but list ask the network of that name. The exit status.
int network_command(const std::string& verb, const std::string& name = "", TableFormat format = TableFormat::Text);

}  // namespace lxnet::host
