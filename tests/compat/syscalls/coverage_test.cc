// docs/coverage.md is printed from the tables, so that it says what the tables say. LXNET_WRITE_COVERAGE=1 writes it anew.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "compat/afinet/inet_options.hh"
#include "compat/afpacket/packet_socket.hh"
#include "compat/syscalls/syscall_table.hh"

namespace lxnet {
namespace {

constexpr char kPath[] = "../../docs/coverage.md";  // from the build folder, where tests run

const char* text_of(Support support) {
  switch (support) {
    case Support::Full:
      return "Full";
    case Support::Partial:
      return "Partial";
    case Support::Missing:
      return "Missing";
  }
  return "";
}

std::string number_of(int16_t number) { return number < 0 ? "" : std::to_string(number); }

void print_calls(std::ostream& out) {
  out << "## System calls\n\nepoll's calls and those of AF_UNIX's archive register themselves and are not listed.\n\n"
      << "| call | x86-64 | i386 | generic | support | note |\n| --- | --- | --- | --- | --- | --- |\n";
  for (const SyscallRow& row : core_syscalls()) {
    out << "| " << row.name;
    for (int16_t number : row.numbers) out << " | " << number_of(number);
    out << " | " << text_of(row.support) << " | " << row.note << " |\n";
  }
}

struct Level {
  const char* name;
  std::span<const OptionRow> rows;
};

size_t count_served(const Level& level) {
  size_t served = 0;
  for (const OptionRow& row : level.rows) served += row.support == Support::Full ? 1 : 0;
  return served;
}

void print_options(std::ostream& out) {
  const Level levels[] = {{"SOL_SOCKET", socket_level_options().rows()},        {"IPPROTO_IP", ip_level_options().rows()},
                          {"IPPROTO_IPV6", ipv6_level_options().rows()},        {"IPPROTO_TCP", tcp_level_options().rows()},
                          {"IPPROTO_UDP", udp_level_options().rows()},          {"SOL_RAW", raw4_level_options().rows()},
                          {"SOL_RAW of AF_INET6", raw6_level_options().rows()}, {"SOL_ICMPV6", icmp6_level_options().rows()},
                          {"SOL_PACKET", packet_level_options().rows()}};
  out << "\n## Socket options\n\nServed: the option has its effect. Missing: it fails as on a Linux without it.\n\n"
      << "| level | rows | served |\n| --- | --- | --- |\n";
  for (const Level& level : levels)
    out << "| " << level.name << " | " << level.rows.size() << " | " << count_served(level) << " |\n";
  for (const Level& level : levels) {
    out << "\n### " << level.name
        << "\n\n| option | number | get | set | support | note |\n| --- | --- | --- | --- | --- | --- |\n";
    for (const OptionRow& row : level.rows) {
      const bool is_there = row.support != Support::Missing;
      const bool gets = is_there && (row.get != nullptr || row.get_int != nullptr);
      const bool sets = is_there && (row.set != nullptr || row.set_int != nullptr);
      out << "| " << row.text << " | " << row.name << " | " << (gets ? "yes" : "") << " | " << (sets ? "yes" : "") << " | "
          << text_of(row.support) << " | " << row.note << " |\n";
    }
  }
}

TEST(CoverageTest, TheDocumentSaysWhatTheTablesSay) {
  std::ostringstream printed;
  printed << "# Coverage\n\nPrinted from the tables (tests/compat/syscalls/coverage_test.cc); do not edit.\n\n";
  print_calls(printed);
  print_options(printed);
  if (std::getenv("LXNET_WRITE_COVERAGE") != nullptr) std::ofstream(kPath) << printed.str();
  std::ifstream file(kPath);
  ASSERT_TRUE(file.is_open()) << "run this test from the build folder";
  std::ostringstream written;
  written << file.rdbuf();
  EXPECT_EQ(written.str(), printed.str()) << "run it once with LXNET_WRITE_COVERAGE=1 and commit docs/coverage.md";
}

TEST(CoverageTest, EveryRowIsFoundByItsNumber) {
  for (const OptionTable* table :
       {&socket_level_options(), &ip_level_options(), &ipv6_level_options(), &tcp_level_options(), &udp_level_options(),
        &raw4_level_options(), &raw6_level_options(), &icmp6_level_options(), &packet_level_options()}) {
    for (const OptionRow& row : table->rows()) EXPECT_EQ(table->find(row.level, row.name), &row) << row.text;
    for (const int name : {-1, 127, 128, INT32_MAX, INT32_MIN}) EXPECT_EQ(table->find(table->rows()[0].level, name), nullptr);
  }
}

}  // namespace
}  // namespace lxnet
