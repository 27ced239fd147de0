#include "compat/afnetlink/stored_dump.hh"

namespace lxnet {

Result<StoredDump*> StoredDump::create(const Hal& hal, End end) {
  StoredDump* dump = construct<StoredDump>(hal, hal, end);
  if (dump == nullptr) return Errno::ENOMEM;
  return dump;
}

void StoredDump::dispose(const Hal& hal) { lxnet::dispose(hal, this); }

Result<> StoredDump::make_room(size_t added) {
  if (size_ + added <= bytes_.size()) return ok();
  auto larger = TRY(HeapArray<uint8_t>::create(hal_, (size_ + added) * 2));
  if (size_ != 0) memcpy(larger.data(), bytes_.data(), size_);
  bytes_ = std::move(larger);
  return ok();
}

Result<> StoredDump::queue(ByteSpan datagram) {
  while (datagram.size() >= sizeof(NetlinkHeader)) {
    NetlinkHeader header;
    copy_bytes(mutable_bytes_of(header), datagram);
    const size_t aligned = netlink_align(header.length);
    const size_t size = aligned < datagram.size() ? aligned : datagram.size();
    if (header.type == kNetlinkDone) {
      copy_bytes(mutable_bytes_of(result_), datagram.subspan(sizeof header));
      is_complete_ = true;
    } else {
      TRY(make_room(size));
      memcpy(bytes_.data() + size_, datagram.data(), size);
      size_ += size;
    }
    datagram = datagram.subspan(size);
  }
  return ok();
}

Result<NetlinkDump::Part> StoredDump::fill(SyscallContext&, MutableByteSpan room) {
  size_t fits = 0;
  while (given_ + fits < size_) {
    NetlinkHeader header;
    copy_bytes(mutable_bytes_of(header), ByteSpan(bytes_.data() + given_ + fits, size_ - given_ - fits));
    const size_t size = netlink_align(header.length);
    if (fits + size > room.size()) break;
    fits += size;
  }
  if (fits == 0 && given_ < size_) return Errno::EMSGSIZE;
  if (fits == 0 && result_ != 0) return static_cast<Errno>(-result_);
  if (fits != 0) memcpy(room.data(), bytes_.data() + given_, fits);
  given_ += fits;
  const bool is_through = given_ == size_ && result_ == 0;
  return Part{.size = fits, .is_last = is_through && (fits == 0 || end_ == End::WithLast)};
}

}  // namespace lxnet
