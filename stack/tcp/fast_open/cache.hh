// FastOpenCache: what a client remembers of servers (RFC 7413, 4.1.3.1): their cookies and MSS, and whether SYNs with data were
// lost on the way. One place for each hash of a pair of addresses: a newer pair takes an older one's.
#pragma once

#include "base/siphash.hh"
#include "base/time.hh"
#include "hal/memory.hh"
#include "stack/ip_address.hh"
#include "stack/wire/tcp_options.hh"

namespace lxnet {

class FastOpenCache {
 public:
  struct Known {
    uint16_t mss = 0;  // 0: unknown
    TcpFastOpenCookie cookie;
  };
  // Linux's try_exp: of a server that gave no cookie, the experimental option is tried once.
  enum class Experiment : uint8_t { None, Try, Failed };
  struct News {
    uint16_t mss = 0;
    const TcpFastOpenCookie* cookie = nullptr;
    bool lost_syn = false;
    Experiment experiment = Experiment::None;
  };

  explicit FastOpenCache(const Hal& hal) : hal_(hal) {}
  FastOpenCache(const FastOpenCache&) = delete;
  FastOpenCache& operator=(const FastOpenCache&) = delete;
  ~FastOpenCache();

  Known find(const SipKey& key, const IpAddress& local, const IpAddress& remote) const;
  // Forgets silently where there is no memory.
  void learn(const SipKey& key, const IpAddress& local, const IpAddress& remote, const News& news);
  void clear();

 private:
  static constexpr size_t kPlaces = 256;
  struct Place {
    IpAddress local, remote;
    Known known;
    Experiment experiment = Experiment::None;
    uint8_t lost_syns = 0;
    bool is_used = false;
  };
  static size_t place_of(const SipKey& key, const IpAddress& local, const IpAddress& remote);

  const Hal& hal_;
  Place* places_ = nullptr;
};

}  // namespace lxnet
