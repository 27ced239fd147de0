#include "hosts/linux/network_link.hh"

#include <unistd.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "netdev/impair/impair.hh"
#include "netdev/pcap/pcap_device.hh"
#include "stack/stack.hh"

namespace lxnet::host {
namespace {

// A few packets at a time; what cannot be written is not there to be read.
class CaptureFile {
 public:
  explicit CaptureFile(OwnedFd fd) : fd_(std::move(fd)) {}
  void append(ByteSpan bytes) {
    text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text_.size() >= kEnough) flush();
  }
  void flush() {
    for (size_t at = 0; at < text_.size();) {
      ssize_t done = ::write(fd_.get(), text_.data() + at, text_.size() - at);
      if (done <= 0) break;
      at += static_cast<size_t>(done);
    }
    text_.clear();
  }

 private:
  static constexpr size_t kEnough = 256 * 1024;
  OwnedFd fd_;
  std::string text_;
};

// What is wrong with the text, or "" and the configuration.
std::string parse(const std::string& text, ImpairConfig& config) {
  ImpairParseError error;
  auto parsed = parse_impair_config(text.c_str(), &error);
  if (parsed.is_ok()) {
    config = parsed.take();
    return "";
  }
  std::string where = error.where == nullptr || *error.where == '\0' ? "at its end" : absl::StrCat("at '", error.where, "'");
  return absl::StrCat(error.message, ", ", where);
}

}  // namespace

struct NetworkLink::Devices {
  Stack& stack;
  std::optional<CaptureFile> file;
  std::optional<PcapngWriter> writer;
  std::optional<Impair> impair;
  std::optional<PcapDevice> pcap;

  std::string wrap_loopback(WrapperDevice& wrapper) {
    const Result<> wrapped = stack.interfaces().wrap_device(stack.interfaces().loopback(), wrapper);
    return wrapped.is_ok() ? "" : "the device cannot start";
  }
};

NetworkLink::NetworkLink(lxnet_stack* stack) : devices_(new Devices{*reinterpret_cast<Stack*>(stack), {}, {}, {}, {}}) {}

NetworkLink::~NetworkLink() {
  flush();
  // The interface still points to them.
  if (devices_->impair || devices_->pcap) devices_.release();
}

std::string NetworkLink::check_impairment(const std::string& text) {
  ImpairConfig unused;
  return parse(text, unused);
}

std::string NetworkLink::impair(const std::string& text) {
  ImpairConfig config;
  if (std::string wrong = parse(text, config); !wrong.empty()) return wrong;
  if (devices_->impair) {
    devices_->impair->configure(config);
    return "";
  }
  Stack& stack = devices_->stack;
  devices_->impair.emplace(stack.hal(), stack.timers(), stack.interfaces().loopback().device(), config);
  return devices_->wrap_loopback(*devices_->impair);
}

std::string NetworkLink::capture(OwnedFd file) {
  if (devices_->pcap) return "the network is being captured already";
  Stack& stack = devices_->stack;
  devices_->file.emplace(std::move(file));
  auto write = [](void* context, ByteSpan bytes) { static_cast<CaptureFile*>(context)->append(bytes); };
  devices_->writer.emplace(stack.hal(), ByteSink{.context = &*devices_->file, .write = write});
  devices_->pcap.emplace(*devices_->writer, "lo", stack.interfaces().loopback().device());
  if (devices_->impair) {
    auto note = [](void* context, const Packet& packet, const char* reason) {
      static_cast<PcapDevice*>(context)->note_drop(packet, reason);
    };
    devices_->impair->observe_drops(note, &*devices_->pcap);
  }
  return devices_->wrap_loopback(*devices_->pcap);
}

void NetworkLink::flush() {
  if (devices_->file) devices_->file->flush();
}

LinkCounts NetworkLink::counts() const {
  LinkCounters counters = devices_->stack.interfaces().loopback().counters();
  LinkCounts counts{.packets = counters.tx_packets, .bytes = counters.tx_bytes};
  if (devices_->impair) counts.lost = devices_->impair->counters().lost;
  return counts;
}

}  // namespace lxnet::host
