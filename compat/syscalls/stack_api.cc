// The calls of lxnet.h that make and unmake a stack with its system-call layer.
#include "compat/afinet/inet_socket.hh"
#include "compat/syscalls/call_tracer.hh"
#include "compat/syscalls/compat_state.hh"
#include "hal/lxnet.h"
#include "listen_table/listen_table.hh"

namespace lxnet {
namespace {

lxnet_stack* to_c(Stack* stack) { return reinterpret_cast<lxnet_stack*>(stack); }
Stack& from_c(lxnet_stack* stack) { return *reinterpret_cast<Stack*>(stack); }

Result<> attach_compat(Stack& stack) {
  CompatState* state = construct<CompatState>(stack.hal(), stack.hal());
  if (state == nullptr) return Errno::ENOMEM;
  stack.upper_layer = state;
  TRY(register_inet_families(*state));
  return ListenTable::install(stack);
}

// What is left in the tables: half-open connections, TIME_WAITs, connections that outlive their descriptors, sockets whose files
// the host still holds.
void end_sockets(Stack& stack) {
  Entry entry(stack);
  SocketCursor cursor(stack.sockets());
  while (Flow left = cursor.next()) {
    if (left.socket) left.socket->abandon(entry);
    if (left.mini) left.mini->end(entry);
  }
}

void detach_compat(Stack& stack) {
  end_sockets(stack);
  if (stack.ports().table != nullptr) ListenTable::uninstall(stack);
  if (stack.upper_layer == nullptr) return;
  CompatState& state = CompatState::of(stack);
  if (state.call_tracer != nullptr) state.call_tracer->destroy(stack.hal(), state.call_tracer);
  if (state.unix_domain != nullptr) state.destroy_unix_domain(stack.hal(), state.unix_domain);
  if (state.watch_accounts != nullptr) state.destroy_watch_accounts(stack.hal(), state.watch_accounts);
  if (state.netlink_domain != nullptr) state.destroy_netlink_domain(stack.hal(), state.netlink_domain);
  if (state.packet_domain != nullptr) state.destroy_packet_domain(stack.hal(), state.packet_domain);
  if (state.flow_labels != nullptr) state.destroy_flow_labels(stack.hal(), state.flow_labels);
  if (state.anycast_members != nullptr) state.destroy_anycast_members(stack.hal(), state.anycast_members);
  if (state.algorithm_registry != nullptr) state.destroy_algorithm_registry(stack.hal(), state.algorithm_registry);
  dispose(stack.hal(), &state);
  stack.upper_layer = nullptr;
}

}  // namespace
}  // namespace lxnet

extern "C" {

int lxnet_stack_create(const lxnet_hal* hal, const lxnet_config* config, lxnet_stack** out, const char** message) {
  using namespace lxnet;
  auto created = Stack::create(*hal, *config, message);
  if (!created.is_ok()) return -static_cast<int>(created.error());
  Stack* stack = created.take();
  auto attached = attach_compat(*stack);
  if (!attached.is_ok()) {
    if (message != nullptr) *message = "no memory for the system-call layer";
    detach_compat(*stack);
    Stack::destroy(stack);
    return -static_cast<int>(attached.error());
  }
  *out = to_c(stack);
  return 0;
}

void lxnet_stack_destroy(lxnet_stack* stack) {
  lxnet::detach_compat(lxnet::from_c(stack));
  lxnet::Stack::destroy(&lxnet::from_c(stack));
}

int lxnet_tunable_set(lxnet_stack* stack, const char* name, const char* value) {
  auto set = lxnet::from_c(stack).tunables().set(name, value);
  return set.is_ok() ? 0 : -static_cast<int>(set.error());
}

int lxnet_tunable_get(lxnet_stack* stack, const char* name, char* value, size_t room) {
  auto size = lxnet::from_c(stack).tunables().get(name, std::span<char>(value, room));
  return size.is_ok() ? static_cast<int>(size.take()) : -static_cast<int>(size.error());
}

uint64_t lxnet_file_cookie(lxnet_file* file) {
  lxnet::File* object = lxnet::File::from_c(file);
  return object->kind() == lxnet::FileKind::Socket ? static_cast<lxnet::SocketFile*>(object)->cookie() : 0;
}

lxnet_stack* lxnet_file_stack(const lxnet_file* file) {
  return lxnet::to_c(&reinterpret_cast<const lxnet::File*>(file)->stack());
}

int lxnet_serves_family(lxnet_stack* stack, int family) {
  return lxnet::CompatState::of(lxnet::from_c(stack)).find_family(family) != nullptr;
}

}  // extern "C"
