// What every socket has: a cookie, a pending error, and those who wait.
#include "stack/socket.hh"

#include "stack/stack.hh"

namespace lxnet {
namespace {

const OptionRecord<IpSocketOptions>& ip_defaults(Stack& stack, IpFamily family) {
  if (family == IpFamily::V4) return kIpOptionsV4;
  return stack.tunables().values().bindv6only != 0 ? kIpOptionsV6Only : kIpOptionsV6;
}

}  // namespace

Result<> SocketOptionSet::inherit(const Hal& hal, const SocketOptionSet& listener) {
  TRY(OptionSet::inherit(hal, listener));
  send_buffer = listener.send_buffer;
  receive_buffer = listener.receive_buffer;
  mark = listener.mark;
  bound_interface = listener.bound_interface;
  send_buffer_locked = listener.send_buffer_locked;
  receive_buffer_locked = listener.receive_buffer_locked;
  transmit_rehash = listener.transmit_rehash;
  return ok();
}

Socket::Socket(Stack& stack, IpFamily family, SocketType type, uint8_t protocol)
    : ip_options(ip_defaults(stack, family)),
      family_(family),
      type_(type),
      protocol_(protocol),
      stack_(stack),
      wait_queue_(stack.hal()) {
  const TunableValues& tunables = stack.tunables().values();
  options.send_buffer = static_cast<uint32_t>(tunables.wmem_default);
  options.receive_buffer = static_cast<uint32_t>(tunables.rmem_default);
}

// Before the socket is in a group the program waits for the group it will be the first of.
Result<> Socket::keep_group_program(Ref<BpfProgram> program) {
  if (!options->reuse_port) return Errno::EINVAL;
  const bool takes_away = !program;
  const Ref<BpfProgram> before = TRY(attachments.set_group_program(stack().hal(), std::move(program)));
  return takes_away && !before ? Result<>(Errno::ENOENT) : ok();
}

void Socket::withdraw_stamp_wish() { stamp_wish.withdraw(stack_.stamps()); }

Result<> Socket::count_timestamp_keys() {
  SocketOptions* own = TRY(options.change(stack().hal()));
  __atomic_store_n(&own->timestamp_key, 0u, __ATOMIC_RELAXED);
  return ok();
}

uint64_t Socket::cookie() {
  uint64_t cookie = __atomic_load_n(&cookie_, __ATOMIC_RELAXED);
  if (cookie != 0) return cookie;
  const uint64_t drawn = stack_.sockets().next_cookie();
  // Another task may have been faster: then its number is the socket's and ours is lost.
  return __atomic_compare_exchange_n(&cookie_, &cookie, drawn, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED) ? drawn : cookie;
}

void Socket::note_processor() {
  const uint32_t here = stack_.hal().processor();
  // Mostly it is the same, and then the cache line stays shared.
  if (options.incoming_cpu.load() != here) options.incoming_cpu.store(here);
}

Errno Socket::take_error() {
  // Mostly there is none, and then the packet path's cache line stays shared.
  if (!has_error()) return Errno{};
  return static_cast<Errno>(__atomic_exchange_n(&error_, 0u, __ATOMIC_ACQ_REL));
}

void Socket::report_error(Errno error) {
  __atomic_store_n(&error_, static_cast<uint32_t>(error), __ATOMIC_RELEASE);
  wait_queue_.wake(kPollError);
}

}  // namespace lxnet
