// Descriptors on their way from one process to another.
#include "compat/afunix/unix_rights.hh"

#include "compat/afunix/unix_file.hh"

namespace lxnet {
namespace {

constexpr int kSocketLevel = 1, kRights = 1;
constexpr uint32_t kControlCloseOnExec = 0x40000000;  // MSG_CMSG_CLOEXEC
constexpr int kLimitOpenFiles = 7;

// A file of ours or of the host's behind a number, with a count.
Result<> find_item(SyscallContext& context, int fd, UnixRights::Item& item) {
  auto file = find_file(context, fd);
  if (file.is_ok()) {
    item.file = file.take();
    return ok();
  }
  const lxnet_hal& table = context.hal().table();
  if (file.is_error(Errno::ENOTSOCK) && table.foreign_get != nullptr)
    item.foreign = table.foreign_get(context.hal().context(), fd);
  if (item.foreign == nullptr) return Errno::EBADF;
  return ok();
}

}  // namespace

std::span<UnixRights::Item> UnixRights::items() const {
  if (body_ == nullptr) return {};
  return {body_->items.data(), body_->count};
}

Result<UnixRights::Body*> UnixRights::create_body(UnixDomain& domain, size_t room) {
  auto items = TRY(HeapArray<Item>::create(domain.hal(), room));
  Body* body = construct<Body>(domain.hal(), domain);
  if (body == nullptr) return Errno::ENOMEM;
  body->items = std::move(items);
  return body;
}

Result<> UnixRights::make_room(SyscallContext& context, size_t added) {
  if (body_ == nullptr) {
    UnixDomain& domain = UnixDomain::of(context.stack());
    body_ = TRY(create_body(domain, added));
    lxnet_credentials own{};
    context.hal().credentials(own);
    body_->user = TRY(domain.hold_user(own.uid));
    return ok();
  }
  HeapArray<Item> larger = TRY(HeapArray<Item>::create(context.hal(), body_->count + added));
  for (size_t i = 0; i < body_->count; ++i) {
    std::swap(larger[i].file, body_->items[i].file);
    std::swap(larger[i].foreign, body_->items[i].foreign);
  }
  body_->items = std::move(larger);
  return ok();
}

Result<> UnixRights::add(SyscallContext& context, ByteSpan numbers) {
  const size_t added = numbers.size() / sizeof(int);
  if (items().size() + added > kMost) return Errno::EINVAL;
  if (added == 0) return ok();
  TRY(make_room(context, added));
  for (size_t i = 0; i < added; ++i) {
    int fd = 0;
    copy_bytes(mutable_bytes_of(fd), numbers.subspan(i * sizeof(int)));
    TRY(find_item(context, fd, body_->items[body_->count]));  // what was taken goes with this object
    ++body_->count;
  }
  return ok();
}

Result<> UnixRights::check_limit() const {
  if (body_ == nullptr) return ok();
  const Hal& hal = body_->domain.hal();
  if (hal.table().resource_limit == nullptr) return ok();
  if (body_->domain.in_flight_of(*body_->user) <= hal.table().resource_limit(hal.context(), kLimitOpenFiles)) return ok();
  if (hal.capable(LXNET_CAP_SYS_RESOURCE) || hal.capable(LXNET_CAP_SYS_ADMIN)) return ok();
  return Errno::ETOOMANYREFS;
}

Result<UnixRights> UnixRights::clone() const {
  UnixRights copy;
  if (body_ == nullptr) return copy;
  const Hal& hal = body_->domain.hal();
  copy.body_ = TRY(create_body(body_->domain, body_->count));
  for (size_t i = 0; i < body_->count; ++i) {
    copy.body_->items[i].file = body_->items[i].file;
    copy.body_->items[i].foreign = body_->items[i].foreign;
    if (body_->items[i].foreign != nullptr) hal.table().foreign_ref(hal.context(), body_->items[i].foreign);
  }
  copy.body_->count = body_->count;
  return copy;
}

void UnixRights::free_body() {
  land();
  UnixDomain& domain = body_->domain;
  const Hal& hal = domain.hal();
  for (Item& item : items()) {
    if (item.foreign != nullptr) hal.table().foreign_unref(hal.context(), item.foreign);
  }
  if (body_->user != nullptr) domain.release_user(body_->user);
  dispose(hal, std::exchange(body_, nullptr));
}

Result<int> UnixRights::install(Item& item, uint32_t flags) {
  const Hal& hal = body_->domain.hal();
  const int fd = item.file ? hal.table().install_fd(hal.context(), item.file->to_c(), flags)
                           : hal.table().foreign_install_fd(hal.context(), item.foreign, flags);
  if (fd < 0) return static_cast<Errno>(-fd);
  if (item.file) static_cast<void>(item.file.leak());  // the table's count now
  return fd;
}

// A number the program is not told of would stay open for ever, so the memory for the numbers is tried before any is installed.
void UnixRights::deliver(ControlWriter& writer) {
  land();  // while the items still say who they are
  const uint32_t flags = (writer.receive_flags() & kControlCloseOnExec) != 0 ? uint32_t{kOpenCloseOnExec} : 0;
  const size_t room = writer.data_room() / sizeof(int);
  int numbers[kMost];
  const size_t count = items().size();
  const size_t wanted = writer.writable_room((count < room ? count : room) * sizeof(int)) / sizeof(int);
  size_t installed = 0;
  while (installed < wanted) {
    auto fd = install(body_->items[installed], flags);
    if (!fd.is_ok()) break;
    numbers[installed++] = fd.take();
  }
  if (installed != 0) {
    writer.put(kSocketLevel, kRights, ByteSpan(reinterpret_cast<const uint8_t*>(numbers), installed * sizeof(int)));
  }
  if (installed < count) writer.set_truncated();
}

void UnixRights::take_off(UnixEndpoint& receiver) NO_THREAD_SAFETY_ANALYSIS {
  body_->is_flying = true;
  body_->domain.took_off(*this, *body_->user, receiver);
}

void UnixRights::land() {
  if (std::exchange(body_->is_flying, false)) body_->domain.landed(*this, *body_->user);
}

}  // namespace lxnet
