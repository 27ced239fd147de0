// Walks over AF_PACKET alone, whose frames are of protocols that nobody else speaks: what every socket on loopback hears, what is
// told beside it, and what their options, memberships and fanout groups make of it.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstring>

#include "tests/differential/walk/generator.hh"

namespace walk {
namespace {

constexpr int kLevel = 263;  // SOL_PACKET
constexpr int kLast = 26;

template <typename T>
void append(Bytes& bytes, const T& value) {
  const auto* data = reinterpret_cast<const uint8_t*>(&value);
  bytes.insert(bytes.end(), data, data + sizeof value);
}
template <typename T>
Bytes bytes_of(const T& value) {
  Bytes bytes;
  append(bytes, value);
  return bytes;
}

uint16_t any_protocol(Choice& choose) { return htons(choose.of<uint16_t>({0x88b5, 0x88b5, 0x88b5, 0x88b6, 0x0003, 0})); }

struct Typed {
  int name;
  Bytes value;
};

Typed membership(Choice& choose) {
  packet_mreq request{};
  request.mr_ifindex = choose.of({1, 1, 1, 0, 9});
  request.mr_type = choose.of<uint16_t>({PACKET_MR_MULTICAST, PACKET_MR_PROMISC, PACKET_MR_ALLMULTI, PACKET_MR_UNICAST, 9});
  request.mr_alen = choose.of<uint16_t>({6, 6, 0, 8, 9});
  request.mr_address[0] = choose.of<uint8_t>({1, 1, 0});
  return {choose.of({PACKET_ADD_MEMBERSHIP, PACKET_DROP_MEMBERSHIP}), bytes_of(request)};
}

// Not by a packet's hash, which is keyed by a secret, nor by chance or processor, nor of packets put together, which lxnet does
// not serve.
Typed fanout(Choice& choose) {
  const int group = choose.below(3), kind = choose.of({1, 1, 3, 9});
  const int flags = choose.of({0, 0, 0x10, 0x20, 0x40});
  return {PACKET_FANOUT, bytes_of(group | (kind | flags << 8) << 16)};
}

Typed ring(Choice& choose) {
  const tpacket_req request{.tp_block_size = choose.of<unsigned>({4096, 4096, 1000, 0}),
                            .tp_block_nr = choose.of<unsigned>({1, 2, 0}),
                            .tp_frame_size = choose.of<unsigned>({2048, 1024, 100, 0}),
                            .tp_frame_nr = choose.of<unsigned>({2, 4, 8, 0})};
  return {choose.of({PACKET_RX_RING, PACKET_TX_RING}), bytes_of(request)};
}

Typed any_typed(Choice& choose) {
  const int dice = choose.below(12);
  if (dice < 2) return membership(choose);
  if (dice < 3) return fanout(choose);
  if (dice < 4 && choose.one_in(4)) return ring(choose);
  if (dice < 5) return {PACKET_VERSION, bytes_of(choose.of({0, 1, 2, 3}))};
  if (dice < 6)
    return {choose.of({PACKET_VNET_HDR, 24 /* PACKET_VNET_HDR_SZ */}), bytes_of(choose.of({0, 0, 0, 1, 10, 12, 100}))};
  return {choose.of({PACKET_COPY_THRESH, PACKET_AUXDATA, PACKET_AUXDATA, PACKET_ORIGDEV, PACKET_RESERVE, PACKET_LOSS,
                     PACKET_TX_TIMESTAMP, PACKET_TIMESTAMP, PACKET_TX_HAS_OFF, PACKET_QDISC_BYPASS, 23 /* IGNORE_OUTGOING */}),
          bytes_of(choose.of({0, 1, 1, 1, 2, 16, -1}))};
}

}  // namespace

Argument Generator::link_address() {
  sockaddr_ll address{};
  address.sll_family = choose_.one_in(12) ? choose_.of<uint16_t>({AF_UNSPEC, AF_INET, AF_UNIX}) : uint16_t{AF_PACKET};
  address.sll_protocol = any_protocol(choose_);
  address.sll_ifindex = choose_.of({1, 1, 1, 1, 0, 9});
  address.sll_halen = choose_.of<uint8_t>({6, 6, 0, 8, 9, 255});
  const auto filler = choose_.of<uint8_t>({0, 0xff, 2});
  memset(address.sll_addr, filler, 6);
  return {ArgumentKind::In, 0, bytes_of(address)};
}

// A new one hears of its protocol at once, of every interface.
void Generator::open_packet() {
  const int slot = free_slot();
  const Kind kind = choose_.of({Kind::Packet, Kind::Packet, Kind::PacketCooked});
  const int type = kind == Kind::PacketCooked ? SOCK_DGRAM : choose_.one_in(12) ? SOCK_PACKET : SOCK_RAW;
  Operation call{SYS_socket, "socket", {number(AF_PACKET), number(type | SOCK_NONBLOCK), number(any_protocol(choose_))}};
  call.stores[0] = slot;
  add(call);
  slots_[slot] = {kind};
}

void Generator::set_packet_option(int slot) {
  Typed typed = any_typed(choose_);
  if (choose_.one_in(8)) typed = {choose_.below(kLast), bytes_of(choose_.of({0, 1, -1, 65536}))};
  if (is_left_out(slot, option_key(kLevel, typed.name))) return;
  const auto size = static_cast<int64_t>(typed.value.size());
  typed.value.resize(typed.value.size() + 16);
  add({SYS_setsockopt,
       "setsockopt",
       {slot_argument(slot), number(kLevel), number(typed.name), pointer_or_bad({ArgumentKind::In, 0, typed.value}),
        number(choose_.one_in(12) ? choose_.below(static_cast<int>(size) + 8) : size)}});
}

void Generator::get_packet_option(int slot) {
  const int name = choose_.one_in(3) ? PACKET_STATISTICS : choose_.below(kLast);
  if (is_left_out(slot, option_key(kLevel, name))) return;
  add({SYS_getsockopt,
       "getsockopt",
       {slot_argument(slot), number(kLevel), number(name), pointer_or_bad({ArgumentKind::Out, 256}),
        length_argument(choose_.of({4, 4, 8, 12, 16, 2, 0}))}});
}

void Generator::receive_stamp(int slot) {
  Operation call{SYS_recvmsg, "recvmsg", {slot_argument(slot), {ArgumentKind::Message}, number(MSG_ERRQUEUE | receive_flags())}};
  call.messages.push_back(incoming(slot));
  call.is_receive = true;
  add(call);
}

void Generator::packet_step() {
  int open = 0;
  for (const Slot& slot : slots_) open += slot.kind != Kind::None;
  if (open < 3 || choose_.one_in(25)) return open_packet();
  if (choose_.one_in(20)) return poll();
  const int slot = any_slot();
  const int dice = choose_.below(100);
  if (dice < 10) return set_packet_option(slot);
  if (dice < 16) return get_packet_option(slot);
  if (dice < 19) return bind(slot);
  if (dice < 21) {
    const int flags = choose_.of({0, 2 | 16, 2 | 16 | 0x80, 0x102 | 16, 2 | 16 | 0x800, 8 | 16});
    return add(
        {SYS_setsockopt,
         "setsockopt",
         {slot_argument(slot), number(SOL_SOCKET), number(37), Argument{ArgumentKind::In, 0, bytes_of(flags)}, number(4)}});
  }
  if (dice < 24) return receive_stamp(slot);
  if (dice < 45) return send(slot);
  use(slot);
}

}  // namespace walk
