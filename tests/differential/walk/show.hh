// The text of a log: what is the run's own (ports that a kernel chose, its clock) is replaced by what does not depend on it.
#pragma once

#include <sys/socket.h>

#include <functional>
#include <map>
#include <string>

#include "tests/differential/walk/operation.hh"

namespace walk {

void print(std::string& to, const char* format, ...) __attribute__((format(printf, 2, 3)));

// "ECONNRESET", or the number.
std::string errno_name(int error);
uint32_t hash_of(const uint8_t* bytes, size_t size);

// Each descriptor that came with a received message.
void for_each_descriptor(const msghdr& header, const std::function<void(int fd)>& visit);

class Shower {
 public:
  explicit Shower(std::string& log) : log_(log) {}
  // A port the walk did not name: E1, E2, ... in order of appearance.
  void port(uint16_t network_order);
  void address(const uint8_t* bytes, size_t size);
  void hex(const uint8_t* bytes, size_t size);
  // `at` is where in the datagram the bytes stand.
  void payload(uint8_t* bytes, size_t room, Payload kind, size_t at = 0);
  void controls(const msghdr& message);
  void argument(const Argument& argument);
  void call(int index, const Operation& operation);

 private:
  void control(int level, int type, const uint8_t* data, size_t size);
  void message(const Message& message, bool is_receive);

  std::string& log_;
  std::map<uint16_t, int> ports_;
  size_t header_size_ = 0;  // of the IPv4 header that the last packet began with
};

}  // namespace walk
