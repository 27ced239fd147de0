#include <cstdio>
#include <deque>

#include "hosts/sim/host.hh"
#include "tests/differential/peer/kernel.hh"
#include "tests/differential/peer/wire.hh"

namespace peer {
namespace {

using lxnet::Duration;
using lxnet::Instant;

// So long Linux needs to be handed the next one: of several, none comes at the same instant as another.
constexpr Duration kCostOfPacket = Duration::micros(15);

lxnet_config configuration() {
  lxnet_config config{};
  config.struct_size = sizeof config;
  config.hostname = "peer";
  return config;
}

class LxnetKernel final : public Kernel {
 public:
  LxnetKernel() : host_(scheduler_, "peer", 1, configuration()) {
    scheduler_.on_problem = [](const std::string& problem) { fprintf(stderr, "lxnet: %s\n", problem.c_str()); };
    scheduler_.run_until(Instant::from_nanos(0) + Duration::seconds(1000));  // a machine that has been up for a while
    lxnet_netdev_ops ops{};
    ops.struct_size = sizeof ops;
    ops.link_kind = LXNET_LINK_IP;
    ops.mtu = kMtu;
    ops.ctx = this;
    ops.transmit = &LxnetKernel::transmit;
    if (lxnet_netdev_register(host_.c_stack(), "tun0", &ops, &device_) != 0) throw std::runtime_error("no device");
    host_.set_up("tun0");
    host_.add_address("tun0", show_address(kLocalAddress) + "/16");
    host_.add_route("default", show_address(kLocalAddress + 1), "tun0");
    host_.add_address("tun0", "2001:db8:1::2/64");
    host_.add_route("::/0", "2001:db8:1::3", "tun0");
    lxnet_credentials& user = host_.process().credentials;
    user.uid = user.euid = user.gid = user.egid = 0;
    host_.process().capabilities = ~uint64_t{0};
    began_ = scheduler_.now();
  }
  ~LxnetKernel() override {
    scheduler_.kill_all();
    lxnet_netdev_unregister(device_);
    host_.shut_down();
  }

  void set_tunable(const std::string& name, const std::string& value) override {
    static_cast<void>(lxnet_tunable_set(host_.c_stack(), name.c_str(), value.c_str()));
  }

  void come_first(int64_t micros) override { hurry_ = Duration::micros(micros); }

  int64_t now() const override { return (scheduler_.now() - began_).in_nanos() / 1000; }

  void deliver(const std::string& packet) override {
    lxnet_netdev_receive(device_, packet.data(), packet.size());
    scheduler_.run_until(scheduler_.now() + kCostOfPacket);
  }

  bool take(int64_t until, std::string& packet, int64_t& left_at) override {
    const Instant end = began_ + Duration::micros(until), last = end - hurry_;
    const auto next_time = [this] { return scheduler_.events().next_time(); };
    while (sent_.empty() && next_time() <= last) scheduler_.run_until(next_time());
    if (sent_.empty()) {
      const Instant now = next_time() <= end ? next_time() - Duration::micros(1) : end;
      if (scheduler_.now() < now) scheduler_.run_until(now);
      hurry_ = Duration();
      return false;
    }
    packet = std::move(sent_.front().bytes);
    left_at = sent_.front().at;
    sent_.pop_front();
    return true;
  }

 protected:
  int64_t system_call(long number, const uint64_t registers[6]) override { return host_.system_call(number, registers); }

 private:
  struct Sent {
    std::string bytes;
    int64_t at;
  };

  static int transmit(void* context, const lxnet_iovec* pieces, uint32_t count) {
    LxnetKernel& self = *static_cast<LxnetKernel*>(context);
    Sent& sent = self.sent_.emplace_back();
    sent.at = (self.scheduler_.now() - self.began_).in_nanos() / 1000;
    for (uint32_t i = 0; i < count; ++i) sent.bytes.append(static_cast<const char*>(pieces[i].base), pieces[i].size);
    return 0;
  }

  lxnet::sim::Scheduler scheduler_;
  lxnet::sim::Host host_;
  lxnet_netdev* device_ = nullptr;
  Instant began_;
  Duration hurry_;
  std::deque<Sent> sent_;
};

}  // namespace

std::unique_ptr<Kernel> make_lxnet() { return std::make_unique<LxnetKernel>(); }

}  // namespace peer
