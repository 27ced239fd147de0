// lxnet_demo: three hosts around a router, in one process on a virtual clock.
//
//     alice ---- 1 ms ---- router ---- 5 ms, 5 % loss ---- bob
//                            |
//                            +---- 20 ms, 10 Mbit/s ------ carol
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "hosts/sim/demo/programs.hh"

namespace lxnet::sim::demo {
namespace {

constexpr uint16_t kEchoPort = 7;

struct Arguments {
  uint64_t seed = 1;
  std::string capture = "lxnet_demo.pcapng";
};

struct Network {
  explicit Network(Simulation& simulation)
      : router(simulation.add_host("router")),
        alice(simulation.add_host("alice")),
        bob(simulation.add_host("bob")),
        carol(simulation.add_host("carol")) {
    router.set_tunable("net.ipv4.ip_forward", "1");
    attach(simulation, alice, "10.0.1", "delay=1ms");
    to_bob = &attach(simulation, bob, "10.0.2", "delay=5ms loss=5%");
    attach(simulation, carol, "10.0.3", "delay=20ms rate=10mbit");
  }

  Host &router, &alice, &bob, &carol;
  Link* to_bob = nullptr;

 private:
  Link& attach(Simulation& simulation, Host& host, const std::string& network, const std::string& impair) {
    Link& link = simulation.connect(host, network + ".2/24", router, network + ".1/24", {.impair = impair});
    host.add_route("default", network + ".1");
    host.set_tunable("net.ipv4.ping_group_range", "0 2147483647");
    return link;
  }
};

double millis(Duration duration) { return static_cast<double>(duration.in_nanos()) / 1e6; }

void show_ping(Simulation& simulation, const char* name, const char* address) {
  const PingReport report = ping(simulation, parse_address(address), 20);
  printf("  ping        %-6s %-10s %2d of %2d answered", name, address, report.received, report.sent);
  if (report.received != 0) {
    printf("   %6.1f / %.1f / %.1f ms", millis(report.shortest), millis(report.sum / report.received), millis(report.longest));
  }
  printf("\n");
}

void show_traceroute(Simulation& simulation, const char* name, const char* address) {
  const std::vector<Hop> hops = traceroute(simulation, parse_address(address));
  printf("  traceroute  %-6s %-10s", name, address);
  for (size_t i = 0; i < hops.size(); ++i) {
    printf("%s %s", i == 0 ? "" : " ->", hops[i].address.empty() ? "*" : hops[i].address.c_str());
    if (!hops[i].address.empty()) printf(" (%.1f ms)", millis(hops[i].round_trip));
  }
  printf("\n");
}

bool show_echo(Simulation& simulation, const char* name, const char* address) {
  const EchoReport report = echo_client(simulation, parse_address(address), kEchoPort, 200, 1000);
  printf("  UDP echo    %-6s %-10s %d datagrams in %.2f s: sent %d times, %d damaged\n", name, address, report.datagrams,
         millis(report.time) / 1000, report.sent, report.corrupted);
  return report.datagrams == 200 && report.corrupted == 0;
}

int run(const Arguments& arguments) {
  const auto started = std::chrono::steady_clock::now();
  Simulation simulation(arguments.seed);
  Network network(simulation);
  bool is_complete = false;
  printf("Three hosts and a router, simulated; seed %llu.\n\n", static_cast<unsigned long long>(arguments.seed));
  printf("  alice 10.0.1.2 --- 1 ms --- router --- 5 ms, 5 %% loss --- bob 10.0.2.2\n");
  printf("                               |\n");
  printf("                               +------ 20 ms, 10 Mbit/s --- carol 10.0.3.2\n\n");
  printf("  from alice  to                result                  min / mean / max\n");
  const Instant start = simulation.now();
  simulation.spawn(network.bob, "echo server", [] { echo_server(kEchoPort); });
  simulation.spawn(network.alice, "programs", [&] {
    is_complete = show_echo(simulation, "bob", "10.0.2.2");
    show_ping(simulation, "bob", "10.0.2.2");
    show_ping(simulation, "carol", "10.0.3.2");
    show_traceroute(simulation, "bob", "10.0.2.2");
    show_traceroute(simulation, "carol", "10.0.3.2");
  });
  simulation.run();
  const double simulated = millis(simulation.now() - start) / 1000;
  const auto lost = network.to_bob->counters(network.router).lost + network.to_bob->counters(network.bob).lost;
  const double real = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  printf("\n  The link to bob lost %llu packets. %.1f simulated seconds took %.0f ms.\n", static_cast<unsigned long long>(lost),
         simulated, real * 1000);
  if (!simulation.write_capture(arguments.capture)) {
    fprintf(stderr, "lxnet demo: cannot write %s: %s\n", arguments.capture.c_str(), strerror(errno));
    return 1;
  }
  printf("  Every packet is in %s: open it with Wireshark; lost ones carry a comment.\n", arguments.capture.c_str());
  return is_complete ? 0 : 1;
}

void print_usage(FILE* out) {
  fprintf(out,
          "Usage: lxnet_demo [--seed=NUMBER] [--capture=FILE]\n\n"
          "  --seed=NUMBER    another run; the same number gives the same packets (1)\n"
          "  --capture=FILE   where the pcapng goes (lxnet_demo.pcapng)\n");
}

// False when the program is to end with *status.
bool parse(int count, char** texts, Arguments& arguments, int* status) {
  for (int i = 1; i < count; ++i) {
    const std::string text = texts[i];
    char* end = nullptr;
    if (text == "--help" || text == "-h") {
      print_usage(stdout);
      *status = 0;
      return false;
    }
    if (text.starts_with("--capture=") && text.size() > 10) {
      arguments.capture = text.substr(10);
    } else if (text.starts_with("--seed=") && text.size() > 7 &&
               (arguments.seed = strtoull(text.c_str() + 7, &end, 10), *end == '\0')) {
      continue;
    } else {
      fprintf(stderr, "lxnet demo: not an argument it takes: %s\n\n", text.c_str());
      print_usage(stderr);
      *status = 2;
      return false;
    }
  }
  return true;
}

}  // namespace
}  // namespace lxnet::sim::demo

int main(int count, char** texts) {
  using namespace lxnet::sim::demo;
  Arguments arguments;
  int status = 0;
  if (!parse(count, texts, arguments, &status)) return status;
  try {
    return run(arguments);
  } catch (const std::exception& error) {
    fprintf(stderr, "lxnet demo: %s\n", error.what());
    return 1;
  }
}
