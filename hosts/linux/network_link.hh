// What `lxnet run --impair` and `--pcap` put around a network's `lo`: a bad link, a capture.
#pragma once

#include <memory>
#include <string>

#include "hal/lxnet.h"
#include "hosts/linux/owned_fd.hh"

namespace lxnet::host {

struct LinkCounts {
  uint64_t packets = 0, bytes = 0;  // that were sent
  uint64_t lost = 0;                // by the impairment
};

class NetworkLink {
 public:
  // The stack outlives this, and neither is used after it but to be destroyed.
  explicit NetworkLink(lxnet_stack* stack);
  ~NetworkLink();

  // Each answers what is wrong, or "".
  // "delay=20ms loss=1% seed=7"; again for another one, and "" for none.
  std::string impair(const std::string& text);
  // Writes every packet to `file` as pcapng. With both, what the impairment drops is in it, with the reason, if it came first.
  std::string capture(OwnedFd file);
  // What was captured so far is in the file after this.
  void flush();
  LinkCounts counts() const;

  // What impair() would say to the text.
  static std::string check_impairment(const std::string& text);

 private:
  struct Devices;
  std::unique_ptr<Devices> devices_;
};

}  // namespace lxnet::host
