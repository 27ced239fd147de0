// Netlink messages as text: each message, its struct and its attributes, without what is the run's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/differential/walk/operation.hh"

namespace walk {

std::string netlink_text(const uint8_t* bytes, size_t size, Payload kind);

// Whether how long these bytes are is not compared: an answer about a link, which Linux tells more of.
bool is_of_links(const uint8_t* bytes, size_t size);

std::string port_name(uint32_t port);

}  // namespace walk
