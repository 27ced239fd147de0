// Where named networks are found: one socket each in a directory of the user's own.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "hosts/linux/owned_fd.hh"

namespace lxnet::host {

// A network's name: letters, digits, '_', '-' and '.', not first; at most 32.
absl::Status check_network_name(const std::string& name);

// Made on first use; refused when somebody else could have put something there.
absl::StatusOr<std::string> network_directory();
absl::StatusOr<std::vector<std::string>> list_networks();

// NotFound when nobody serves it.
absl::StatusOr<OwnedFd> connect_network(const std::string& name);
// A listening socket under the name, whose accept() does not block, in place of what a dead server left.
absl::StatusOr<OwnedFd> listen_network(const std::string& name);
void remove_network(const std::string& name);
// Held, nobody else creates or ends networks.
absl::StatusOr<OwnedFd> lock_networks();

// Messages: one text, perhaps with one descriptor. An empty text is the end.
bool send_message(int socket, const std::string& text, int fd = -1);
std::string receive_message(int socket, OwnedFd* fd = nullptr);

}  // namespace lxnet::host
