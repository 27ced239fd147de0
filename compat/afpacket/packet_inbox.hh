// PacketInbox: the frames that wait for a program, and what was counted of them (PACKET_STATISTICS).
//
// Rule kept, Linux's: a frame is taken while what is held stays below SO_RCVBUF, however large it is itself. The lock is of rank
// ErrorQueue.
#pragma once

#include "compat/afpacket/packet_address.hh"
#include "hal/mutex.hh"
#include "netdev/packet.hh"

namespace lxnet {

// What a waiting packet knows of its frame, in Packet::control().
struct FrameInfo {
  LinkAddress sender;
  uint32_t frame_size = 0;  // before a filter cut it
  uint32_t status = 0;
  uint32_t drops = 0;  // SO_RXQ_OVFL: of the socket, when this one came
  uint32_t charge = 0;
  uint16_t network_at = 0;
  uint16_t vlan_control = 0, vlan_protocol = 0;
  char device[OldPacketAddress::kNameSize] = {};  // for SOCK_PACKET

  static FrameInfo& of(Packet& packet) { return packet.control<FrameInfo>(); }
};

struct PacketStatistics {
  uint32_t packets = 0, drops = 0, frozen = 0;
};

enum class IsCounted : uint8_t { No, Yes };  // SOCK_PACKET's are not

class PacketInbox {
 public:
  explicit PacketInbox(const Hal& hal) : mutex_(hal, LockRank::ErrorQueue) {}

  // A hint without the lock: whether another would be taken.
  bool has_room(size_t limit) const { return bytes() < limit; }
  void push(Ref<Packet> packet, IsCounted counted);
  Ref<Packet> take();
  Ref<Packet> peek();
  // The bytes of the first, or 0: FIONREAD.
  size_t front_size();
  void clear();

  void count_packet() {
    MutexLock lock(mutex_);
    ++statistics_.packets;
  }
  // A frame was lost; `counted` in the statistics too, and not just in SO_MEMINFO's drops.
  void count_drop(IsCounted counted);
  bool has_drops() const { return __atomic_load_n(&drops_, __ATOMIC_RELAXED) != 0; }
  // And begins anew.
  PacketStatistics take_statistics();

  bool is_empty() const { return __atomic_load_n(&count_, __ATOMIC_ACQUIRE) == 0; }
  size_t bytes() const { return __atomic_load_n(&bytes_, __ATOMIC_RELAXED); }
  uint32_t total_drops() const { return __atomic_load_n(&total_drops_, __ATOMIC_RELAXED); }

 private:
  Mutex mutex_;
  PacketQueue packets_ GUARDED_BY(mutex_);
  PacketStatistics statistics_ GUARDED_BY(mutex_);
  size_t count_ = 0, bytes_ = 0;          // written under mutex_
  uint32_t drops_ = 0, total_drops_ = 0;  // atomic
};

}  // namespace lxnet
