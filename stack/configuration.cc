// The calls of lxnet.h by which a host configures a stack: devices, addresses, routes; and the timer's way in.
#include "stack/c_device.hh"
#include "stack/stack.hh"
#include "stack/wire/address_text.hh"

namespace lxnet {
namespace {

Stack& from_c(lxnet_stack* stack) { return *reinterpret_cast<Stack*>(stack); }
CDevice& from_c(lxnet_netdev* device) { return *reinterpret_cast<CDevice*>(device); }

template <typename T>
int to_c(const Result<T>& result) {
  return result.is_ok() ? 0 : -static_cast<int>(result.error());
}

Result<IpAddress> parse_address(std::span<const char> text) {
  Result<Ipv4Address> v4 = parse_ipv4(text);
  if (v4.is_ok()) return IpAddress(v4.take());
  return IpAddress(TRY(parse_ipv6(text)));
}

// "192.0.2.1/24"; without a slash the prefix is the whole address.
Result<Prefix> parse_prefix(const char* text) {
  if (text == nullptr) return Errno::EINVAL;
  size_t size = 0, slash = 0;
  bool has_slash = false;
  for (; text[size] != '\0'; ++size) {
    if (text[size] == '/' && !has_slash) {
      has_slash = true;
      slash = size;
    }
  }
  Prefix prefix{.address = TRY(parse_address({text, has_slash ? slash : size})), .length = 0};
  const unsigned bits = prefix.address.is_v4() ? 32 : 128;
  unsigned length = has_slash ? 0 : bits;
  if (has_slash && (size == slash + 1 || size > slash + 4)) return Errno::EINVAL;
  for (size_t i = slash + 1; has_slash && i < size; ++i) {
    if (text[i] < '0' || text[i] > '9') return Errno::EINVAL;
    length = length * 10 + static_cast<unsigned>(text[i] - '0');
  }
  if (length > bits) return Errno::EINVAL;
  prefix.length = static_cast<uint8_t>(length);
  return prefix;
}

Result<Ref<Interface>> find_interface(Stack& stack, const char* name) {
  if (name == nullptr) return Errno::EINVAL;
  Ref<Interface> interface = stack.interfaces().find(name);
  if (!interface) return Errno::ENODEV;
  return interface;
}

Result<> set_up(Stack& stack, const char* name, bool is_up) {
  Entry entry(stack);
  const Ref<Interface> interface = TRY(find_interface(stack, name));
  return stack.interfaces().set_state(entry, *interface, is_up ? LinkState::Up : LinkState::Down);
}

Result<> add_address(Stack& stack, const char* name, const char* text) {
  Entry entry(stack);
  const Ref<Interface> interface = TRY(find_interface(stack, name));
  const Prefix prefix = TRY(parse_prefix(text));
  const bool is_host = prefix.address.is_loopback();
  return stack.interfaces().add_address(entry, *interface,
                                        {.address = prefix.address,
                                         .peer = prefix.address,
                                         .prefix_length = prefix.length,
                                         .scope = is_host ? AddressScope::Host : AddressScope::Universe});
}

Result<> remove_address(Stack& stack, const char* name, const char* text) {
  Entry entry(stack);
  const Ref<Interface> interface = TRY(find_interface(stack, name));
  const Prefix prefix = TRY(parse_prefix(text));
  return stack.interfaces().remove_address(entry, *interface, prefix.address, prefix.length);
}

bool is_default(const char* text) {
  constexpr char kDefault[] = "default";
  for (size_t i = 0; i < sizeof kDefault; ++i) {
    if (text[i] != kDefault[i]) return false;
  }
  return true;
}

Result<> add_route(Stack& stack, const char* destination, const char* gateway, const char* name) {
  if (destination == nullptr || (gateway == nullptr && name == nullptr)) return Errno::EINVAL;
  Entry entry(stack);
  RouteEntry route;
  if (name != nullptr) route.output_interface = TRY(find_interface(stack, name))->index();
  if (gateway != nullptr) {
    const Prefix parsed = TRY(parse_prefix(gateway));
    if (parsed.length != (parsed.address.is_v4() ? 32 : 128)) return Errno::EINVAL;
    route.gateway = parsed.address;
    route.has_gateway = true;
  }
  if (is_default(destination)) {
    route.destination.address = IpAddress::any(gateway == nullptr ? IpFamily::V4 : route.gateway.family());
  } else {
    route.destination = TRY(parse_prefix(destination));
  }
  if (route.has_gateway && !route.gateway.is_v4() && route.destination.address.is_v4()) route.is_on_link = name != nullptr;
  if (route.has_gateway && route.gateway.is_v4() && !route.destination.address.is_v4()) return Errno::EINVAL;
  route.scope = route.has_gateway ? AddressScope::Universe : AddressScope::Link;
  return stack.routes().add(entry, route);
}

Result<CDevice*> register_device(Stack& stack, const char* name, const lxnet_netdev_ops* ops) {
  if (ops == nullptr) return Errno::EINVAL;
  Entry entry(stack);
  CDevice* device = TRY(CDevice::create(stack, *ops));
  Result<Ref<Interface>> added = stack.interfaces().add(entry, *device, name, &CDevice::release);
  if (!added.is_ok()) {
    CDevice::release(*device);
    return added.error();
  }
  device->set_interface(*added.take());
  return device;
}

}  // namespace
}  // namespace lxnet

