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

UnixRights::UnixRights(UnixRights&& other) noexcept
    : domain_(other.domain_),
      user_(std::exchange(other.user_, nullptr)),
      items_(std::move(other.items_)),
      count_(std::exchange(other.count_, 0)),
      is_flying_(std::exchange(other.is_flying_, false)) {}

UnixRights& UnixRights::operator=(UnixRights&& other) noexcept {
  std::swap(domain_, other.domain_);
  std::swap(user_, other.user_);
  std::swap(count_, other.count_);
  std::swap(is_flying_, other.is_flying_);
  items_ = std::move(other.items_);
  return *this;
}

Result<> UnixRights::make_room(size_t added) {
  if (count_ + added <= items_.size()) return ok();
  HeapArray<Item> larger = TRY(HeapArray<Item>::create(domain_->hal(), count_ + added));
  for (size_t i = 0; i < count_; ++i) {
    std::swap(larger[i].file, items_[i].file);
    std::swap(larger[i].foreign, items_[i].foreign);
  }
  items_ = std::move(larger);
  return ok();
}

Result<> UnixRights::add(SyscallContext& context, ByteSpan numbers) {
  const size_t added = numbers.size() / sizeof(int);
  if (count_ + added > kMost) return Errno::EINVAL;
  if (added == 0) return ok();
  domain_ = &UnixDomain::of(context.stack());
  if (user_ == nullptr) {
    lxnet_credentials own{};
    context.hal().credentials(own);
    user_ = TRY(domain_->hold_user(own.uid));
  }
  TRY(make_room(added));
  for (size_t i = 0; i < added; ++i) {
    int fd = 0;
    copy_bytes(mutable_bytes_of(fd), numbers.subspan(i * sizeof(int)));
    TRY(find_item(context, fd, items_[count_]));  // what was taken goes with this object
    ++count_;
  }
  return ok();
}

Result<> UnixRights::check_limit() const {
  if (count_ == 0) return ok();
  const Hal& hal = domain_->hal();
  if (hal.table().resource_limit == nullptr) return ok();
  if (domain_->in_flight_of(*user_) <= hal.table().resource_limit(hal.context(), kLimitOpenFiles)) return ok();
  if (hal.capable(LXNET_CAP_SYS_RESOURCE) || hal.capable(LXNET_CAP_SYS_ADMIN)) return ok();
  return Errno::ETOOMANYREFS;
}

Result<UnixRights> UnixRights::clone() const {
  UnixRights copy;
  if (count_ == 0) return copy;
  const Hal& hal = domain_->hal();
  copy.domain_ = domain_;
  copy.items_ = TRY(HeapArray<Item>::create(hal, count_));
  for (size_t i = 0; i < count_; ++i) {
    copy.items_[i].file = items_[i].file;
    copy.items_[i].foreign = items_[i].foreign;
    if (items_[i].foreign != nullptr) hal.table().foreign_ref(hal.context(), items_[i].foreign);
  }
  copy.count_ = count_;
  return copy;
}

void UnixRights::clear() {
  land();
  for (Item& item : items()) {
    const Hal& hal = domain_->hal();
    if (item.foreign != nullptr) hal.table().foreign_unref(hal.context(), item.foreign);
    item.foreign = nullptr;
    item.file = nullptr;
  }
  count_ = 0;
  if (user_ != nullptr) domain_->release_user(std::exchange(user_, nullptr));
}

Result<int> UnixRights::install(Item& item, uint32_t flags) {
  const Hal& hal = domain_->hal();
  const int fd = item.file ? hal.table().install_fd(hal.context(), item.file->to_c(), flags)
                           : hal.table().foreign_install_fd(hal.context(), item.foreign, flags);
  if (fd < 0) return static_cast<Errno>(-fd);
  if (item.file) static_cast<void>(item.file.leak());  // the table's count now
  return fd;
}

// A number the program is not told of would stay open for ever, so the memory for the numbers is tried before any is installed.
void UnixRights::deliver(SyscallContext& context, ControlWriter& writer) {
  land();  // while the items still say who they are
  const uint32_t flags = (writer.receive_flags() & kControlCloseOnExec) != 0 ? uint32_t{kOpenCloseOnExec} : 0;
  const size_t room = writer.data_room() / sizeof(int);
  int numbers[kMost];
  const size_t wanted = writer.writable_room(count_ < room ? count_ * sizeof(int) : room * sizeof(int)) / sizeof(int);
  size_t installed = 0;
  while (installed < wanted) {
    auto fd = install(items_[installed], flags);
    if (!fd.is_ok()) break;
    numbers[installed++] = fd.take();
  }
  static_cast<void>(context);
  if (installed != 0) {
    writer.put(kSocketLevel, kRights, ByteSpan(reinterpret_cast<const uint8_t*>(numbers), installed * sizeof(int)));
  }
  if (installed < count_) writer.set_truncated();
}

void UnixRights::take_off(UnixEndpoint& receiver) NO_THREAD_SAFETY_ANALYSIS {
  is_flying_ = true;
  domain_->took_off(*this, *user_, receiver);
}

void UnixRights::land() {
  if (std::exchange(is_flying_, false)) domain_->landed(*this, *user_);
}

}  // namespace lxnet
