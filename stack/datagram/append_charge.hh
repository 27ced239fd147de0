// AppendCharge: what Linux charges the sender of a datagram that it makes from one call's bytes or from several's
// (__ip_append_data() and __ip6_append_data()): a buffer for each fragment, and to the byte what follows in pages.
//
// The receiver is charged the same, as the buffers travel whole.
#pragma once

#include "base/bytes.hh"
#include "stack/ip_address.hh"

namespace lxnet {

// How one datagram is cut.
struct AppendShape {
  IpFamily family = IpFamily::V4;
  bool is_paged = false;  // segmentation offload: behind the headers only pages
  size_t mtu = 0;
  size_t headers = 0;        // of every fragment
  size_t first_headers = 0;  // IPv6 destination options: of the first alone
};

class AppendCharge {
 public:
  // Appends `size` bytes, the first `transport` of them a header. `held` is what the socket is charged otherwise, `limit` what it
  // may hold before another fragment's buffer is refused it. Answers how many bytes were made: all, or those before the refusal.
  size_t append(const AppendShape& shape, size_t size, size_t transport, size_t held, size_t limit);
  uint32_t total() const { return total_; }

  // For a datagram of one fragment, whose size with all headers is no more than the MTU.
  static uint32_t of_one(const AppendShape& shape, size_t size, size_t transport);

 private:
  struct Fragment;
  void start_fragment(const Fragment& fragment, size_t& left, size_t& transport);

  uint32_t total_ = 0;
  size_t appended_ = 0;   // of the datagram, without IP headers
  size_t last_size_ = 0;  // of the last fragment, with them; 0: there is none yet
};

}  // namespace lxnet
