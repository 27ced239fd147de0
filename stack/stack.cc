// A stack coming to life and going.
#include "stack/stack.hh"

#include <algorithm>

#include "stack/virtual_link.hh"

namespace lxnet {
namespace {

constexpr size_t kDefaultMemoryLimit = size_t{256} << 20;

size_t memory_limit(const lxnet_config& config) {
  return config.memory_limit == 0 ? kDefaultMemoryLimit : static_cast<size_t>(config.memory_limit);
}

}  // namespace

Stack::Stack(const Hal& hal, const lxnet_config& config)
    : hal_(hal),
      pool_(hal_, memory_limit(config)),
      timers_(hal_, reinterpret_cast<lxnet_stack*>(this)),
      mib_(hal_.sharing()),
      tunables_(*this),
      loopback_(hal_.sharing()),
      interfaces_(*this),
      neighbours_(*this),
      routes_(*this),
      hooks_(hal_),
      filter_(hooks_, connections_),
      ip_(*this),
      icmp_(*this),
      memberships_(*this),
      sockets_(*this),
      tcp_(hal_),
      cookie_(hal_.random<uint64_t>() | 1) {
  // Linux's tcp_init_mem(), of the memory that packets may take.
  const auto pages = static_cast<int32_t>(std::min<size_t>(memory_limit(config) / TcpShared::kPage / 2, INT32_MAX / 2));
  TunableValues& tunables = tunables_.values();
  tunables.tcp_mem[0] = pages / 4 * 3;
  tunables.tcp_mem[1] = pages;
  tunables.tcp_mem[2] = pages / 4 * 6;
}

Result<Stack*> Stack::create(const lxnet_hal& table, const lxnet_config& config, const char** message) {
  const char* unused = nullptr;
  const char*& why = message == nullptr ? unused : *message;
  if (config.struct_size < sizeof(lxnet_config)) {
    why = "the configuration's struct_size is not that of a lxnet_config";
    return Errno::EINVAL;
  }
  const Hal hal = TRY(Hal::create(table, message));
  Stack* stack = construct<Stack>(hal, hal, config);
  const Result<> initialised = stack == nullptr ? Result<>(Errno::ENOMEM) : stack->initialise(config);
  if (initialised.is_ok()) return stack;
  why = initialised.error() == Errno::ENOMEM ? "there is not enough memory for a stack" : "the stack could not be set up";
  if (stack != nullptr) destroy(stack);
  return initialised.error();
}

Result<> Stack::initialise(const lxnet_config& config) {
  Entry entry(*this);
  TRY(routes_.initialise());
  const Ref<Interface> lo = TRY(interfaces_.add(entry, loopback_, "lo"));
  if ((config.flags & LXNET_CONFIG_LOOPBACK_DOWN) != 0) return ok();
  TRY(interfaces_.set_state(entry, *lo, LinkState::Up));
  // Linux lives with a lo that lacks its addresses; a stack that begins so would only surprise later.
  if (!interfaces_.is_local_address(Ipv4Address::loopback()) || !interfaces_.is_local_address(Ipv6Address::loopback())) {
    return Errno::ENOMEM;
  }
  return ok();
}

void Stack::destroy(Stack* stack) {
  {
    Entry entry(*stack);
    while (const Ref<Interface> interface = stack->interfaces_.find_next(0)) remove_link(entry, *interface);
  }
  const Hal hal = stack->hal_;
  dispose(hal, stack);
}

}  // namespace lxnet