extern "C" {

int lxnet_netdev_register(lxnet_stack* stack, const char* name, const lxnet_netdev_ops* ops, lxnet_netdev** device) {
  auto registered = lxnet::register_device(lxnet::from_c(stack), name, ops);
  if (registered.is_ok()) *device = reinterpret_cast<lxnet_netdev*>(registered.take());
  return lxnet::to_c(registered);
}

void lxnet_netdev_unregister(lxnet_netdev* handle) {
  lxnet::CDevice& device = lxnet::from_c(handle);
  lxnet::Stack& stack = device.stack();
  lxnet::Entry entry(stack);
  stack.interfaces().remove(entry, *lxnet::Ref<lxnet::Interface>::share(device.interface()));
}

void lxnet_netdev_set_carrier(lxnet_netdev* handle, int is_up) {
  lxnet::CDevice& device = lxnet::from_c(handle);
  lxnet::Entry entry(device.stack());
  device.set_carrier(is_up != 0);
  device.stack().interfaces().update_carrier(entry, device.interface());
}

uint32_t lxnet_netdev_index(const lxnet_netdev* handle) {
  return lxnet::from_c(const_cast<lxnet_netdev*>(handle)).interface().index();
}

void lxnet_netdev_receive(lxnet_netdev* handle, const void* frame, size_t size) {
  lxnet::CDevice& device = lxnet::from_c(handle);
  lxnet::Entry entry(device.stack());
  device.receive(entry, lxnet::ByteSpan(static_cast<const uint8_t*>(frame), size));
}

void lxnet_timer_expire(lxnet_stack* stack) {
  lxnet::Entry entry(lxnet::from_c(stack));
  entry.stack().timers().expire(entry, entry.now());
}

int lxnet_interface_set_up(lxnet_stack* stack, const char* name, int is_up) {
  return lxnet::to_c(lxnet::set_up(lxnet::from_c(stack), name, is_up != 0));
}

int lxnet_address_add(lxnet_stack* stack, const char* name, const char* address_with_prefix) {
  return lxnet::to_c(lxnet::add_address(lxnet::from_c(stack), name, address_with_prefix));
}

int lxnet_address_remove(lxnet_stack* stack, const char* name, const char* address_with_prefix) {
  return lxnet::to_c(lxnet::remove_address(lxnet::from_c(stack), name, address_with_prefix));
}

int lxnet_route_add(lxnet_stack* stack, const char* destination, const char* gateway, const char* name) {
  return lxnet::to_c(lxnet::add_route(lxnet::from_c(stack), destination, gateway, name));
}

}  // extern "C"
