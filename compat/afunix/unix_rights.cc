// Descriptors on their way from one process to another.
#include "compat/afunix/unix_rights.hh"

#include "compat/afunix/unix_file.hh"

namespace lxnet {
namespace {

constexpr int kSocketLevel = 1, kRights = 1;
constexpr uint32_t kControlCloseOnExec = 0x40000000;  // MSG_CMSG_CLOEXEC
constexpr int kLimitOpenFiles = 7;

// A file of ours or of the host's behind a number, with a count.
Result<UnixRights::Item> find_item(SyscallContext& context, int fd) {
  UnixRights::Item item;
  auto file = find_file(context, fd);
  if (file.is_ok()) {
    item.file = file.take();
    return item;
  }
  const lxnet_hal& table = context.hal().table();
  if (file.is_error(Errno::ENOTSOCK) && table.foreign_get != nullptr)
    item.foreign = table.foreign_get(context.hal().context(), fd);
  if (item.foreign == nullptr) return Errno::EBADF;
  return item;
}

}  // namespace

UnixRights::UnixRights(UnixRights&& other) noexcept
    : hal_(other.hal_),
      items_(std::move(other.items_)),
      count_(std::exchange(other.count_, 0)),
      is_flying_(std::exchange(other.is_flying_, false)) {}

UnixRights& UnixRights::operator=(UnixRights&& other) noexcept {
  std::swap(hal_, other.hal_);
  std::swap(count_, other.count_);
  std::swap(is_flying_, other.is_flying_);
  items_ = std::move(other.items_);
  return *this;
}

Result<> UnixRights::add(SyscallContext& context, ByteSpan numbers) {
  const size_t added = numbers.size() / sizeof(int);
  if (count_ + added > kMost) return Errno::EINVAL;
  if (added == 0) return ok();
  hal_ = &context.hal();
  if (items_.is_empty()) items_ = TRY(HeapArray<Item>::create(*hal_, kMost));
  const size_t before = count_;
  for (size_t i = 0; i < added; ++i) {
    int fd = 0;
    copy_bytes(mutable_bytes_of(fd), numbers.subspan(i * sizeof(int)));
    auto item = find_item(context, fd);
    if (!item.is_ok()) return item.error();  // what was taken goes with this object
    items_[count_++] = item.take();
  }
  static_cast<void>(before);
  // Unread descriptors are no way around RLIMIT_NOFILE.
  const lxnet_hal& table = hal_->table();
  const size_t in_flight = __atomic_load_n(&UnixDomain::of(context.stack()).in_flight, __ATOMIC_RELAXED);
  if (table.resource_limit != nullptr && in_flight > table.resource_limit(hal_->context(), kLimitOpenFiles) &&
      !hal_->capable(LXNET_CAP_SYS_RESOURCE) && !hal_->capable(LXNET_CAP_SYS_ADMIN)) {
    return Errno::ETOOMANYREFS;
  }
  return ok();
}

Result<UnixRights> UnixRights::clone() const {
  UnixRights copy;
  if (count_ == 0) return copy;
  copy.hal_ = hal_;
  copy.items_ = TRY(HeapArray<Item>::create(*hal_, kMost));
  for (size_t i = 0; i < count_; ++i) {
    copy.items_[i] = items_[i];
    if (items_[i].foreign != nullptr) hal_->table().foreign_ref(hal_->context(), items_[i].foreign);
  }
  copy.count_ = count_;
  return copy;
}

void UnixRights::clear() {
  land();
  for (Item& item : items()) {
    if (item.foreign != nullptr) hal_->table().foreign_unref(hal_->context(), item.foreign);
    item.foreign = nullptr;
    item.file = nullptr;
  }
  count_ = 0;
}

void UnixRights::deliver(SyscallContext& context, ControlWriter& writer) {
  land();  // while the items still say who they are
  const lxnet_hal& table = context.hal().table();
  const uint32_t flags = (writer.receive_flags() & kControlCloseOnExec) != 0 ? uint32_t{kOpenCloseOnExec} : 0;
  const size_t room = writer.data_room() / sizeof(int);
  const size_t wanted = count_ < room ? count_ : room;
  int numbers[kMost];
  size_t installed = 0;
  while (installed < wanted) {
    Item& item = items_[installed];
    int fd = 0;
    if (item.file) {
      fd = table.install_fd(context.hal().context(), item.file->to_c(), flags);
      if (fd >= 0) static_cast<void>(item.file.leak());  // the table's count now
    } else {
      fd = table.foreign_install_fd(context.hal().context(), item.foreign, flags);
    }
    if (fd < 0) break;
    numbers[installed++] = fd;
  }
  if (installed != 0) {
    writer.put(kSocketLevel, kRights, ByteSpan(reinterpret_cast<const uint8_t*>(numbers), installed * sizeof(int)));
  }
  if (installed < count_) writer.set_truncated();
}

void UnixRights::take_off() {
  is_flying_ = true;
  for (Item& item : items()) {
    UnixSocket* socket = item.file ? UnixSocket::from(*item.file) : nullptr;
    if (socket != nullptr) UnixDomain::of(socket->stack()).took_off(socket->flight());
  }
}

void UnixRights::land() {
  if (!std::exchange(is_flying_, false)) return;
  for (Item& item : items()) {
    UnixSocket* socket = item.file ? UnixSocket::from(*item.file) : nullptr;
    if (socket != nullptr) UnixDomain::of(socket->stack()).landed(socket->flight());
  }
}

}  // namespace lxnet
