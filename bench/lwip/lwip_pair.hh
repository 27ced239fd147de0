// lwIP as a peer in benchmarks: two interfaces joined by a link in memory, a listener behind one and clients behind the other,
// all in one thread over its raw API. Present where Debian's liblwip-dev was.
//
// As Debian builds it: segments of 1460 bytes, 64 KiB windows, checksums computed and checked. Like its own loopback the link
// copies each packet, for lwIP goes on holding what it sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace lxnet::bench {

class LwipPair {
 public:
  virtual ~LwipPair() = default;
  // A connection, established and accepted.
  virtual void connect() = 0;
  // Closed from both ends, and what is left of it in TIME-WAIT ended at once: lwIP looks for ports and pcbs in lists.
  virtual void close() = 0;
  virtual void client_sends(const uint8_t* data, size_t size) = 0;
  virtual void server_sends(const uint8_t* data, size_t size) = 0;
  // Moves `size` bytes through the client's end and out of the server's, as fast as buffers and windows allow.
  virtual void stream(const uint8_t* from, uint8_t* to, size_t size) = 0;
  // What has come, copied out.
  virtual size_t client_receives(uint8_t* data, size_t size) = 0;
  virtual size_t server_receives(uint8_t* data, size_t size) = 0;

  // Null where lwIP is not there. There is one at a time.
  static std::unique_ptr<LwipPair> create();
  static bool is_available();
};

}  // namespace lxnet::bench
