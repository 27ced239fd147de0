// A part of a stack that few programs need: made by the first who asks, kept in a slot of CompatState until the stack ends.
#pragma once

#include "hal/memory.hh"
#include "stack/stack.hh"

namespace lxnet {

// Null: nobody has asked yet.
template <typename Part>
Part* find_part(void* const& slot) {
  return static_cast<Part*>(__atomic_load_n(&slot, __ATOMIC_ACQUIRE));
}

// Part is made from the HAL. Of several who ask at once one makes it. ENOMEM.
template <typename Part>
Result<Part*> find_or_create_part(Stack& stack, void*& slot, void (*&destroy)(const Hal& hal, void* part)) {
  if (Part* present = find_part<Part>(slot)) return present;
  const Hal& hal = stack.hal();
  auto* made = construct<Part>(hal, hal);
  if (made == nullptr) return Errno::ENOMEM;
  destroy = [](const Hal& its_hal, void* part) { dispose(its_hal, static_cast<Part*>(part)); };
  void* expected = nullptr;
  if (__atomic_compare_exchange_n(&slot, &expected, static_cast<void*>(made), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return made;
  dispose(hal, made);
  return static_cast<Part*>(expected);
}

}  // namespace lxnet
