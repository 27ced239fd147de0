// Handing on what a stay inside the stack produced.
#include "stack/entry.hh"

#include "stack/ip/turn_around.hh"
#include "stack/stack.hh"
#include "stack/tcp/coalesce.hh"
#include "stack/tcp/turned_segment.hh"

namespace lxnet {

Entry::Entry(Stack& stack) : stack_(stack), mib_(stack.mib()) {}

void Entry::read_clock() {
  now_ = stack_.hal().now();
  has_read_clock_ = true;
}

void Entry::transmit(Interface& interface, Ref<Packet> frame) {
  frame->interface_index = interface.index();
  egress_.push_back(std::move(frame));
}

void Entry::turn_around(Interface& interface, Ref<Packet> packet) {
  packet->interface_index = interface.index();
  packet->is_turned_around = true;
  ingress_.push_back(std::move(packet));
}

void Entry::loop_back(Interface& interface, Ref<Packet> packet) {
  packet->interface_index = interface.index();
  packet->is_looped = true;
  looped_.push_back(std::move(packet));
}

void Entry::flush() {
  while (has_work()) {
    transmit_batches();
    while (!looped_.is_empty()) receive_looped(looped_.take_front());
    while (!ingress_.is_empty()) receive_frame(ingress_.take_front());
    if (held_) tcp_deliver_held(*this);
  }
}

void Entry::receive_frame(Ref<Packet> frame) {
  if (frame->is_turned_segment) return tcp_receive_turned(*this, std::move(frame));
  if (frame->is_turned_around) return ip_receive_turned(*this, std::move(frame));
  link_receive(*this, std::move(frame));
}

void Entry::receive_looped(Ref<Packet> packet) {
  const InterfaceHold input = stack_.interfaces().hold(packet->interface_index);
  ip_receive(*this, std::move(packet), input.get());
}

// Consecutive frames of one interface go to its device as one batch.
void Entry::transmit_batches() {
  while (!egress_.is_empty()) {
    const uint32_t index = egress_.front()->interface_index;
    PacketQueue batch;
    while (!egress_.is_empty() && egress_.front()->interface_index == index) batch.push_back(egress_.take_front());
    const InterfaceHold interface = stack_.interfaces().hold(index);
    if (!interface || !interface->is_up()) {
      while (!batch.is_empty()) drop(*this, batch.take_front(), DropReason::InterfaceDown);
      continue;
    }
    interface->transmit(*this, batch);
  }
}

}  // namespace lxnet
