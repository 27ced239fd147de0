#include "hosts/sim/hal_table.hh"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/errno.hh"
#include "hosts/sim/host.hh"

namespace lxnet::sim {
namespace {

constexpr int64_t kWallAtStart = 1'700'000'000'000'000'000;  // of the virtual clock's zero
constexpr int kResourceOpenFiles = 7;                        // RLIMIT_NOFILE

}  // namespace

struct HalTable {
  static Host& of(void* ctx) { return *static_cast<Host*>(ctx); }
  static Task& task_of(lxnet_task* task) { return *reinterpret_cast<Task*>(task); }

  static int64_t monotonic_nanos(void* ctx) { return of(ctx).scheduler_.now().in_nanos(); }
  static int64_t wall_nanos(void* ctx) { return kWallAtStart + monotonic_nanos(ctx); }
  static void set_alarm(void* ctx, lxnet_stack* stack, int64_t when) {
    EventQueue& events = of(ctx).scheduler_.events();
    EventQueue::Id& alarm = of(ctx).alarm_;
    events.cancel(alarm);
    if (when == INT64_MAX) return;
    alarm = events.schedule(Instant::from_nanos(when), [stack, &alarm] {
      alarm = {};
      lxnet_timer_expire(stack);
    });
  }

  static void* alloc(void* ctx, size_t size, size_t align) { return of(ctx).alloc(size, align); }
  static void free(void* ctx, void* block, size_t size) { of(ctx).free(block, size); }
  static void random_bytes(void* ctx, void* buffer, size_t size) {
    uint8_t* out = static_cast<uint8_t*>(buffer);
    for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(of(ctx).random_());
  }

  static lxnet_task* current_task(void* ctx) { return reinterpret_cast<lxnet_task*>(&of(ctx).current_task()); }
  static int park(void* ctx, int64_t deadline, int interruptible) {
    return of(ctx).scheduler_.park(of(ctx).current_task(), deadline, interruptible != 0);
  }
  static void unpark(void* ctx, lxnet_task* task) { of(ctx).scheduler_.unpark(task_of(task)); }
  static void** lock_slot(void* ctx) {
    Task* task = of(ctx).scheduler_.current();
    return task == nullptr ? &of(ctx).event_lock_slot_ : &task->lock_slot;
  }

  static size_t copy_from_user(void* ctx, void* to, uint64_t from, size_t size) {
    return of(ctx).copy(to, reinterpret_cast<const void*>(from), from, size);
  }
  static size_t copy_to_user(void* ctx, uint64_t to, const void* from, size_t size) {
    return of(ctx).copy(reinterpret_cast<void*>(to), from, to, size);
  }

  static void credentials(void* ctx, lxnet_credentials* out) {
    *out = of(ctx).current_process().credentials;
    out->pid = of(ctx).current_task().thread_id;
  }
  static int capable(void* ctx, int capability) {
    return static_cast<int>(of(ctx).current_process().capabilities >> capability & 1);
  }
  static int send_signal(void* ctx, const lxnet_signal* signal) { return of(ctx).send_signal(*signal); }

  static int install_fd(void* ctx, lxnet_file* file, uint32_t flags) { return of(ctx).current_process().install(file, flags); }
  static lxnet_file* find_fd(void* ctx, int fd, int* error) { return of(ctx).current_process().find(fd, error); }
  static void release_fd(void* ctx, int fd) { of(ctx).current_process().release(fd); }
  static uint64_t resource_limit(void* ctx, int resource) {
    return resource == kResourceOpenFiles ? of(ctx).current_process().descriptor_limit : UINT64_MAX;
  }

  static int path_create_socket(void* ctx, const char* path, uint64_t node[2]) {
    auto [entry, is_new] = of(ctx).socket_nodes_.emplace(path, of(ctx).last_node_ + 1);
    if (!is_new) return -static_cast<int>(Errno::EADDRINUSE);
    node[0] = 1;
    node[1] = ++of(ctx).last_node_;
    return 0;
  }
  static void path_remove_socket(void* ctx, const char* path) { of(ctx).socket_nodes_.erase(path); }
  static int path_find_socket(void* ctx, const char* path, uint64_t node[2]) {
    auto found = of(ctx).socket_nodes_.find(path);
    if (found == of(ctx).socket_nodes_.end()) return -static_cast<int>(Errno::ENOENT);
    node[0] = 1;
    node[1] = found->second;
    return 0;
  }

  static void log(void* ctx, int, const char* message) { of(ctx).log.emplace_back(message); }
  static void panic(void* ctx, const char* message) {
    fprintf(stderr, "lxnet sim: %s panics: %s\n", of(ctx).name().c_str(), message);
    abort();
  }
};

lxnet_hal make_hal_table(Host& host) {
  lxnet_hal table{};
  table.abi_version = LXNET_HAL_VERSION;
  table.struct_size = sizeof table;
  table.ctx = &host;
  // One thread, one processor: no locks, and debug builds still check their ranks.
#define LXNET_ROW(name) table.name = HalTable::name
  LXNET_ROW(monotonic_nanos);
  LXNET_ROW(wall_nanos);
  LXNET_ROW(set_alarm);
  LXNET_ROW(alloc);
  LXNET_ROW(free);
  LXNET_ROW(random_bytes);
  LXNET_ROW(current_task);
  LXNET_ROW(park);
  LXNET_ROW(unpark);
  LXNET_ROW(lock_slot);
  LXNET_ROW(copy_from_user);
  LXNET_ROW(copy_to_user);
  LXNET_ROW(credentials);
  LXNET_ROW(capable);
  LXNET_ROW(send_signal);
  LXNET_ROW(install_fd);
  LXNET_ROW(find_fd);
  LXNET_ROW(release_fd);
  LXNET_ROW(resource_limit);
  LXNET_ROW(path_create_socket);
  LXNET_ROW(path_find_socket);
  LXNET_ROW(path_remove_socket);
  LXNET_ROW(log);
  LXNET_ROW(panic);
#undef LXNET_ROW
  return table;
}

}  // namespace lxnet::sim
