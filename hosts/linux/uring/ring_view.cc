#include "hosts/linux/uring/ring_view.hh"

#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace lxnet::host::uring {
namespace {

constexpr uint32_t kCacheLine = 64;

std::ifstream open_info(int ring) { return std::ifstream(absl::StrCat("/proc/self/fdinfo/", ring)); }

uint32_t array_offset(const Port& port, const Geometry& geometry) {
  const auto behind = port.completion().cqes + geometry.cq_entries * static_cast<uint32_t>(sizeof(io_uring_cqe));
  return (behind + kCacheLine - 1) & ~(kCacheLine - 1);
}

void* map(int ring, size_t size, uint64_t offset) {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, static_cast<off_t>(offset));
  return memory == MAP_FAILED ? nullptr : memory;
}

// A ring of another form than Geometry says may be shorter, and then touching it would be SIGBUS.
bool is_there(char* memory, size_t size) {
  char last;
  iovec to = {.iov_base = &last, .iov_len = 1}, from = {.iov_base = memory + size - 1, .iov_len = 1};
  return ::process_vm_readv(::getpid(), &to, 1, &from, 1, 0) == 1;
}

}  // namespace

std::optional<Geometry> read_geometry(int ring) {
  std::ifstream info = open_info(ring);
  uint32_t sq_mask = 0, cq_mask = 0;
  bool has_sq = false, has_cq = false;
  for (std::string line; !(has_sq && has_cq) && std::getline(info, line);) {
    absl::string_view text = line;
    if (absl::ConsumePrefix(&text, "SqMask:")) has_sq = absl::SimpleHexAtoi(absl::StripAsciiWhitespace(text), &sq_mask);
    if (absl::ConsumePrefix(&text, "CqMask:")) has_cq = absl::SimpleHexAtoi(absl::StripAsciiWhitespace(text), &cq_mask);
  }
  if (!has_sq || !has_cq) return std::nullopt;
  return Geometry{.sq_entries = sq_mask + 1, .cq_entries = cq_mask + 1};
}

// The lines are "    7: socket:[1234]", and end where a line begins at the margin.
uint64_t registered_socket(int ring, uint32_t index) {
  constexpr int kTries = 16;  // the list is left out while somebody is in the ring
  for (int i = 0; i < kTries; i++) {
    std::ifstream info = open_info(ring);
    std::string line;
    while (std::getline(info, line) && !absl::StartsWith(line, "UserFiles:")) continue;
    if (!info) return 0;
    bool has_files = false;
    while (std::getline(info, line) && absl::StartsWith(line, " ")) {
      has_files = true;
      absl::string_view text = absl::StripAsciiWhitespace(line);
      const std::string start = absl::StrCat(index, ": socket:[");
      uint64_t inode = 0;
      if (absl::ConsumePrefix(&text, start) && absl::ConsumeSuffix(&text, "]") && absl::SimpleAtoi(text, &inode)) return inode;
    }
    if (has_files) return 0;
  }
  return 0;
}

KernelWork read_kernel_work(int ring) {
  std::ifstream info = open_info(ring);
  KernelWork work;
  for (std::string line; std::getline(info, line);) {
    absl::string_view text = line;
    if (absl::ConsumePrefix(&text, "CachedCqTail:")) {
      static_cast<void>(absl::SimpleAtoi(absl::StripAsciiWhitespace(text), &work.completion_tail));
    } else if (absl::StrContains(text, "task_works=")) {
      work.has_polls = true;
      work.is_waiting |= absl::EndsWith(text, "task_works=1");
    }
  }
  return work;
}

RingView::RingView(const Port& port, int ring, const Geometry& geometry)
    : port_(port),
      geometry_(geometry),
      size_(array_offset(port, geometry) + geometry.sq_entries * sizeof(uint32_t)),
      memory_(static_cast<char*>(map(ring, size_, IORING_OFF_SQ_RING))),
      entries_(static_cast<io_uring_sqe*>(map(ring, geometry.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES))) {}

bool RingView::is_mapped() const {
  return memory_ != nullptr && entries_ != nullptr && is_there(memory_, size_) &&
         is_there(reinterpret_cast<char*>(entries_), geometry_.sq_entries * sizeof(io_uring_sqe));
}

RingView::~RingView() {
  if (memory_ != nullptr) ::munmap(memory_, size_);
  if (entries_ != nullptr) ::munmap(entries_, geometry_.sq_entries * sizeof(io_uring_sqe));
}

uint32_t RingView::load(uint32_t offset) const {
  return std::atomic_ref(*reinterpret_cast<uint32_t*>(memory_ + offset)).load(std::memory_order_acquire);
}

uint64_t& RingView::word(uint32_t slot, unsigned index) const { return reinterpret_cast<uint64_t*>(entries_ + slot)[index]; }

std::optional<uint32_t> RingView::slot_at(uint32_t position) const {
  const uint32_t place = position & (geometry_.sq_entries - 1);
  const uint32_t slot = load(array_offset(port_, geometry_) + place * static_cast<uint32_t>(sizeof(uint32_t)));
  if (slot >= geometry_.sq_entries) return std::nullopt;
  return slot;
}

io_uring_sqe RingView::read(uint32_t slot) const {
  uint64_t copy[sizeof(io_uring_sqe) / sizeof(uint64_t)];
  for (unsigned i = 0; i < std::size(copy); i++) copy[i] = std::atomic_ref(word(slot, i)).load(std::memory_order_relaxed);
  io_uring_sqe entry;
  static_assert(sizeof entry == sizeof copy);
  ::memcpy(&entry, copy, sizeof entry);
  return entry;
}

RingView::Words RingView::words(uint32_t slot) const {
  return {.first = std::atomic_ref(word(slot, 0)).load(), .fourth = std::atomic_ref(word(slot, 3)).load()};
}

void RingView::write(uint32_t slot, const Words& words) {
  std::atomic_ref(word(slot, 3)).store(words.fourth);
  std::atomic_ref(word(slot, 0)).store(words.first);
}

void RingView::restore(uint32_t slot, const Words& written, const Words& original) {
  uint64_t expected = written.first;
  if (!std::atomic_ref(word(slot, 0)).compare_exchange_strong(expected, original.first)) return;
  expected = written.fourth;
  std::atomic_ref(word(slot, 3)).compare_exchange_strong(expected, original.fourth);
}

}  // namespace lxnet::host::uring
