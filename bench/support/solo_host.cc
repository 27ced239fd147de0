#include "bench/support/solo_host.hh"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace lxnet::bench {

void* allocate_huge(size_t size) {
  const size_t whole = (size + kHugePage - 1) / kHugePage * kHugePage;
  void* block = aligned_alloc(kHugePage, whole);
  // A hint: without huge pages it is slower.
  if (block != nullptr) static_cast<void>(madvise(block, whole, MADV_HUGEPAGE));
  return block;
}

SoloHost::SoloHost(const std::string& name) {
  const lxnet_hal table = table_of_one();
  lxnet_config config{};
  config.struct_size = sizeof config;
  config.hostname = name.c_str();
  const char* message = nullptr;
  if (lxnet_stack_create(&table, &config, &stack_, &message) != 0) {
    throw std::runtime_error(name + ": " + (message == nullptr ? "lxnet_stack_create" : message));
  }
}

SoloHost::~SoloHost() {
  for (size_t fd = 0; fd < files_.size(); ++fd) {
    if (lxnet_file* file = take(static_cast<int>(fd))) lxnet_file_unref(file);
  }
  lxnet_stack_destroy(stack_);
  for (char* page : slab_pages_) ::free(page);
}

void* SoloHost::allocate(size_t size, size_t align) {
  static_assert(size_of_slab(kSlabs) == kHugePage / 2 && slab_of(kHugePage / 2) == kSlabs && slab_of(4097) == kFineSlabs + 1);
  const size_t slab = slab_of(size);
  if (slab > kSlabs) return allocate_huge(size);
  if (FreeBlock* block = slabs_[slab]; block != nullptr && align <= kSlabStep) {
    slabs_[slab] = block->next;
    return block;
  }
  size_t at = (slab_used_ + align - 1) / align * align;
  if (at + size_of_slab(slab) > kHugePage) {
    auto* page = static_cast<char*>(allocate_huge(kHugePage));
    if (page == nullptr) return nullptr;
    memset(page, 0, kHugePage);  // it is there from now on
    slab_pages_.push_back(page);
    at = 0;
  }
  slab_used_ = at + size_of_slab(slab);
  return slab_pages_.back() + at;
}

void SoloHost::release(void* block, size_t size) {
  const size_t slab = slab_of(size);
  if (slab > kSlabs) return ::free(block);
  slabs_[slab] = new (block) FreeBlock{slabs_[slab]};
}

lxnet_hal SoloHost::table_of_one() {
  lxnet_hal own = table();
  own.lock = own.unlock = nullptr;
  own.lock_slot = nullptr;
  own.processor = nullptr;
  own.set_alarm = [](void* ctx, lxnet_stack*, int64_t when) { of(ctx).alarm_ = when; };
  own.park = [](void* ctx, int64_t deadline, int) { return of(ctx).park(deadline); };
  own.alloc = [](void* ctx, size_t size, size_t align) {
    of(ctx).count_bytes(size);
    return of(ctx).allocate(size, align);
  };
  own.free = [](void* ctx, void* block, size_t size) {
    of(ctx).uncount_bytes(size);
    of(ctx).release(block, size);
  };
  own.install_fd = [](void* ctx, lxnet_file* file, uint32_t) { return of(ctx).install(file); };
  own.find_fd = [](void* ctx, int fd, int* error) {
    lxnet_file* file = of(ctx).find(fd);
    if (file == nullptr) *error = static_cast<int>(Errno::EBADF);
    return file;
  };
  // The only task: nobody else closes what it has open.
  own.lend_fd = [](void* ctx, int fd, int* error) {
    lxnet_file* file = of(ctx).look(fd);
    if (file == nullptr) *error = static_cast<int>(Errno::EBADF);
    return file;
  };
  own.release_fd = [](void* ctx, int fd) { lxnet_file_unref(of(ctx).take(fd)); };
  return own;
}

int64_t SoloHost::system_call(long number, const uint64_t arguments[6]) {
  if (++calls_ % kCallsBetweenLooks == 0) look_at_alarm();
  if (number != SYS_close) return lxnet_syscall(stack_, LXNET_ABI_X86_64, static_cast<uint32_t>(number), arguments);
  lxnet_file* file = take(static_cast<int>(arguments[0]));
  if (file == nullptr) return -static_cast<int64_t>(Errno::EBADF);
  lxnet_file_unref(file);
  return 0;
}

void SoloHost::look_at_alarm() {
  if (alarm_ > threads::monotonic_nanos()) return;
  alarm_ = INT64_MAX;
  lxnet_timer_expire(stack_);
}

// The only task has nothing else to wait for than time.
int SoloHost::park(int64_t deadline) {
  threads::ParkingPlace& place = *reinterpret_cast<threads::ParkingPlace*>(table().current_task(nullptr));
  for (;;) {
    if (place.park(std::min(deadline, alarm_)) == LXNET_PARK_WOKEN) return LXNET_PARK_WOKEN;
    look_at_alarm();
    if (deadline <= threads::monotonic_nanos()) return LXNET_PARK_TIMED_OUT;
  }
}

int SoloHost::install(lxnet_file* file) {
  if (!free_.empty()) {
    const int fd = free_.back();
    free_.pop_back();
    files_[static_cast<size_t>(fd)] = file;
    return fd;
  }
  files_.push_back(file);
  return static_cast<int>(files_.size()) - 1;
}

lxnet_file* SoloHost::look(int fd) const {
  return fd < 0 || static_cast<size_t>(fd) >= files_.size() ? nullptr : files_[static_cast<size_t>(fd)];
}

lxnet_file* SoloHost::find(int fd) const {
  lxnet_file* file = look(fd);
  if (file != nullptr) lxnet_file_ref(file);
  return file;
}

lxnet_file* SoloHost::take(int fd) {
  if (fd < 0 || static_cast<size_t>(fd) >= files_.size() || files_[static_cast<size_t>(fd)] == nullptr) return nullptr;
  free_.push_back(fd);
  return std::exchange(files_[static_cast<size_t>(fd)], nullptr);
}

}  // namespace lxnet::bench
