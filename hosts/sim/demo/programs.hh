// The programs the demo runs on its hosts: ordinary blocking socket code.
#pragma once

#include <netinet/in.h>

#include <string>
#include <vector>

#include "hosts/sim/simulation.hh"

namespace lxnet::sim::demo {

struct PingReport {
  int sent = 0, received = 0;
  Duration shortest = Duration::max(), longest, sum;
};
// ICMP echo requests through an echo socket, one after the other.
PingReport ping(Simulation& simulation, in_addr destination, int count);

struct Hop {
  std::string address;  // empty: nobody answered
  Duration round_trip;
};
// UDP probes with rising TTL; each answer is an ICMP error, read from the socket's error queue.
std::vector<Hop> traceroute(Simulation& simulation, in_addr destination);

struct EchoReport {
  int datagrams = 0, sent = 0, corrupted = 0;
  size_t bytes = 0;
  Duration time;
};
// Answers until nothing has come for a second.
void echo_server(uint16_t port);
// Sends numbered datagrams and repeats each until its echo comes.
EchoReport echo_client(Simulation& simulation, in_addr server, uint16_t port, int datagrams, size_t size);

in_addr parse_address(const std::string& text);

}  // namespace lxnet::sim::demo
