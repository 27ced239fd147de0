// io_uring_enter(): what it hands in is looked at before the kernel sees it.
#include <errno.h>
#include <linux/time_types.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "hosts/linux/uring/service.hh"

namespace lxnet::host::uring {
namespace {

constexpr size_t kMostInFlight = 8192;  // each has a stack
constexpr uint8_t kLinks = IOSQE_IO_LINK | IOSQE_IO_HARDLINK;

// Entries of the kernel's that lxnet can do as well, where they stand between those of sockets.
bool is_simple(const io_uring_sqe& entry) {
  if (entry.opcode == IORING_OP_NOP) return entry.rw_flags == 0;
  constexpr uint32_t kFlags = IORING_TIMEOUT_ABS | IORING_TIMEOUT_ETIME_SUCCESS;
  return entry.opcode == IORING_OP_LINK_TIMEOUT && entry.len == 1 && (entry.timeout_flags & ~kFlags) == 0 && entry.off == 0 &&
         entry.ioprio == 0 && entry.buf_index == 0 && entry.splice_fd_in == 0;
}

}  // namespace

void Service::enter(Call& call) {
  constexpr uint32_t kRegisteredRing = 1u << 4;
  const __u64* arguments = call.notice.data.args;
  const auto count = static_cast<uint32_t>(arguments[1]);
  if (count == 0 || (arguments[3] & kRegisteredRing) != 0) return;
  const OwnedFd fd(call.task->copy_fd(static_cast<int>(arguments[0])));
  const std::shared_ptr<Ring> ring = fd.is_open() ? find_ring(fd.get()) : nullptr;
  if (ring == nullptr || (has_disabled_ && !ring->is_entered && port_.is_disabled(fd.get()))) return;
  RingView* const its_view = view_of(*ring, fd.get());
  if (its_view == nullptr) return;
  RingView& view = *its_view;
  restore(*ring, view);
  if (!std::exchange(ring->is_entered, true)) ring->first_tail = view.completion_tail();
  Submission submission{.call = call, .ring = ring, .fd = fd.get(), .view = view, .started = {}, .told = {}};
  submission_ = &submission;
  std::vector<Taken> entries = take(submission, count);
  for (size_t first = 0; first < entries.size();) {
    size_t last = first;
    while (last + 1 < entries.size() && is_linked(entries[last].entry)) last++;
    submit(submission, std::span(entries).subspan(first, last - first + 1));
    first = last + 1;
  }
  leave(submission);
  submission_ = nullptr;
}

// Those that the kernel is about to take and that were not looked at before. A call of another thread may be on its way to take
// some, and the kernel stops early at an entry that is not valid.
std::vector<Service::Taken> Service::take(Submission& submission, uint32_t count) {
  Ring& ring = *submission.ring;
  const uint32_t head = submission.view.head(), tail = submission.view.tail();
  const auto is_behind = [](uint32_t one, uint32_t other) { return static_cast<int32_t>(one - other) < 0; };
  ring.entering.erase(submission.call.tid());
  std::erase_if(ring.entering, [&](const auto& entry) { return !is_behind(head, entry.second); });
  const uint32_t first = is_behind(head, ring.scanned) ? ring.scanned : head;
  const uint32_t start = ring.entering.empty() ? head : first;
  const uint32_t available = std::min(tail - head, ring.geometry.sq_entries);
  uint32_t end = start + std::min(count, ring.geometry.sq_entries);
  if (is_behind(head + available, end)) end = head + available;
  std::vector<Taken> entries;
  for (uint32_t position = first; is_behind(position, end); position++) {
    const std::optional<uint32_t> slot = submission.view.slot_at(position);
    if (!slot) break;
    Taken& taken = entries.emplace_back();
    taken.position = position;
    taken.slot = *slot;
    taken.entry = submission.view.read(*slot);
    resolve(submission, taken);
  }
  if (is_behind(ring.scanned, end) || ring.scanned - head > ring.geometry.sq_entries) ring.scanned = end;
  ring.entering[submission.call.tid()] = end;
  return entries;
}

void Service::resolve(Submission& submission, Taken& taken) {
  const io_uring_sqe& entry = taken.entry;
  const Verdict verdict = judge(entry);
  if (verdict == Verdict::Left) return;
  if (!has_file(entry)) {
    taken.verdict = verdict;
    return;
  }
  if (host_.files.size() == 0) return;
  FileTable::Found found;
  int error = 0;
  if ((entry.flags & IOSQE_FIXED_FILE) != 0) {
    const uint64_t inode = registered_socket(submission.fd, static_cast<uint32_t>(entry.fd));
    found.file = inode == 0 ? nullptr : host_.files.find_by_inode(inode);
  } else {
    found = host_.files.look_up(*submission.call.task, entry.fd, &error);
  }
  if (found.file == nullptr && found.tunable == nullptr && entry.opcode == IORING_OP_SPLICE) {
    found = host_.files.look_up(*submission.call.task, entry.splice_fd_in, &error);
  }
  if (found.file == nullptr && found.tunable == nullptr) return;
  taken.file = found.file;
  taken.verdict = found.file == nullptr ? Verdict::Refused : verdict;
  const bool selects = (entry.flags & IOSQE_BUFFER_SELECT) != 0;
  if (selects && !submission.ring->buffers.has(entry.buf_group)) taken.verdict = Verdict::Refused;
}

void Service::submit(Submission& submission, std::span<Taken> entries) {
  const bool is_ours = std::any_of(entries.begin(), entries.end(), [](const Taken& taken) { return taken.is_ours(); });
  if (!is_ours) {
    const bool is_alone = entries.size() == 1;
    const bool is_done = is_alone && (submit_buffers(submission, entries[0]) ||
                                      (is_cancel(entries[0].entry) && submit_cancel(submission, entries[0])));
    return is_done ? void() : submit_kernels(submission, entries);
  }
  if (is_refused(submission, entries)) return;
  const std::shared_ptr<Chain> chain = make_chain(submission, entries);
  if (chain == nullptr) return submit_kernels(submission, entries);
  start(submission, chain);
  settle(submission, *chain, entries);
}

// Left to the kernel, whole: with an entry that is not valid none of a chain is done.
bool Service::is_refused(Submission& submission, std::span<Taken> entries) {
  Ring& ring = *submission.ring;
  bool is_after_kernels = false;
  for (Taken& taken : entries) {
    const bool drains = (taken.entry.flags & IOSQE_IO_DRAIN) != 0;
    const bool is_refused =
        taken.verdict == Verdict::Refused ||
        (taken.is_ours() &&
         (is_after_kernels || (drains && ring.owes(submission.view.completion_tail(), submission.told.size()))));
    is_after_kernels |= !taken.is_ours() && !is_simple(taken.entry);
    if (!is_refused) continue;
    rewrite(submission, taken, As::Invalid);
    ring.owed += static_cast<uint32_t>(entries.size());
    return true;
  }
  return false;
}

void Service::submit_kernels(Submission& submission, std::span<Taken> entries) {
  Ring& ring = *submission.ring;
  const bool drains =
      std::any_of(entries.begin(), entries.end(), [](const Taken& taken) { return (taken.entry.flags & IOSQE_IO_DRAIN) != 0; });
  // The kernel knows nothing of what waits here.
  if ((drains && !ring.chains.empty()) || ring.holds_others()) rewrite(submission, entries[0], As::Invalid);
  note_kernels(submission.call, submission.ring);
  for (const Taken& taken : entries) {
    ring.owed++;
    if (!completes_once(taken.entry)) ring.is_counted = false;
  }
}

// A program that has sockets provides buffers for them.
bool Service::submit_buffers(Submission& submission, const Taken& taken) {
  const io_uring_sqe& entry = taken.entry;
  BufferGroups& groups = submission.ring->buffers;
  std::optional<int32_t> result;
  if ((entry.flags & ~(IOSQE_ASYNC | IOSQE_CQE_SKIP_SUCCESS)) != 0) return false;
  if (entry.opcode == IORING_OP_PROVIDE_BUFFERS && host_.files.size() != 0) result = groups.provide(entry);
  if (entry.opcode == IORING_OP_REMOVE_BUFFERS) result = groups.withdraw(entry);
  if (!result) return false;
  rewrite(submission, taken, (entry.flags & IOSQE_CQE_SKIP_SUCCESS) != 0 ? As::Nothing : As::Result, *result);
  return true;
}

bool Service::submit_cancel(Submission& submission, const Taken& taken) {
  const io_uring_sqe& entry = taken.entry;
  if (entry.ioprio != 0 || entry.off != 0 || entry.splice_fd_in != 0 || submission.ring->chains.empty()) return false;
  std::optional<Key> key;
  if (entry.opcode == IORING_OP_POLL_REMOVE) {
    if (entry.len == 0) key = Key{.user_data = entry.addr, .opcode = IORING_OP_POLL_ADD};
  } else {
    key = key_of(submission.call, static_cast<int>(submission.call.notice.data.args[0]), entry.addr, entry.cancel_flags, entry.fd,
                 static_cast<int>(entry.len), (entry.flags & IOSQE_FIXED_FILE) != 0);
  }
  const size_t count = key ? cancel(*submission.ring, *key) : 0;
  // The kernel may have more that it is meant for.
  if (count == 0 || (key->is_for_all && key->file == nullptr &&
                     submission.ring->owes(submission.view.completion_tail(), submission.told.size())))
    return false;
  rewrite(submission, taken, As::Result, key->is_for_all ? static_cast<int32_t>(count) : 0);
  return true;
}

// Of the entries up to the first that only the kernel can do. Null: one is not valid, or there are too many.
std::shared_ptr<Chain> Service::make_chain(Submission& submission, std::span<Taken> entries) {
  auto chain = std::make_shared<Chain>(submission.call, submission.ring);
  for (const Taken& taken : entries) {
    if (!taken.is_ours() && !is_simple(taken.entry)) break;
    Request& request = chain->requests.emplace_back(taken.entry);
    request.context.number = taken.entry.fd;
    if (!take_in(request, submission.call.tid())) return nullptr;
    chain->holds_others |= (taken.entry.flags & IOSQE_IO_DRAIN) != 0;
  }
  for (size_t i = 0; i < chain->requests.size(); i++) {
    Request& request = chain->requests[i];
    request.context.file = entries[i].file;
    if (request.context.file != nullptr) lxnet_file_ref(request.context.file);
    request.context.install = [this, one = chain.get(), i](lxnet_file* file, bool is_cloexec) {
      return install(*one, one->requests[i], file, is_cloexec);
    };
  }
  chain->is_posted.resize(chain->requests.size());
  chain->is_draining = (chain->holds_others || submission.ring->holds_others()) && !submission.ring->chains.empty();
  return chain;
}

void Service::start(Submission& submission, const std::shared_ptr<Chain>& chain) {
  submission.ring->chains.push_back(chain);
  in_flight_++;
  if (in_flight_ > kMostInFlight) {
    for (Request& request : chain->requests) request.result = kCanceled;
    chain->requests.front().result = -EAGAIN;
    chain->current = chain->requests.size();
    chain->has_failed = true;
    host_.fibers.start([this, chain] { end(*chain); });
    return;
  }
  host_.fibers.start([this, chain] { run(*chain); });
  if (!chain->has_ended) submission.started.push_back(chain);
}

// What the kernel finds where the chain stood. What is under way it passes over, and the completion comes later.
void Service::settle(Submission& submission, const Chain& chain, std::span<Taken> entries) {
  if (chain.is_left) return submit_kernels(submission, entries);
  for (size_t i = 0; i < chain.requests.size(); i++) {
    const bool is_told = i >= chain.current || chain.is_posted[i];
    rewrite(submission, entries[i], is_told ? As::Nothing : As::Result, chain.requests[i].result);
  }
  const std::span<Taken> rest = entries.subspan(chain.requests.size());
  if (rest.empty()) return;
  if (chain.has_ended && !chain.has_failed) return submit_kernels(submission, rest);
  for (const Taken& taken : rest) {
    const bool is_first = &taken == rest.data();
    rewrite(submission, taken, As::Result, !chain.has_ended && is_first ? -EINVAL : kCanceled);
  }
}

// The call goes on in the kernel.
void Service::leave(Submission& submission) {
  for (const auto& chain : submission.started) {
    if (chain->has_ended) continue;
    for (size_t i = chain->current; i < chain->requests.size(); i++) {
      Request& request = chain->requests[i];
      const uint8_t opcode = request.entry.opcode;
      if (opcode == IORING_OP_ACCEPT || opcode == IORING_OP_SOCKET) give_number(submission.call, request);
    }
    chain->is_live = false;
  }
}

// ---- entries that say something else

void Service::rewrite(Submission& submission, const Taken& taken, As as, int32_t result) {
  io_uring_sqe entry = {};
  entry.opcode = IORING_OP_NOP;
  entry.flags = as == As::Nothing ? IOSQE_CQE_SKIP_SUCCESS : as == As::Invalid ? taken.entry.flags & kLinks : 0;
  entry.fd = static_cast<int32_t>(++cookie_ & 0x7fffffff);  // a NOP has none: by it the entry is known again
  entry.len = as == As::Result ? static_cast<uint32_t>(result) : 0;
  entry.rw_flags = as == As::Result ? kNopInjectResult : as == As::Invalid ? kNopUnknownFlag : 0;
  uint64_t words[sizeof entry / sizeof(uint64_t)];
  ::memcpy(words, &entry, sizeof entry);
  const RingView::Words written{.first = words[0], .fourth = words[3]};
  ::memcpy(words, &taken.entry, sizeof entry);
  const RingView::Words original{.first = words[0], .fourth = words[3]};
  submission.view.write(taken.slot, written);
  submission.ring->rewritten.push_back(
      {.position = taken.position, .slot = taken.slot, .written = written, .original = original});
  if (as != As::Result) return;
  submission.ring->owed++;
  submission.told.push_back({.taken = taken, .result = result});
}

// An entry cannot tell flags, so some results are posted; those of entries before them must not come after.
void Service::post_what_was_told(Submission& submission, Chain& chain, size_t before) {
  for (const Submission::Told& told : std::exchange(submission.told, {})) {
    rewrite(submission, told.taken, As::Nothing);
    submission.ring->owed--;
    post(chain, told.taken.entry.user_data, told.result, 0);
  }
  for (size_t i = 0; i < before; i++) {
    if (chain.is_posted[i]) continue;
    post(chain, chain.requests[i].entry.user_data, chain.requests[i].result, 0);
    chain.is_posted[i] = true;
  }
}

// A program may hand in again what it has not written anew.
void Service::restore(Ring& ring, RingView& view) {
  const uint32_t head = view.head();
  if (ring.rewritten.size() > 2 * ring.geometry.sq_entries) ring.rewritten.clear();  // of a queue that is none
  std::erase_if(ring.rewritten, [&](const Ring::Rewritten& one) {
    const bool is_passed = static_cast<int32_t>(head - one.position) > 0;
    if (is_passed) view.restore(one.slot, one.written, one.original);
    return is_passed;
  });
}

}  // namespace lxnet::host::uring
