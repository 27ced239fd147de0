// Runs a sequence and writes what every call answered.
#pragma once

#include <poll.h>

#include "tests/differential/walk/memory.hh"
#include "tests/differential/walk/show.hh"

namespace walk {

class Runner {
 public:
  explicit Runner(std::string& log);
  void run(int index, const Operation& planned);
  // The child is gone, and what it alone held is closed.
  void note_leaving(int index);

 private:
  uint64_t materialise(const Argument& argument, const Operation& operation);
  uint8_t* data(size_t size, Payload payload);
  iovec* vector(const std::vector<int>& sizes, bool is_room, Payload payload);
  void fill(msghdr& header, const Message& message, const Operation& operation);
  Bytes control_bytes(const Message& message);
  void keep_descriptors(const msghdr& header, const Operation& operation);
  bool is_of_some_length(const Operation& operation, const uint64_t* registers) const;
  void show_result(const Operation& operation, const uint64_t* registers, long result, int error);
  void show_outputs(const Operation& operation, const uint64_t* registers, long result);
  void show_message(const msghdr& header, const Message& message, const Operation& operation);
  void show_vector(const iovec* vector, const std::vector<int>& sizes, Payload payload);
  void show_length(const Operation& operation, int value);
  void show_sets(int64_t mask, const uint8_t* set);
  void store(const Operation& operation, const uint64_t* registers, long result);
  void show_changes();
  void settle();
  bool changes_network(const Operation& operation) const;
  bool is_full_echo(const Operation& operation) const;
  bool ends_midway_in_stream(const Operation& operation) const;
  bool asks_pipe_not_to_wait(const Operation& planned) const;
  void wait_for_end_to_arrive(int fd) const;
  Operation fit(const Operation& planned);

  std::string& log_;
  Shower show_{log_};
  Memory memory_;
  int slots_[kSlots];
  short polled_[kSlots] = {};
  uint8_t counter_ = 0;
  socklen_t name_length_ = 0;  // of the last NameOf
  int kept_ = 0;               // descriptors that the step's messages brought
  bool has_passed_ = false;    // descriptors, in a message
  bool has_spliced_headers_ = false;
};

}  // namespace walk
