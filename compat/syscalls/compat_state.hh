// CompatState: what a stack's system-call layer knows beyond the stack: the families and calls that archives registered.
#pragma once

#include "compat/syscalls/socket_file.hh"
#include "compat/syscalls/syscall_table.hh"
#include "compat/syscalls/task_mutex.hh"
#include "hal/mutex_array.hh"

namespace lxnet {

struct AlgorithmChange;
struct AlgorithmReport;
struct UnixReport;

class CompatState {
 public:
  explicit CompatState(const Hal& hal) : watch_lifetime(hal, LockRank::EpollSet), watch_mutexes(hal, LockRank::EpollSet) {}
  static CompatState& of(Stack& stack) { return *static_cast<CompatState*>(stack.upper_layer); }

  // An archive's family or calls. ENOMEM when the fixed room is used up, EEXIST for a family that is there.
  Result<> add_family(const SocketFamily& family);
  Result<> add_syscalls(std::span<const SyscallRow> rows);
  const SocketFamily* find_family(int number) const;
  std::span<const std::span<const SyscallRow>> extensions() const { return {extensions_, extension_count_}; }

  // Held while a watched file tells its watchers that it goes, and while a set of watchers goes: neither finds the other half
  // dead. It is also where the shape of nested epoll sets is decided.
  TaskMutex watch_lifetime;
  // Who watches a file.
  MutexArray<16> watch_mutexes;

  // Prints the calls, where the host asked for it (compat/trace).
  struct CallTracer* call_tracer = nullptr;

  // A number for each walk over nested sets; under watch_lifetime.
  uint64_t nesting_walk = 0;

  // How much each user watches, while compat/epoll is linked.
  void* watch_accounts = nullptr;
  void (*destroy_watch_accounts)(const Hal& hal, void* accounts) = nullptr;

  // AF_UNIX's own, while its archive is linked (compat/afunix).
  void* unix_domain = nullptr;
  void (*destroy_unix_domain)(const Hal& hal, void* domain) = nullptr;
  // visit(context, report) for each open socket, under the family's lock.
  using VisitUnixReport = void (*)(void* context, const UnixReport& report);
  void (*report_unix_sockets)(void* domain, VisitUnixReport visit, void* context) = nullptr;

  // AF_NETLINK's own, the same way (compat/afnetlink).
  void* netlink_domain = nullptr;
  void (*destroy_netlink_domain)(const Hal& hal, void* domain) = nullptr;

  // AF_PACKET's own, the same way (compat/afpacket).
  void* packet_domain = nullptr;
  void (*destroy_packet_domain)(const Hal& hal, void* domain) = nullptr;

  // The labels of IPv6's flows that somebody leased; null before the first (compat/afinet/flow_labels.hh).
  void* flow_labels = nullptr;
  void (*destroy_flow_labels)(const Hal& hal, void* labels) = nullptr;

  // Who joined which anycast address of IPv6; null before the first (compat/afinet/anycast_members.hh).
  void* anycast_members = nullptr;
  void (*destroy_anycast_members)(const Hal& hal, void* members) = nullptr;

  // AF_ALG's own, the same way (compat/afalg).
  void* algorithm_registry = nullptr;
  void (*destroy_algorithm_registry)(const Hal& hal, void* registry) = nullptr;
  // visit(context, report) for each algorithm, the newest first.
  using VisitAlgorithm = void (*)(void* context, const AlgorithmReport& report);
  void (*report_algorithms)(void* registry, Entry& entry, VisitAlgorithm visit, void* context) = nullptr;
  Result<> (*change_algorithms)(void* registry, Entry& entry, const AlgorithmChange& change) = nullptr;

 private:
  static constexpr size_t kMaxFamilies = 8;
  static constexpr size_t kMaxExtensions = 8;

  SocketFamily families_[kMaxFamilies] = {};
  size_t family_count_ = 0;
  std::span<const SyscallRow> extensions_[kMaxExtensions] = {};
  size_t extension_count_ = 0;
};

}  // namespace lxnet
