// Interfaces by name and index: registering, finding, renaming, and telling observers.
#include "stack/interface_registry.hh"

#include "netdev/virtual_device.hh"
#include "stack/look_ahead.hh"
#include "stack/stack.hh"

namespace lxnet {
namespace {

constexpr unsigned kMaxNumberedNames = 4096;  // how many eth%d are tried

size_t name_size(const char* name) {
  size_t size = 0;
  while (size < Interface::kNameSize && name[size] != '\0') ++size;
  return size;
}

bool same_name(const char* a, const char* b) {
  for (size_t i = 0; i < Interface::kNameSize; ++i) {
    if (a[i] != b[i]) return false;
    if (a[i] == '\0') return true;
  }
  return true;
}

size_t hash_name(const char* name) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < Interface::kNameSize && name[i] != '\0'; ++i) hash = (hash ^ static_cast<uint8_t>(name[i])) * 16777619u;
  return hash;
}

// dev_valid_name: not empty, shorter than IFNAMSIZ, no "." and "..", no '/', ':' and white space.
bool is_valid_name(const char* name) {
  const size_t size = name_size(name);
  if (size == 0 || size >= Interface::kNameSize) return false;
  if (name[0] == '.' && (size == 1 || (size == 2 && name[1] == '.'))) return false;
  for (size_t i = 0; i < size; ++i) {
    const char c = name[i];
    if (c == '/' || c == ':' || c == ' ' || (c >= '\t' && c <= '\r') || static_cast<uint8_t>(c) == 0xa0) return false;
  }
  return true;
}

// Writes `number` for the "%d" that stands behind the first `stem_size` bytes; false when it does not fit.
bool expand_name(const char* pattern, size_t stem_size, unsigned number, char (&out)[Interface::kNameSize]) {
  char digits[10];
  size_t digit_count = 0;
  do {
    digits[digit_count++] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  const char* rest = pattern + stem_size + 2;
  const size_t rest_size = name_size(rest);
  if (stem_size + digit_count + rest_size >= Interface::kNameSize) return false;
  memset(out, 0, sizeof out);
  memcpy(out, pattern, stem_size);
  for (size_t i = 0; i < digit_count; ++i) out[stem_size + i] = digits[digit_count - 1 - i];
  memcpy(out + stem_size + digit_count, rest, rest_size);
  return true;
}

void device_receive(void* owner, Entry& entry, PacketQueue& batch) {
  auto& interface = *static_cast<Interface*>(owner);
  const bool is_ours = interface.is_loopback();
  for (Packet* packet = batch.front(); packet != nullptr; packet = batch.next(*packet)) {
    packet->interface_index = interface.index();
    if (!is_ours) packet->receiver_hashes = {};  // another stack's, if any
  }
  if (!is_ours && batch.count() > 1) look_ahead(interface, batch);
  entry.receive(batch);
}

}  // namespace

InterfaceRegistry::InterfaceRegistry(Stack& stack)
    : stack_(stack),
      configuration_(stack.hal(), LockRank::Configuration),
      mutex_(stack.hal(), LockRank::Interfaces),
      by_address_(stack.hal()),
      hash_key_(stack.hal().random<uint64_t>() | 1),
      lifetime_timer_(&lifetimes_expired),
      taps_(stack.hal()) {
  all_.v4.accept_source_route = 0;
}

InterfaceRegistry::~InterfaceRegistry() {
  ASSERT(in_order_.is_empty());
  stack_.timers().cancel(lifetime_timer_);
}

Ref<Interface> InterfaceRegistry::find(uint32_t index) const {
  // No lock is needed to find `lo`.
  if (loopback_ != nullptr && index == loopback_->index()) return Ref<Interface>::share(*loopback_);
  MutexLock lock(mutex_);
  Interface* interface = find_locked(index);
  return interface == nullptr ? nullptr : Ref<Interface>::share(*interface);
}

