// What the stack's TCP may cost: net.ipv4.tcp_mem over the buffers of all sockets, and how many connections may live on without
// descriptors (tcp_max_orphans). Under pressure windows stop growing and sparse queues are packed; past the limit only sockets
// that have less than the least each is promised get more.
#include <algorithm>

#include "stack/mib.hh"
#include "stack/stack.hh"
#include "stack/tcp/collapse.hh"
#include "stack/tcp/tcp_socket.hh"

namespace lxnet {

// Most connections are idle, and this is what they cost.
#if !defined(LXNET_DEBUG)
static_assert(sizeof(TcpSocket) == 22 * alignof(DemuxEntry), "a connection outgrew its cache lines");
#endif

bool TcpSocket::is_under_pressure() const { return stack().tcp().is_under_pressure(); }

size_t TcpSocket::charged_memory() const { return size_t{send_queue_.charge()} + receive_charge_ + out_of_order_.charge(); }

// Linux's sk_forward_alloc: of the pages that were taken what is charged to nothing yet.
size_t TcpSocket::spare_memory() const {
  const size_t taken = size_t{memory_pages_} * TcpShared::kPage, charged = charged_memory();
  return taken > charged ? taken - charged : 0;
}

// Pages for a packet that is about to be queued (sk_rmem_schedule): it may then cost less, and the rest is the next one's.
void TcpSocket::schedule_memory(Entry& entry, uint32_t size) {
  const size_t spare = spare_memory();
  if (size <= spare) return;
  take_pages(entry, memory_pages_ + static_cast<uint32_t>((size - spare + TcpShared::kPage - 1) / TcpShared::kPage));
}

// To be called whenever the queues have changed: what nothing is charged to is given back.
void TcpSocket::account_memory(Entry& entry) {
  take_pages(entry, static_cast<uint32_t>((charged_memory() + TcpShared::kPage - 1) / TcpShared::kPage));
}

// Where they can only have grown.
void TcpSocket::account_growth(Entry& entry) {
  if (charged_memory() > size_t{memory_pages_} * TcpShared::kPage) account_memory(entry);
}

void TcpSocket::take_pages(Entry& entry, uint32_t pages) {
  if (pages == memory_pages_) [[likely]]
    return;
  TcpShared& shared = stack().tcp();
  const int64_t total = shared.change_memory(int64_t{pages} - int64_t{memory_pages_}, stack().hal().sharing());
  memory_pages_ = pages;
  const TunableValues& tunables = stack().tunables().values();
  if (total > tunables.tcp_mem[1]) {
    if (shared.set_pressure(true)) count(entry, Mib::TcpExtTCPMemoryPressures);
  } else if (total <= tunables.tcp_mem[0] && shared.is_under_pressure()) {
    static_cast<void>(shared.set_pressure(false));
  }
}

bool TcpSocket::may_grow(Entry&, uint32_t used, int32_t guaranteed) const {
  return used < static_cast<uint32_t>(guaranteed) || stack().tcp().memory_pages() <= stack().tunables().values().tcp_mem[2];
}

// Packets that cost much more than they carry are packed together: the same bytes, a fraction of the memory.
void TcpSocket::collapse_receive_queue(Entry& entry) {
  uint32_t packed = out_of_order_.collapse(stack().pool());
  packed += collapse_received(stack().pool(), receive_queue_, rcv_.copied, rcv_.scaling_ratio);
  receive_charge_ = rcv_.fin_charge;
  for (const Packet* packet = receive_queue_.front(); packet != nullptr; packet = receive_queue_.next(*packet))
    receive_charge_ += packet->true_size();
  if (packed != 0) count(entry, Mib::TcpExtTCPRcvCollapsed, packed);
}

bool TcpSocket::has_too_many_orphans(Entry&, unsigned penalty) const {
  const TunableValues& tunables = stack().tunables().values();
  constexpr uint32_t kLeastSendBuffer = 4608;
  const bool is_out_of_memory = send_queue_.charge() > kLeastSendBuffer && stack().tcp().memory_pages() > tunables.tcp_mem[2];
  return is_out_of_memory || int64_t{stack().tcp().orphans()} << penalty > tunables.tcp_max_orphans;
}

// No descriptor is left, and the connection is not over.
void TcpSocket::become_orphan(Entry& entry) {
  if (in(TcpState::Closed) || is_counted_orphan_) return;
  is_counted_orphan_ = true;
  stack().tcp().add_orphan(1);
  if (!has_too_many_orphans(entry, 0)) return;
  count(entry, Mib::TcpExtTCPAbortOnMemory);
  send_reset(entry);
  finish(entry);
}

// Linux's tcp_out_of_resources(): of too many orphans those go first that have been silent or were told of errors. True: it is
// over.
bool TcpSocket::give_up_for_resources(Entry& entry, bool resets) {
  if (!is_orphan_) return false;
  const Duration silent = snd_.last_data_at.age(entry.now());
  unsigned penalty = 0;
  if (silent > tcp_options->max_rto.get() * 2 || !resets) ++penalty;
  if (soft_error_ != Errno{}) ++penalty;
  if (!has_too_many_orphans(entry, penalty)) return false;
  if (silent <= Duration::seconds(60) || (snd_.wnd == 0 && recovery_.out == 0)) resets = true;
  count(entry, Mib::TcpExtTCPAbortOnMemory);
  if (resets) send_reset(entry);
  finish(entry);
  return true;
}

}  // namespace lxnet
