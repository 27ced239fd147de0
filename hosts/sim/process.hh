// Process: a descriptor table and the credentials of the tasks that share it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "hal/hal.h"

namespace lxnet::sim {

class Process {
 public:
  explicit Process(int32_t id);
  ~Process() { close_all(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  lxnet_credentials credentials{};
  uint64_t capabilities = ~uint64_t{0};  // a bit for each LXNET_CAP_*
  uint64_t descriptor_limit = 1024;      // RLIMIT_NOFILE
  int lowest_number = 3;                 // that install() gives: 0 to 2 are the terminal's

  // Each answers as the HAL and the calls of the same name do: a number, or a negative errno.
  int install(lxnet_file* file, uint32_t flags);
  lxnet_file* find(int fd, int* error) const;  // with a count
  void release(int fd);
  int close(int fd);
  int duplicate(int fd, int lowest, uint32_t flags);     // dup, F_DUPFD
  int duplicate_to(int fd, int target, uint32_t flags);  // dup2, dup3
  void close_all();
  bool closes_on_exec(int fd) const { return slots_[static_cast<size_t>(fd)].closes_on_exec; }
  size_t open_count() const;

 private:
  struct Slot {
    lxnet_file* file = nullptr;
    bool closes_on_exec = false;
  };
  bool is_open(int fd) const {
    return fd >= 0 && static_cast<size_t>(fd) < slots_.size() && slots_[static_cast<size_t>(fd)].file;
  }
  int put(lxnet_file* file, int lowest, uint32_t flags);

  std::vector<Slot> slots_;
};

}  // namespace lxnet::sim
