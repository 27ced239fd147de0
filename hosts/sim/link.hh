// Link: a wire between two hosts, with an interface at each end. What an end sends is impaired, captured and delivered to the
// other.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "hosts/sim/host.hh"
#include "netdev/impair/impair.hh"
#include "netdev/pair/pair_end.hh"
#include "netdev/pcap/pcap_device.hh"

namespace lxnet::sim {

struct LinkOptions {
  std::string impair = "";       // of both directions, as netdev/impair/impair_config.hh has it; the seed is the simulation's
  std::string impair_back = "";  // of b to a, when it differs
  uint32_t mtu = 1500;
  LinkKind kind = LinkKind::Ethernet;
};

class Link {
 public:
  // `writer` may be null: not captured. `number` sets the hardware addresses and, with `seed`, the sequences of the impairments.
  Link(Host& a, Host& b, const LinkOptions& options, PcapngWriter* writer, uint32_t number, uint64_t seed);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // The interface's name at this host.
  const std::string& name_at(const Host& host) const { return end_at(host).name; }
  // Of what `from` sends, from now on.
  void impair(const Host& from, const std::string& text);
  Impair::Counters counters(const Host& from) const { return end_at(from).impair->counters(); }
  void unplug() { ends_[0]->pair.disconnect(); }
  void plug() { PairEnd::connect(ends_[0]->pair, ends_[1]->pair); }
  // Takes the interfaces out of their stacks, which must still be there.
  void remove();

 private:
  struct End {
    End(Host& host, const LinkOptions& options, const ImpairConfig& config, PcapngWriter* writer, uint32_t number);
    Host& host;
    std::string name;
    PairEnd pair;
    std::optional<Impair> impair;
    std::optional<PcapDevice> pcap;
    NetDevice& outermost() { return pcap ? static_cast<NetDevice&>(*pcap) : *impair; }
    bool is_registered = false;
  };
  End& end_at(const Host& host) const { return &ends_[0]->host == &host ? *ends_[0] : *ends_[1]; }
  ImpairConfig config_of(const std::string& text, size_t direction) const;

  const uint64_t seed_;
  std::unique_ptr<End> ends_[2];
};

}  // namespace lxnet::sim
