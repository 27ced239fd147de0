// Routes that routers told us of, and routes that end: advertisements, redirects, lifetimes.
#include "stack/route/route_table.hh"
#include "stack/stack.hh"

namespace lxnet {

// A route with this destination, gateway, interface and origin that lasts: its lifetime begins anew. Else a new one.
Result<> RouteTable::learn_locked(Entry& entry, const RouteEntry& route) {
  {
    MutexLock lock(mutex_);
    RouteNode* known = find_own(route);
    if (known != nullptr) {
      // One that does not end was not learnt, and is not shortened by what is.
      if (known->value.expires.is_never()) return ok();
      known->value.expires = route.expires;
      known->value.preference = route.preference;
    }
    if (known != nullptr) {
      arm_expiry();
      return ok();
    }
  }
  const Ref<Interface> output = stack_.interfaces().find(route.output_interface);
  if (!output) return Errno::ENODEV;
  TRY(add_own(entry, *output, route));
  MutexLock lock(mutex_);
  arm_expiry();
  return ok();
}

void RouteTable::remove_learnt_locked(Entry& entry, const RouteEntry& route) {
  {
    MutexLock lock(mutex_);
    const RouteNode* known = find_own(route);
    if (known == nullptr || known->value.expires.is_never()) return;
  }
  remove_own(entry, route);
  bump_generation();
}

void RouteTable::forget_router(Entry& entry, Interface& interface, const IpAddress& router) {
  MutexLock configuration(stack_.interfaces().configuration());
  remove_routes_if(entry, [&](const RouteNode& node) {
    const RouteEntry& route = node.value;
    const bool is_learnt = route.origin == RouteOrigin::RouterAdvertisement || route.origin == RouteOrigin::Redirect;
    return is_learnt && node.output.get() == &interface && route.has_gateway && route.gateway == router;
  });
}

Result<> RouteTable::learn_redirect(Entry& entry, Interface& interface, const IpAddress& destination, const IpAddress& gateway) {
  constexpr size_t kMaxRedirects = 256;
  constexpr Duration kLifetime = Duration::seconds(300);
  MutexLock configuration(stack_.interfaces().configuration());
  RouteEntry route{.destination = {.address = destination, .length = static_cast<uint8_t>(destination.is_v4() ? 32 : 128)},
                   .origin = RouteOrigin::Redirect,
                   .has_gateway = gateway != destination,
                   .output_interface = interface.index(),
                   .gateway = gateway,
                   .expires = entry.now() + kLifetime};
  if (!route.has_gateway) route.scope = AddressScope::Link;
  size_t count = 0;
  for_each_route(destination.family(), [&](const RouteEntry& other) { count += other.origin == RouteOrigin::Redirect; });
  if (count >= kMaxRedirects) return Errno::ENOBUFS;
  // The newest word counts.
  remove_routes_if(entry, [&](const RouteNode& node) {
    return node.value.origin == RouteOrigin::Redirect && node.value.destination == route.destination;
  });
  return learn_locked(entry, route);
}

bool RouteTable::may_redirect(const IpAddress& host, Instant now) {
  constexpr uint32_t kLimit = 9;
  constexpr Duration kLoad = Duration::millis(20), kSilence = Duration::millis(20 << (kLimit + 1));
  MutexLock lock(mutex_);
  RedirectPace& pace = redirect_paces_[host.v6().bytes()[15] % kRedirectPaces];
  if (pace.host != host || now > pace.last + kSilence) pace = {.host = host, .last = Instant(), .count = 0};
  if (pace.count >= kLimit) {
    pace.last = now;
    return false;
  }
  if (pace.count != 0 && now < pace.last + kLoad * (int64_t{1} << pace.count)) return false;
  pace.last = now;
  ++pace.count;
  return true;
}

// For the first of those that end.
void RouteTable::arm_expiry() {
  Instant first = Instant::never();
  for (const Table& table : tables_) {
    table.trie.for_each([&](const RouteNode& node) {
      if (node.value.expires < first) first = node.value.expires;
    });
  }
  stack_.timers().arm(expiry_timer_, first);
}

void RouteTable::expired(Entry& entry, Timer& timer) {
  RouteTable& self = entry.stack().routes();
  MutexLock configuration(self.stack_.interfaces().configuration());
  if (!timer.claim()) return;
  self.remove_routes_if(entry, [&](const RouteNode& node) { return node.value.expires <= entry.now(); });
  MutexLock lock(self.mutex_);
  self.arm_expiry();
}

}  // namespace lxnet
