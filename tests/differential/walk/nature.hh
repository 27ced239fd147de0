// What a descriptor is, asked of the kernel, where a plan's guess may be wrong; and what follows for the comparison.
#pragma once

#include "tests/differential/walk/operation.hh"

namespace walk {

struct Nature {
  bool is_socket = false;
  int domain = 0, type = 0, protocol = 0;

  bool is_tcp() const;
  bool is_echo() const;
  // Whose packets come with headers that a run has to itself.
  bool is_raw() const;
};
Nature nature_of(int fd);

// How what such a descriptor gives is shown, `planned` where nothing is known. `holds_headers`: what is read from pipes and files
// may come from a raw socket.
Payload payload_of(const Nature& nature, Payload planned, bool holds_headers);

// Before SIOCOUTQ and SIOCOUTQNSD of a stream, and after shutdown(): acknowledgments are delayed, and by how much is a matter of
// time. The longest wait for one is 200 ms.
void wait_for_acknowledgments(int fd);

}  // namespace walk
