// PacketDomain: the packet sockets of a stack, who is in which fanout group, and what becomes of them when an interface goes.
//
// One lock, of rank Socket, guards what every socket is bound to: changes are rare, and an interface's end concerns many sockets.
// The packet path does not take it.
#pragma once

#include "compat/afpacket/packet_fanout.hh"
#include "stack/network_event.hh"

namespace lxnet {

class PacketSocket;
class Stack;
struct PacketReport;

class PacketDomain {
 public:
  // A socket's place in the list of all.
  struct Member {
    explicit Member(PacketSocket& of) : socket(of) {}
    ListLink link;
    PacketSocket& socket;
  };

  explicit PacketDomain(Stack& stack);
  ~PacketDomain();
  static PacketDomain& of(Stack& stack);

  Mutex& mutex() RETURN_CAPABILITY(mutex_) { return mutex_; }
  Stack& stack() const { return stack_; }
  void enter_locked(Member& member) REQUIRES(mutex_) { members_.push_back(member); }
  void leave_locked(Member& member) REQUIRES(mutex_) { members_.remove(member); }

  // What all rings hold together: no more than the stack's packets may.
  size_t ring_room_locked() const REQUIRES(mutex_);
  void change_ring_bytes_locked(size_t more, size_t less) REQUIRES(mutex_) { ring_bytes_ = ring_bytes_ + more - less; }

  // ---- fanout groups
  PacketFanout* find_fanout_locked(uint16_t id) const REQUIRES(mutex_);
  // A number that no group has; false when there is none.
  bool find_free_fanout_locked(uint16_t& id) REQUIRES(mutex_);
  void add_fanout_locked(PacketFanout& fanout) REQUIRES(mutex_) { fanouts_.push_back(fanout); }
  // The last of its sockets is gone.
  void end_fanout_locked(PacketFanout& fanout) REQUIRES(mutex_);

  // For /proc/net/packet: visit(context, report) for each socket, under the lock.
  void report(void (*visit)(void* context, const PacketReport& report), void* context);

 private:
  static void network_changed(NetworkObserver& observer, Entry& entry, const NetworkEvent& event);

  struct Observer : NetworkObserver {
    explicit Observer(PacketDomain& of) : NetworkObserver(&network_changed), domain(of) {}
    PacketDomain& domain;
  };

  Stack& stack_;
  Observer observer_;
  mutable Mutex mutex_;
  List<Member, &Member::link> members_ GUARDED_BY(mutex_);
  List<PacketFanout, &PacketFanout::domain_link> fanouts_ GUARDED_BY(mutex_);
  uint16_t next_fanout_ GUARDED_BY(mutex_) = 0;
  size_t ring_bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace lxnet
