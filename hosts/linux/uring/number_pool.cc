#include "hosts/linux/uring/number_pool.hh"

#include <utility>

namespace lxnet::host::uring {

FileTable::Reserved NumberPool::take(const Call& call, bool is_cloexec) {
  std::vector<FileTable::Reserved>& unused = unused_[call.task->process()];
  for (size_t i = 0; i < unused.size();) {
    const FileTable::Reserved number = unused[i];
    const bool is_usable = files_.is_reserved(number);
    if (is_usable && number.is_cloexec != is_cloexec) {
      i++;
      continue;
    }
    unused.erase(unused.begin() + static_cast<std::ptrdiff_t>(i));
    if (is_usable) return number;
  }
  return files_.reserve(call, is_cloexec);
}

void NumberPool::give_back(pid_t process, const FileTable::Reserved& number) {
  if (number.number >= 0 && files_.is_reserved(number)) unused_[process].push_back(number);
}

}  // namespace lxnet::host::uring
