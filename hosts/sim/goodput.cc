#include "hosts/sim/goodput.hh"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "hosts/sim/simulation.hh"
#include "hosts/sim/sys.hh"

namespace lxnet::sim {
namespace {

constexpr size_t kPiece = 65536;

// FNV-1a, and a stream of bytes that repeats nowhere near a segment's length.
class Stream {
 public:
  void fill(std::vector<uint8_t>& piece) {
    for (uint8_t& byte : piece) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      byte = static_cast<uint8_t>(state_ >> 56);
    }
  }

 private:
  uint64_t state_ = 1;
};
class Hash {
 public:
  void add(const uint8_t* bytes, size_t size) {
    for (size_t i = 0; i < size; ++i) value_ = (value_ ^ bytes[i]) * 0x100000001b3u;
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325u;
};

sockaddr_in server_address() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(80);
  inet_pton(AF_INET, "10.0.0.2", &address.sin_addr);
  return address;
}

void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(what);
}

std::string link_text(const Path& path) {
  char text[160];
  snprintf(text, sizeof text, "delay=%lldus rate=1gbit limit=100000", static_cast<long long>(std::lround(path.rtt_millis * 500)));
  return text;
}

std::string impaired_text(const Path& path) {
  std::string text = link_text(path);
  char part[64];
  if (path.loss_percent > 0) {
    snprintf(part, sizeof part, " loss=%g%%", path.loss_percent);
    text += part;
  }
  if (path.impairment != "clean") text += " " + path.impairment + "=2%";
  return text;
}

struct Result {
  Hash sent, received;
  uint64_t bytes = 0;
  Instant end;
};

void serve(Simulation& simulation, Result& result) {
  const int listener = sys::socket(AF_INET, SOCK_STREAM);
  require(sys::bind(listener, server_address()) == 0 && sys::listen(listener, 1) == 0, "listen");
  const int fd = sys::accept(listener);
  require(fd >= 0, "accept");
  std::vector<uint8_t> piece(kPiece);
  int64_t got = 0;
  while ((got = sys::recv(fd, piece.data(), piece.size())) > 0) {
    result.received.add(piece.data(), static_cast<size_t>(got));
    result.bytes += static_cast<uint64_t>(got);
    result.end = simulation.now();
  }
  require(got == 0, "receive");
  sys::close(fd);
  sys::close(listener);
}

void send_all(Simulation& simulation, const Path& path, const TransferLimits& limits, Result& result) {
  const int fd = sys::socket(AF_INET, SOCK_STREAM);
  const auto size = static_cast<socklen_t>(path.congestion.size());
  require(sys::call(SYS_setsockopt, fd, IPPROTO_TCP, TCP_CONGESTION, path.congestion.data(), size) == 0, "TCP_CONGESTION");
  require(sys::connect(fd, server_address()) == 0, "connect");
  const Instant stop = simulation.now() + Duration::millis(std::lround(limits.seconds * 1000));
  Stream stream;
  std::vector<uint8_t> piece(kPiece);
  for (uint64_t left = limits.bytes; left != 0 && simulation.now() < stop;) {
    piece.resize(std::min<uint64_t>(left, kPiece));
    stream.fill(piece);
    result.sent.add(piece.data(), piece.size());
    require(sys::send(fd, piece.data(), piece.size()) == static_cast<int64_t>(piece.size()), "send");
    left -= piece.size();
  }
  sys::close(fd);
}

}  // namespace

Goodput measure_goodput(const Path& path, const TransferLimits& limits, uint64_t seed) {
  Simulation simulation(seed, {.captures = false});
  Host& a = simulation.add_host("a");
  Host& b = simulation.add_host("b");
  simulation.connect(a, "10.0.0.1/24", b, "10.0.0.2/24", {.impair = impaired_text(path), .impair_back = link_text(path)});
  Result result;
  const Instant start = simulation.now();
  simulation.spawn(b, "server", [&] { serve(simulation, result); });
  simulation.spawn(a, "client", [&] { send_all(simulation, path, limits, result); });
  simulation.run();
  Goodput goodput{.bytes = result.bytes, .seconds = static_cast<double>((result.end - start).in_micros()) / 1e6};
  goodput.megabits_per_second = static_cast<double>(result.bytes) * 8 / goodput.seconds / 1e6;
  goodput.is_whole = result.bytes != 0 && result.sent.value() == result.received.value();
  return goodput;
}

std::vector<Path> goodput_grid() {
  std::vector<Path> grid;
  for (const char* impairment : {"clean", "reorder", "duplicate"}) {
    for (const double rtt : {0.1, 10.0, 100.0}) {
      for (const double loss : {0.0, 0.1, 1.0, 5.0}) {
        for (const char* congestion : {"cubic", "reno", "bbr"}) {
          grid.push_back({.loss_percent = loss, .rtt_millis = rtt, .congestion = congestion, .impairment = impairment});
        }
      }
    }
  }
  return grid;
}

double cubic_formula(double loss_percent, double rtt_millis, double segment_bytes) {
  const double rtt = rtt_millis / 1000, loss = loss_percent / 100;
  const double window = 1.054 * std::pow(rtt, 0.75) / std::pow(loss, 0.75);
  return window * segment_bytes * 8 / rtt / 1e6;
}

}  // namespace lxnet::sim
