#include "compat/afinet/flow_labels.hh"

#include "compat/afinet/lazy_part.hh"
#include "compat/syscalls/compat_state.hh"

namespace lxnet {
namespace {

constexpr uint32_t kMask = 0xfffff;
enum Share : uint8_t { kShareNone = 0, kShareExclusive = 1, kShareProcess = 2, kShareUser = 3, kShareAny = 255 };
enum Flag : uint16_t { kCreate = 1, kMustBeNew = 2 };
constexpr uint32_t kMost = 4096, kMostOfSocket = 32;  // FL_MAX_SIZE, FL_MAX_PER_SOCK
constexpr uint16_t kLeastSeconds = 6, kMostSeconds = 150;

bool is_admin(SyscallContext& context) { return context.hal().capable(LXNET_CAP_NET_ADMIN); }

// check_linger(). EPERM.
Result<Duration> checked_time(SyscallContext& context, uint16_t seconds) {
  if (seconds < kLeastSeconds) return Duration::seconds(kLeastSeconds);
  if (seconds > kMostSeconds && !is_admin(context)) return Errno::EPERM;
  return Duration::seconds(seconds);
}

}  // namespace

FlowLabels::~FlowLabels() {
  MutexLock lock(mutex_);
  while (Holding* holding = holdings_.take_front()) dispose(hal_, holding);
  while (Lease* lease = leases_.take_front()) dispose(hal_, lease);
}

FlowLabels* FlowLabels::find(Stack& stack) { return find_part<FlowLabels>(CompatState::of(stack).flow_labels); }

Result<FlowLabels*> FlowLabels::find_or_create(Stack& stack) {
  CompatState& state = CompatState::of(stack);
  return find_or_create_part<FlowLabels>(stack, state.flow_labels, state.destroy_flow_labels);
}

bool FlowLabels::is_exclusive(const Lease& lease) { return lease.share != kShareAny; }

// fl6_renew(): times grow, and never shrink.
Result<> FlowLabels::extend(SyscallContext& context, Lease& lease, const Request& request) {
  const Duration linger = TRY(checked_time(context, request.linger));
  Duration expires = TRY(checked_time(context, request.expires));
  lease.last_use = context.entry().now();
  if (lease.linger < linger) lease.linger = linger;
  if (expires < lease.linger) expires = lease.linger;
  if (lease.expires < lease.last_use + expires) lease.expires = lease.last_use + expires;
  return ok();
}

// fl_create().
Result<> FlowLabels::fill(SyscallContext& context, const Request& request, Lease& lease) {
  lease.expires = context.entry().now();
  TRY(extend(context, lease, request));
  if (request.destination.is_v4_mapped() || request.destination.is_unspecified()) return Errno::EINVAL;
  lease.destination = request.destination;
  lease.label = request.label.get();
  lease.share = request.share;
  lxnet_credentials own{};
  context.hal().credentials(own);
  switch (request.share) {
    case kShareExclusive:
    case kShareAny:
      return ok();
    case kShareProcess:
      lease.owner = own.pid;
      return ok();
    case kShareUser:
      lease.owner = own.euid;
      return ok();
    default:
      return Errno::EINVAL;
  }
}

// mem_check().
Result<> FlowLabels::check_room_locked(SyscallContext& context, const Socket& socket) {
  const uint32_t room = kMost - count_;
  if (room > kMost - kMostOfSocket) return ok();
  uint32_t own = 0;
  for (Holding* holding = holdings_.front(); holding != nullptr; holding = holdings_.next(*holding))
    own += holding->socket == &socket;
  const bool is_much = own >= kMostOfSocket || (own > 0 && room < kMost / 2) || room < kMost / 4;
  return room == 0 || (is_much && !is_admin(context)) ? Result<>(Errno::ENOBUFS) : ok();
}

FlowLabels::Lease* FlowLabels::find_locked(uint32_t label) {
  for (Lease* lease = leases_.front(); lease != nullptr; lease = leases_.next(*lease)) {
    if (lease->label == label) return lease;
  }
  return nullptr;
}

FlowLabels::Holding* FlowLabels::find_holding_locked(const Socket& socket, uint32_t label) {
  for (Holding* holding = holdings_.front(); holding != nullptr; holding = holdings_.next(*holding)) {
    if (holding->socket == &socket && holding->lease->label == label) return holding;
  }
  return nullptr;
}

void FlowLabels::release_locked(Holding& holding, Instant now) {
  Lease& lease = *holding.lease;
  holdings_.remove(holding);
  dispose(hal_, &holding);
  lease.last_use = now;
  if (--lease.holders == 0 && lease.expires < now + lease.linger) lease.expires = now + lease.linger;
}

void FlowLabels::forget_expired_locked(Instant now) {
  for (Lease* lease = leases_.front(); lease != nullptr;) {
    Lease* next = leases_.next(*lease);
    if (lease->holders == 0 && lease->expires <= now) {
      if (is_exclusive(*lease)) __atomic_fetch_sub(&exclusive_, 1u, __ATOMIC_RELAXED);
      leases_.remove(*lease);
      --count_;
      dispose(hal_, lease);
    }
    lease = next;
  }
}

// A label that is leased already: with whom its first holder shares it.
Result<> FlowLabels::join_locked(Lease& lease, const Lease& wanted, const Request& request, Holding& holding) {
  if ((request.flags & kMustBeNew) != 0) return Errno::EEXIST;
  if (lease.share == kShareExclusive || lease.share != wanted.share || lease.owner != wanted.owner) return Errno::EPERM;
  if (lease.linger < wanted.linger) lease.linger = wanted.linger;
  if (lease.expires < wanted.expires) lease.expires = wanted.expires;
  ++lease.holders;
  holding.lease = &lease;
  holdings_.push_front(holding);
  return ok();
}

// ipv6_flowlabel_get().
Result<> FlowLabels::lease(SyscallContext& context, const Socket& socket, Request& request) {
  if ((request.label.get() & ~kMask) != 0) return Errno::EINVAL;
  auto* fresh = construct<Lease>(hal_);
  if (fresh == nullptr) return Errno::ENOMEM;
  auto* holding = construct<Holding>(hal_);
  if (holding != nullptr) holding->socket = &socket;
  auto answer = [&]() -> Result<> {
    TRY(fill(context, request, *fresh));
    if (holding == nullptr) return Errno::ENOMEM;
    MutexLock lock(mutex_);
    forget_expired_locked(context.entry().now());
    if (request.label.get() != 0) {
      if (Lease* present = find_locked(request.label.get())) return join_locked(*present, *fresh, request, *holding);
    }
    if ((request.flags & kCreate) == 0) return Errno::ENOENT;
    TRY(check_room_locked(context, socket));
    while (fresh->label == 0 || find_locked(fresh->label) != nullptr) fresh->label = hal_.random<uint32_t>() & kMask;
    request.label.set(fresh->label);
    fresh->holders = 1;
    holding->lease = fresh;
    leases_.push_back(*fresh);
    holdings_.push_front(*holding);
    ++count_;
    if (is_exclusive(*fresh)) __atomic_fetch_add(&exclusive_, 1u, __ATOMIC_RELAXED);
    return ok();
  }();
  if (!fresh->link.is_linked()) dispose(hal_, fresh);
  if (holding != nullptr && !holding->link.is_linked()) dispose(hal_, holding);
  return answer;
}

Result<> FlowLabels::give_back(SyscallContext& context, const Socket& socket, uint32_t label) {
  MutexLock lock(mutex_);
  Holding* holding = find_holding_locked(socket, label);
  if (holding == nullptr) return Errno::ESRCH;
  release_locked(*holding, context.entry().now());
  return ok();
}

Result<> FlowLabels::renew(SyscallContext& context, const Socket& socket, const Request& request) {
  const bool may_renew_others = request.share == kShareNone && is_admin(context);
  MutexLock lock(mutex_);
  forget_expired_locked(context.entry().now());
  if (Holding* holding = find_holding_locked(socket, request.label.get())) return extend(context, *holding->lease, request);
  Lease* lease = may_renew_others ? find_locked(request.label.get()) : nullptr;
  return lease != nullptr ? extend(context, *lease, request) : Result<>(Errno::ESRCH);
}

Result<> FlowLabels::describe(SyscallContext& context, const Socket& socket, uint32_t label, Request& out) {
  MutexLock lock(mutex_);
  const Holding* holding = find_holding_locked(socket, label);
  if (holding == nullptr) return Errno::ENOENT;
  const Lease& lease = *holding->lease;
  out.label.set(lease.label);
  out.destination = lease.destination;
  out.share = lease.share;
  out.expires = static_cast<uint16_t>((lease.expires - context.entry().now()).in_seconds());
  out.linger = static_cast<uint16_t>(lease.linger.in_seconds());
  return ok();
}

bool FlowLabels::may_use(Entry& entry, const Socket& socket, uint32_t label) {
  if (__atomic_load_n(&exclusive_, __ATOMIC_RELAXED) == 0) return true;
  MutexLock lock(mutex_);
  forget_expired_locked(entry.now());
  Holding* holding = find_holding_locked(socket, label);
  if (holding == nullptr) return __atomic_load_n(&exclusive_, __ATOMIC_RELAXED) == 0;
  holding->lease->last_use = entry.now();
  return true;
}

void FlowLabels::give_back_all(Entry& entry, const Socket& socket) {
  MutexLock lock(mutex_);
  for (Holding* holding = holdings_.front(); holding != nullptr;) {
    Holding* next = holdings_.next(*holding);
    if (holding->socket == &socket) release_locked(*holding, entry.now());
    holding = next;
  }
}

Result<> check_flow_label(Entry& entry, const Socket& socket, uint32_t label) {
  FlowLabels* labels = (label & kMask) != 0 ? FlowLabels::find(socket.stack()) : nullptr;
  return labels == nullptr || labels->may_use(entry, socket, label & kMask) ? ok() : Result<>(Errno::EINVAL);
}

}  // namespace lxnet
