#include "hosts/sim/link.hh"

#include <stdexcept>

#include "stack/stack.hh"

namespace lxnet::sim {
namespace {

DeviceCapabilities capabilities_of(const LinkOptions& options, uint32_t number) {
  DeviceCapabilities capabilities;
  capabilities.link = options.kind;
  capabilities.mtu = options.mtu;
  // Locally administered: 02:00:00 and the number.
  capabilities.address.bytes = {
      2, 0, 0, static_cast<uint8_t>(number >> 16), static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)};
  return capabilities;
}

}  // namespace

Link::End::End(Host& host, const LinkOptions& options, const ImpairConfig& config, PcapngWriter* writer, uint32_t number)
    : host(host),
      name(host.take_interface_name()),
      pair(host.stack().hal(), host.stack().pool(), capabilities_of(options, number)) {
  impair.emplace(host.stack().hal(), host.stack().timers(), pair, config);
  if (writer != nullptr) pcap.emplace(*writer, (host.name() + ":" + name).c_str(), *impair);
  if (pcap) {
    impair->observe_drops([](void* context, const Packet& packet,
                             const char* reason) { static_cast<PcapDevice*>(context)->note_drop(packet, reason); },
                          &*pcap);
  }
  pair.set_wake(
      [](void* context) {
        End& self = *static_cast<End*>(context);
        EventQueue& events = self.host.scheduler().events();
        events.schedule(events.now(), [&self] { self.pair.pump(); });
      },
      this);
  Entry entry(host.stack());
  const auto added = host.stack().interfaces().add(entry, outermost(), name.c_str());
  if (!added.is_ok()) throw std::runtime_error(host.name() + ": the interface was refused");
  is_registered = true;
}

Link::Link(Host& a, Host& b, const LinkOptions& options, PcapngWriter* writer, uint32_t number, uint64_t seed) : seed_(seed) {
  const std::string& back = options.impair_back.empty() ? options.impair : options.impair_back;
  ends_[0] = std::make_unique<End>(a, options, config_of(options.impair, 0), writer, number * 2 + 1);
  ends_[1] = std::make_unique<End>(b, options, config_of(back, 1), writer, number * 2 + 2);
  plug();
}

Link::~Link() {
  for (auto& end : ends_) end->pair.set_wake(nullptr, nullptr);
}

void Link::remove() {
  for (auto& end : ends_) {
    if (!std::exchange(end->is_registered, false)) continue;
    Entry entry(end->host.stack());
    const Ref<Interface> interface = end->host.stack().interfaces().find(end->name.c_str());
    if (interface) end->host.stack().interfaces().remove(entry, *interface);
    entry.flush();
    end->outermost().stop();
  }
}

void Link::impair(const Host& from, const std::string& text) {
  End& end = end_at(from);
  end.impair->configure(config_of(text, &end == ends_[0].get() ? 0 : 1));
}

ImpairConfig Link::config_of(const std::string& text, size_t direction) const {
  ImpairParseError error;
  auto parsed = parse_impair_config(text.c_str(), &error);
  if (!parsed.is_ok()) throw std::runtime_error("link \"" + text + "\": " + error.message + ", at \"" + error.where + "\"");
  ImpairConfig config = parsed.take();
  if (text.find("seed=") == std::string::npos) config.seed = seed_ * 2 + direction;
  return config;
}

}  // namespace lxnet::sim
