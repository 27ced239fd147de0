// Descriptors for requests that finish when their program is in no call of ours: only while a call waits for its answer can a
// descriptor be put into a process. So one is put there when the request begins to wait, and filled when it has something.
#pragma once

#include <sys/types.h>

#include <map>
#include <vector>

#include "hosts/linux/call.hh"
#include "hosts/linux/file_table.hh"

namespace lxnet::host::uring {

class NumberPool {
 public:
  explicit NumberPool(FileTable& files) : files_(files) {}
  // In a call of the process that is not answered yet. Its number is negative when there is none to be had.
  FileTable::Reserved take(const Call& call, bool is_cloexec);
  void give_back(pid_t process, const FileTable::Reserved& number);
  void forget_process(pid_t process) { unused_.erase(process); }

 private:
  FileTable& files_;
  std::map<pid_t, std::vector<FileTable::Reserved>> unused_;
};

}  // namespace lxnet::host::uring
