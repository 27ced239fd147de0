// What one receive has gathered so far, for the files that receive.
#pragma once

#include "compat/afunix/unix_endpoint.hh"

namespace lxnet {

struct UnixEndpoint::Incoming {
  bool is_peek = false;
  bool has_message = false;  // not the end
  bool has_fault = false;
  size_t copied = 0;
  bool has_credentials = false;          // of a stream: what follows must be of the same sender
  UnixCredentials credentials{0, 0, 0};  // what is told at the end of a stream
  UnixProcess process;
  UnixRights rights;
  int64_t wall_nanos = 0;
  UnixMessage* passed_over = nullptr;  // out-of-band bytes with descriptors, which are closed when the call is done
};

}  // namespace lxnet
