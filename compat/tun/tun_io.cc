// Reading and writing frames: tun_put_user() and tun_get_user().
#include <algorithm>

#include "compat/syscalls/virtual_header.hh"
#include "compat/syscalls/wait_until.hh"
#include "compat/tun/tun_file.hh"
#include "stack/stack.hh"
#include "stack/virtual_link.hh"

namespace lxnet {
namespace {

constexpr uint32_t kAccess = 3, kReadOnly = 0, kWriteOnly = 1;
constexpr uint16_t kIsCut = 1;  // TUN_PKT_STRIP
constexpr size_t kEthernetHeader = 14;
// More than any packet: what a program may write beyond it, Linux drops when it sees the length inside.
constexpr size_t kMostWritten = size_t{128} << 10;
constexpr uint16_t kIpv4 = 0x0800, kIpv6 = 0x86dd;

// struct tun_pi.
struct PacketInformation {
  uint16_t flags = 0;
  Be16 protocol;
};
static_assert(sizeof(PacketInformation) == 4);

uint16_t protocol_of_version(uint8_t first) {
  if (first >> 4 == 4) return kIpv4;
  return first >> 4 == 6 ? kIpv6 : 0;
}

uint16_t protocol_of(const Packet& frame, TunKind kind) {
  uint8_t head[kEthernetHeader] = {};
  frame.read(0, head);
  if (kind == TunKind::Tun) return protocol_of_version(head[0]);
  return static_cast<uint16_t>(head[12] << 8 | head[13]);
}

// Zeros behind what the header's size allows for and nothing is known to stand in.
Result<> put_header(const Packet& frame, const TunDevice& device, IoSink& sink) {
  uint8_t bytes[64] = {};
  const VirtualHeader header = describe_packet(frame, device.link_size(), frame.checksum);
  memcpy(bytes, &header, sizeof header);
  auto left = static_cast<size_t>(device.header_size);
  if (sink.room() < left) return Errno::EINVAL;
  for (bool is_first = true; left > 0; is_first = false) {
    const size_t part = std::min(left, sizeof bytes);
    if (sink.copy(ByteSpan(bytes, part)) != part) return Errno::EFAULT;
    if (is_first) memset(bytes, 0, sizeof header);
    left -= part;
  }
  return ok();
}

}  // namespace

struct TunFile::Before {
  uint16_t protocol = kIpv4;
  VirtualHeader header;
};

Result<size_t> TunFile::read(SyscallContext& context, IoSink& sink) {
  if ((status_flags() & kAccess) == kWriteOnly) return Errno::EBADF;
  const Ref<TunDevice> device = this->device();
  if (!device) return Errno::EBADFD;
  if (sink.room() == 0) return size_t{0};
  const WaitPolicy policy{.queue = queue_->waiters(),
                          .interest = kPollIn | kPollReadNormal | kPollError,
                          .timeout = is_nonblocking() ? Duration() : Duration::max()};
  return wait_until(context, policy, [&] { return give(context, *device, sink); });
}

// A frame that does not fit is cut, and gone all the same; so is one whose reader's memory is not there.
Result<size_t> TunFile::give(SyscallContext&, TunDevice& device, IoSink& sink) {
  const Ref<Packet> frame = queue_->take();
  if (!frame) return queue_->is_shut() ? Errno::EFAULT : Errno::EAGAIN;
  const size_t room = sink.room();
  size_t total = frame->size() + (device.has_header() ? static_cast<size_t>(device.header_size) : 0);
  if (device.has_information()) {
    PacketInformation information;
    if (room < sizeof information) return Errno::EINVAL;
    total += sizeof information;
    if (room < total) information.flags = kIsCut;
    information.protocol.set(protocol_of(*frame, device.tun_kind()));
    if (sink.copy(bytes_of(information)) != sizeof information) return Errno::EFAULT;
  }
  if (device.has_header()) TRY(put_header(*frame, device, sink));
  bool goes_on = true;
  frame->for_each_run(0, std::min(frame->size(), sink.room()), [&](ByteSpan run) {
    if (goes_on) goes_on = sink.copy(run) == run.size();
  });
  device.count_read(*frame);
  return std::min(total, room);
}

Result<TunFile::Before> TunFile::take_before(TunDevice& device, IoSource& source) {
  Before before;
  if (device.has_information()) {
    PacketInformation information;
    if (source.remaining() < sizeof information) return Errno::EINVAL;
    if (source.copy(mutable_bytes_of(information)) != sizeof information) return Errno::EFAULT;
    before.protocol = information.protocol.get();
  }
  if (device.has_header()) {
    auto left = static_cast<size_t>(device.header_size);
    if (source.remaining() < left) return Errno::EINVAL;
    before.header = TRY(take_virtual_header(source, sizeof(VirtualHeader)));
    for (left -= sizeof(VirtualHeader); left > 0;) {
      uint8_t unused[64];
      const size_t part = std::min(left, sizeof unused);
      if (source.copy(MutableByteSpan(unused, part)) != part) return Errno::EFAULT;
      left -= part;
    }
  }
  const size_t link_size = device.link_size();
  const bool has_short_header = before.header.header_size != 0 && before.header.header_size < link_size;
  if (source.remaining() < link_size || has_short_header) return Errno::EINVAL;
  return before;
}

Result<size_t> TunFile::write(SyscallContext& context, IoSource& source) {
  if ((status_flags() & kAccess) == kReadOnly) return Errno::EBADF;
  const Ref<TunDevice> device = this->device();
  if (!device) return Errno::EBADFD;
  const size_t total = source.remaining();
  const Before before = TRY(take_before(*device, source));
  const WaitPolicy policy{.queue = queue_->waiters(),
                          .interest = kPollOut | kPollWriteNormal | kPollError,
                          .timeout = is_nonblocking() ? Duration() : Duration::max()};
  TRY(wait_until(context, policy, [&] { return may_write() ? ok() : Result<>(Errno::EAGAIN); }));
  const auto received = receive(context, *device, source, before);
  if (received.is_ok()) return total;
  device->count_refused();
  return received.error();
}

Result<> TunFile::receive(SyscallContext& context, TunDevice& device, IoSource& source, const Before& before) {
  const Ref<Interface> interface = interface_of(device);
  if (!interface) return Errno::EBADFD;
  const size_t size = source.remaining();
  if (size > kMostWritten) return interface->is_up() ? ok() : Result<>(Errno::EIO);
  Result<Ref<Packet>> created = Packet::create_linear(interface->stack().pool(), size, 0);
  if (!created.is_ok()) return Errno::ENOMEM;
  Ref<Packet> frame = created.take();
  if (source.copy(frame->append(size)) != size) return Errno::EFAULT;
  frame->charge_for_frame(size);
  TRY(apply_virtual_header(before.header, device.link_size(), *frame));
  const uint16_t version = size == 0 ? uint16_t{0} : protocol_of_version(frame->linear()[0]);
  const bool is_tun = device.tun_kind() == TunKind::Tun;
  if (is_tun && !device.has_information() && version == 0) return Errno::EINVAL;
  if (!interface->is_up()) return Errno::EIO;
  device.count_written(*frame);
  // Of bare packets only IP is received here; another protocol finds nobody, and one that is not what it says is broken.
  if (size == 0 || (is_tun && device.has_information() && before.protocol != version)) return ok();
  if (device.has_many_queues()) device.queues().learn(*frame, device.link_size(), *queue_);
  frame->interface_index = interface->index();
  PacketQueue batch;
  batch.push_back(std::move(frame));
  EntryInto into(context.entry(), interface->stack());
  into.get().receive(batch);
  into.get().flush();
  return ok();
}

}  // namespace lxnet
