#include "hosts/threads/thread_host.hh"

#include <sys/syscall.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace lxnet::threads {
namespace {

// The HAL's ctx is the ThreadHal; the descriptors of its host are found from there.
thread_local DescriptorTable* table_of_call = nullptr;

}  // namespace

DescriptorTable::DescriptorTable() : files_(std::make_unique<lxnet_file*[]>(kSize)) {}

int DescriptorTable::install(lxnet_file* file) {
  std::lock_guard free(free_mutex_);
  for (size_t fd = lowest_free_; fd < kSize; ++fd) {
    std::lock_guard lock(stripe_of(static_cast<int>(fd)).lock);
    if (files_[fd] != nullptr) continue;
    files_[fd] = file;
    lowest_free_ = fd + 1;
    return static_cast<int>(fd);
  }
  return -static_cast<int>(Errno::EMFILE);
}

lxnet_file* DescriptorTable::find(int fd) {
  if (fd < 0 || static_cast<size_t>(fd) >= kSize) return nullptr;
  std::lock_guard lock(stripe_of(fd).lock);
  lxnet_file* file = files_[static_cast<size_t>(fd)];
  if (file != nullptr) lxnet_file_ref(file);
  return file;
}

lxnet_file* DescriptorTable::take(int fd) {
  if (fd < 0 || static_cast<size_t>(fd) >= kSize) return nullptr;
  std::lock_guard free(free_mutex_);
  std::lock_guard lock(stripe_of(fd).lock);
  if (files_[static_cast<size_t>(fd)] != nullptr && static_cast<size_t>(fd) < lowest_free_)
    lowest_free_ = static_cast<size_t>(fd);
  return std::exchange(files_[static_cast<size_t>(fd)], nullptr);
}

ThreadHost::ThreadHost(const std::string& name, const lxnet_config& config) {
  lxnet_hal table = hal_.table();
  table.install_fd = [](void*, lxnet_file* file, uint32_t) { return table_of_call->install(file); };
  table.find_fd = [](void*, int fd, int* error) {
    lxnet_file* file = table_of_call->find(fd);
    if (file == nullptr) *error = static_cast<int>(Errno::EBADF);
    return file;
  };
  table.release_fd = [](void*, int fd) { lxnet_file_unref(table_of_call->take(fd)); };
  lxnet_config complete = config;
  complete.struct_size = sizeof complete;
  complete.hostname = name.c_str();
  const char* message = nullptr;
  if (lxnet_stack_create(&table, &complete, &stack_, &message) != 0) {
    throw std::runtime_error(name + ": " + (message == nullptr ? "lxnet_stack_create" : message));
  }
}

ThreadHost::~ThreadHost() {
  for (size_t fd = 0; fd < DescriptorTable::kSize; ++fd) {
    lxnet_file* file = descriptors_.take(static_cast<int>(fd));
    if (file != nullptr) lxnet_file_unref(file);
  }
  hal_.stop();
  lxnet_stack_destroy(stack_);
}

int64_t ThreadHost::system_call(long number, const uint64_t arguments[6]) {
  table_of_call = &descriptors_;
  if (number != SYS_close) return lxnet_syscall(stack_, LXNET_ABI_X86_64, static_cast<uint32_t>(number), arguments);
  const int fd = static_cast<int>(arguments[0]);
  lxnet_file* file = descriptors_.take(fd);
  if (file == nullptr) return -static_cast<int64_t>(Errno::EBADF);
  lxnet_file_unref(file);
  return 0;
}

}  // namespace lxnet::threads
