// What a netlink socket gets back for what it sent: acknowledgements, answers, and dumps part by part.
#include "compat/afnetlink/netlink_socket.hh"

namespace lxnet {
namespace {

constexpr uint16_t kHasAttributes = 0x200, kDumpInterrupted = 0x10;           // NLM_F_ACK_TLVS, NLM_F_DUMP_INTR
enum : uint16_t { kErrorText = 1, kErrorOffset = 2, kErrorMissingType = 5 };  // NLMSGERR_ATTR_*
constexpr size_t kLeastPart = 3776, kLargestPart = 32 * 1024;

}  // namespace

void NetlinkSocket::answer(ByteSpan datagram) {
  if (is_full() || !queue(datagram).is_ok()) overrun();
}

// NLMSG_ERROR: the number, and of the request the header, with an error all of it; and for who wants to know what was wrong.
void NetlinkSocket::acknowledge(ByteSpan whole, Errno error, const NetlinkComplaint& complaint) {
  NetlinkRequest request;
  copy_bytes(mutable_bytes_of(request.header), whole);
  request.header.port = port_.number;
  const bool is_capped = error == Errno{} || caps_errors_;
  const size_t quoted = is_capped ? sizeof request.header : whole.size();
  const bool is_inside = complaint.attribute >= whole.data() && complaint.attribute < whole.data() + whole.size();
  const bool names = extended_errors_ && error != Errno{} && is_inside;
  const bool says = extended_errors_ && complaint.text != nullptr;
  auto made = HeapArray<uint8_t>::create(hal(), 4 + quoted);
  if (!made.is_ok()) return overrun();
  const HeapArray<uint8_t> body = made.take();
  const int32_t number = -static_cast<int32_t>(error);
  memcpy(body.data(), &number, sizeof number);
  memcpy(body.data() + 4, whole.data(), quoted);
  NetlinkWriter writer(hal(), *this, request);
  uint16_t flags = is_capped ? uint16_t{kNetlinkCapped} : uint16_t{0};
  const bool misses = extended_errors_ && error != Errno{} && complaint.missing_type != 0;
  if (names || says || misses) flags |= kHasAttributes;
  bool is_good = writer.begin(kNetlinkError, flags, ByteSpan(body.data(), 4 + quoted)).is_ok();
  if (says) {
    size_t size = 0;
    while (complaint.text[size] != 0) ++size;
    is_good =
        is_good && writer.attribute(kErrorText, ByteSpan(reinterpret_cast<const uint8_t*>(complaint.text), size + 1)).is_ok();
  }
  if (names) {
    const auto offset = static_cast<uint32_t>(complaint.attribute - whole.data());
    is_good = is_good && writer.attribute(kErrorOffset, offset).is_ok();
  }
  if (misses) is_good = is_good && writer.attribute(kErrorMissingType, uint32_t{complaint.missing_type}).is_ok();
  if (!is_good || !writer.end().is_ok() || !writer.flush().is_ok()) overrun();
}

// ---- dumps

Result<> NetlinkSocket::start_dump(SyscallContext& context, NetlinkDump* dump, const NetlinkHeader& request) {
  TaskMutexLock lock(dump_mutex_, context.entry());
  if (dump_ != nullptr) {
    dump->dispose(hal());
    return Errno::EBUSY;
  }
  dump_ = dump;
  dump_request_ = request;
  return ok();
}

void NetlinkSocket::end_dump() {
  __atomic_store_n(&is_dumping_, uint8_t{0}, __ATOMIC_RELEASE);
  if (dump_ != nullptr) std::exchange(dump_, nullptr)->dispose(hal());
}

bool NetlinkSocket::begin_dump(SyscallContext& context) {
  TaskMutexLock lock(dump_mutex_, context.entry());
  if (dump_ == nullptr || __atomic_load_n(&is_dumping_, __ATOMIC_ACQUIRE) != 0) return false;
  __atomic_store_n(&is_dumping_, uint8_t{1}, __ATOMIC_RELEASE);
  continue_dump(context);
  return true;
}

// netlink_dump(): a part by itself; the end says how it went, and comes with the last part if that says so.
bool NetlinkSocket::continue_dump(SyscallContext& context) {
  size_t room_size = largest_read_ < kLeastPart ? kLeastPart : largest_read_;
  if (room_size > kLargestPart) room_size = kLargestPart;
  auto made = HeapArray<uint8_t>::create(hal(), room_size);
  if (!made.is_ok()) {
    overrun();
    return true;
  }
  const HeapArray<uint8_t> room = made.take();
  constexpr size_t kEnd = sizeof(NetlinkHeader) + sizeof(int32_t);
  auto filled = dump_->fill(context, MutableByteSpan(room.data(), room_size - kEnd));
  NetlinkDump::Part part{.size = 0, .is_last = true};
  int32_t result = 0;
  if (filled.is_ok()) {
    part = filled.take();
  } else {
    result = -static_cast<int32_t>(filled.error());
  }
  if (part.is_last) {
    const auto flags = static_cast<uint16_t>(kNetlinkMulti | (part.is_interrupted ? kDumpInterrupted : 0));
    const NetlinkHeader end{kEnd, kNetlinkDone, flags, dump_request_.sequence, port_.number};
    memcpy(room.data() + part.size, &end, sizeof end);
    memcpy(room.data() + part.size + sizeof end, &result, sizeof result);
    part.size += kEnd;
    end_dump();
  }
  if (!queue(ByteSpan(room.data(), part.size)).is_ok()) overrun();
  return !part.is_last;
}

// A reader makes room for what is to come.
void NetlinkSocket::read_on(SyscallContext& context, size_t room) {
  if (room > largest_read_) largest_read_ = static_cast<uint32_t>(room < kLargestPart ? room : kLargestPart);
  if (__atomic_load_n(&is_dumping_, __ATOMIC_ACQUIRE) == 0) return;
  {
    MutexLock lock(inbox_mutex_);
    if (inbox_bytes_ > options_.receive_buffer / 2) return;
  }
  TaskMutexLock lock(dump_mutex_, context.entry());
  if (dump_ != nullptr) continue_dump(context);
}

}  // namespace lxnet
