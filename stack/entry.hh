// Entry: one stay inside the stack, from a system call, a packet, the timer or configuration.
//
// It reads the clock once, when somebody first asks for the time, and it holds what the stay produced and has not yet handed on:
// frames to devices, and frames that came back from loopback. Whoever transmits only queues here, under whatever lock it holds;
// flush(), with no lock held, hands the queues on until nothing is left. So no way in recurses into another, and a loopback
// connect() is established when it returns. The queues belong to the entry and need no lock.
#pragma once

#include "base/time.hh"
#include "netdev/packet.hh"

namespace lxnet {

class Interface;
class MibCounters;
class Stack;

class Entry {
 public:
  explicit Entry(Stack& stack);
  ~Entry() {
    if (has_work()) flush();
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  Stack& stack() const { return stack_; }
  MibCounters& mib() const { return mib_; }
  Instant now() {
    if (!has_read_clock_) read_clock();
    return now_;
  }
  // After a park: time has passed.
  void refresh_clock() { has_read_clock_ = false; }
  // What was done at that time is before what this entry does: another may have read the clock later and come first.
  void not_before(Instant time) {
    if (has_read_clock_ && now_ < time) now_ = time;
  }
  // Of all it has done so far.
  Instant latest() const { return now_; }

  // any lock. The frame is complete for the interface's device.
  void transmit(Interface& interface, Ref<Packet> frame);
  // any lock. Frames a device delivered; interface_index is set on each.
  void receive(PacketQueue& frames) { ingress_.append(frames); }
  // any lock. An IP packet of ours to us that need not meet its device (stack/ip/turn_around.hh).
  void turn_around(Interface& interface, Ref<Packet> packet);
  // The same of a TCP segment whose receiver knows it without reading it (stack/tcp/turned_segment.hh).
  void turn_segment_around(Ref<Packet> packet) { ingress_.push_back(std::move(packet)); }
  // What came last of what is still to be received.
  Packet* last_input() const { return ingress_.back(); }
  // any lock. An IP packet of ours, its front at the IP header, that comes back as if it had arrived on the interface.
  void loop_back(Interface& interface, Ref<Packet> packet);
  // no lock. Until all queues are empty.
  void flush();
  bool has_output() const { return !egress_.is_empty(); }
  bool has_work() const { return !ingress_.is_empty() || !egress_.is_empty() || !looped_.is_empty() || held_; }

  // A received TCP segment that waits for its continuation, while more frames are here to be received (stack/tcp/coalesce.hh).
  bool has_more_input() const { return !ingress_.is_empty(); }
  Ref<Packet>& held_segment() { return held_; }

 private:
  void read_clock();
  void transmit_batches();
  void receive_looped(Ref<Packet> packet);
  void receive_frame(Ref<Packet> frame);

  Stack& stack_;
  MibCounters& mib_;
  Instant now_;
  bool has_read_clock_ = false;
  PacketQueue ingress_;
  PacketQueue looped_;
  PacketQueue egress_;  // interface_index of each says where it leaves
  Ref<Packet> held_;
};

}  // namespace lxnet
