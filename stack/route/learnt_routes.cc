// Routes that routers told us of, and routes that end: advertisements, redirects, lifetimes.
//
// As on Linux a route whose time is over is not found any more, but is listed until the next collection (fib6_run_gc()), which is
// when listeners hear that it is gone. Redirects, which Linux keeps apart from routes, go at once.
#include "stack/route/route_table.hh"
#include "stack/stack.hh"

namespace lxnet {

// A route with this destination, gateway, interface and origin that lasts: its lifetime begins anew. Else a new one.
Result<> RouteTable::learn_locked(Entry& entry, const RouteEntry& route) {
  {
    MutexLock lock(mutex_);
    RouteNode* known = find_own(route);
    if (known != nullptr) {
      if (!known->value.expires.is_never()) known->value.preference = route.preference;
      renew_lifetime(entry, *known, route.expires);
      return ok();
    }
  }
  const Ref<Interface> output = stack_.interfaces().find(route.output_interface);
  if (!output) return Errno::ENODEV;
  return add_own(entry, *output, route);
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

void RouteTable::renew_lifetime(Entry& entry, RouteNode& node, Instant expires) {
  if (!node.value.expires.is_never()) set_lifetime(entry, node, expires);
}

void RouteTable::set_lifetime(Entry& entry, RouteNode& node, Instant expires) {
  node.value.expires = expires;
  node.has_ended = false;
  if (!expires.is_never()) arm_expiry(entry.now());
}

// For the first of those that end, or for the collection of those that have.
void RouteTable::arm_expiry(Instant now) {
  Instant first = Instant::never();
  bool has_any = false;
  for (const Table& table : tables_) {
    table.trie.for_each([&](const RouteNode& node) {
      if (node.value.expires.is_never()) return;
      has_any = true;
      if (!node.has_ended && node.value.expires < first) first = node.value.expires;
    });
  }
  if (!has_any) {
    collection_due_ = Instant::never();
  } else if (collection_due_.is_never()) {
    collection_due_ = now + Duration::seconds(stack_.tunables().values().route6_collection_seconds);
  }
  stack_.timers().arm(expiry_timer_, first < collection_due_ ? first : collection_due_);
}

void RouteTable::expired(Entry& entry, Timer& timer) {
  RouteTable& self = entry.stack().routes();
  MutexLock configuration(self.stack_.interfaces().configuration());
  if (!timer.claim()) return;
  bool collects = false;
  {
    MutexLock lock(self.mutex_);
    for (Table& table : self.tables_) {
      table.trie.for_each([&](RouteNode& node) { node.has_ended = node.value.expires <= entry.now(); });
    }
    collects = self.collection_due_ <= entry.now();
    if (collects) self.collection_due_ = Instant::never();
  }
  self.remove_routes_if(
      entry, [&](const RouteNode& node) { return node.has_ended && (collects || node.value.origin == RouteOrigin::Redirect); });
  MutexLock lock(self.mutex_);
  self.arm_expiry(entry.now());
}

}  // namespace lxnet