Interface* InterfaceRegistry::find_locked(uint32_t index) const {
  for (Interface& interface : by_index_[index % kInterfaceBuckets]) {
    if (interface.index_ == index) return &interface;
  }
  return nullptr;
}

Interface* InterfaceRegistry::find_by_name_locked(const char* name) const {
  for (Interface& interface : by_name_[hash_name(name) % kInterfaceBuckets]) {
    if (same_name(interface.name_, name)) return &interface;
  }
  return nullptr;
}

Ref<Interface> InterfaceRegistry::find(const char* name) const {
  MutexLock lock(mutex_);
  Interface* interface = find_by_name_locked(name);
  return interface == nullptr ? nullptr : Ref<Interface>::share(*interface);
}

Ref<Interface> InterfaceRegistry::find_next(uint32_t index) const {
  MutexLock lock(mutex_);
  for (Interface& interface : in_order_) {
    if (interface.index_ > index) return Ref<Interface>::share(interface);
  }
  return nullptr;
}

// The name to register: as given, or the first free number in the place of "%d".
Result<> InterfaceRegistry::check_name(const char* name, char (&out)[Interface::kNameSize]) {
  if (!is_valid_name(name)) return Errno::EINVAL;
  const size_t size = name_size(name);
  size_t percent = 0;
  while (percent < size && name[percent] != '%') ++percent;
  MutexLock lock(mutex_);
  if (percent == size) {
    memset(out, 0, sizeof out);
    memcpy(out, name, size);
    if (find_by_name_locked(out) != nullptr) return Errno::EEXIST;
    return ok();
  }
  if (name[percent + 1] != 'd') return Errno::EINVAL;
  for (size_t i = percent + 2; i < size; ++i) {
    if (name[i] == '%') return Errno::EINVAL;
  }
  for (unsigned number = 0; number < kMaxNumberedNames; ++number) {
    if (!expand_name(name, percent, number, out)) break;
    if (find_by_name_locked(out) == nullptr) return ok();
  }
  return Errno::ENFILE;
}

void InterfaceRegistry::link_locked(Interface& interface) {
  by_index_[interface.index_ % kInterfaceBuckets].push_back(interface);
  by_name_[hash_name(interface.name_) % kInterfaceBuckets].push_back(interface);
  Interface* before = in_order_.back();
  while (before != nullptr && before->index_ > interface.index_) before = in_order_.previous(*before);
  if (before != nullptr) {
    in_order_.insert_after(*before, interface);
  } else {
    in_order_.push_front(interface);
  }
}

// dev_index_reserve(): an index is not given again before all others were.
Result<uint32_t> InterfaceRegistry::choose_index(uint32_t asked) {
  if (asked > INT32_MAX) return Errno::EINVAL;
  MutexLock lock(mutex_);
  if (asked != 0) return find_locked(asked) == nullptr ? Result<uint32_t>(asked) : Result<uint32_t>(Errno::EBUSY);
  do {
    asked = next_index_;
    next_index_ = asked == INT32_MAX ? 1 : asked + 1;
  } while (find_locked(asked) != nullptr);
  return asked;
}

// Name and index are taken; until it is open nothing can be done to it.
Result<Ref<Interface>> InterfaceRegistry::reserve(const NewInterface& asked) {
  char full_name[Interface::kNameSize];
  TRY(check_name(asked.name == nullptr ? "eth%d" : asked.name, full_name));
  Ref<Interface> interface = TRY(make_ref<Interface>(stack_.hal(), stack_, asked.device, 0u));
  TRY(interface->create_parts());
  interface->index_ = TRY(choose_index(asked.index));
  memcpy(interface->name_, full_name, sizeof full_name);
  interface->settings_ = default_;
  interface->settings_.v6.mtu = static_cast<int32_t>(interface->mtu_);
  interface->release_device_ = asked.release;
  if (interface->is_loopback() && loopback_ == nullptr) loopback_ = interface.get();
  MutexLock lock(mutex_);
  link_locked(*Ref<Interface>(interface).leak());
  return interface;
}

void InterfaceRegistry::open(Entry& entry, Interface& interface) {
  __atomic_store_n(&interface.is_registered_, true, __ATOMIC_RELAXED);
  interface.device_->attach(client_of(interface));
  notify(entry, {.kind = NetworkEvent::Kind::InterfaceAdded, .interface = &interface});
}

Result<Ref<Interface>> InterfaceRegistry::add(Entry& entry, const NewInterface& asked) {
  MutexLock configuration(configuration_);
  Ref<Interface> interface = TRY(reserve(asked));
  open(entry, *interface);
  return interface;
}

DeviceClient InterfaceRegistry::client_of(Interface& interface) {
  return {.owner = &interface,
          .receive = &device_receive,
          .schedule_poll = [](void* owner) { static_cast<Interface*>(owner)->poll_device(); },
          .link_changed = [](void* owner) { static_cast<Interface*>(owner)->carrier_may_have_changed(); }};
}

Result<> InterfaceRegistry::wrap_device(Interface& interface, NetDevice& wrapper) {
  MutexLock configuration(configuration_);
  if (!interface.is_registered_) return Errno::ENODEV;
  if (interface.is_up()) TRY(wrapper.start());
  wrapper.attach(client_of(interface));
  interface.device_ = &wrapper;
  interface.loopback_ = wrapper.as_loopback();
  return ok();
}

void InterfaceRegistry::remove(Entry& entry, Interface& interface) {
  MutexLock configuration(configuration_);
  if (!interface.is_registered_) return;
  const Ref<Interface> until_told = Ref<Interface>::share(interface);
  leave(entry, interface);
  if (VirtualDevice* made = interface.device_->as_virtual()) made->left_for_good();
}

void InterfaceRegistry::leave(Entry& entry, Interface& interface) {
  if (interface.is_up()) take_down(entry, interface);
  erase_addresses(entry, interface, IpFamily::V4, 0);
  erase_addresses(entry, interface, IpFamily::V6, 0);
  stack_.neighbours().forget_all(entry, interface);
  stack_.routes().interface_removed(entry, interface);
  __atomic_store_n(&interface.is_registered_, false, __ATOMIC_RELAXED);
  interface.device_->attach({});
  if (loopback_ == &interface) loopback_ = nullptr;
  {
    MutexLock lock(mutex_);
    interface.index_link_.unlink();
    interface.name_link_.unlink();
    interface.order_link_.unlink();
  }
  stack_.timers().cancel(interface.carrier_timer_);
  notify(entry, {.kind = NetworkEvent::Kind::InterfaceRemoved, .interface = &interface});
  static_cast<void>(Ref<Interface>::adopt(&interface));  // the registry's count
}

Result<> InterfaceRegistry::rename(Entry& entry, Interface& interface, const char* name) {
  MutexLock configuration(configuration_);
  if (!interface.is_registered_) return Errno::ENODEV;
  if (is_valid_name(name) && same_name(interface.name_, name)) return ok();
  char full_name[Interface::kNameSize];
  TRY(check_name(name, full_name));
  {
    MutexLock lock(mutex_);
    interface.name_link_.unlink();
    memcpy(interface.name_, full_name, sizeof full_name);
    by_name_[hash_name(full_name) % kInterfaceBuckets].push_back(interface);
  }
  notify(entry, {.kind = NetworkEvent::Kind::InterfaceChanged, .interface = &interface});
  return ok();
}

void InterfaceRegistry::add_observer(NetworkObserver& observer) {
  MutexLock configuration(configuration_);
  observers_.push_back(observer);
}

void InterfaceRegistry::remove_observer(NetworkObserver& observer) {
  MutexLock configuration(configuration_);
  observers_.remove(observer);
}

void InterfaceRegistry::notify(Entry& entry, const NetworkEvent& event) {
  for (NetworkObserver& observer : observers_) observer.callback_(observer, entry, event);
}

}  // namespace lxnet
