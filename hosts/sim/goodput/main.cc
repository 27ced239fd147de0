// Prints docs/tcp_goodput.md.
#include <cstdio>

#include "hosts/sim/goodput.hh"

namespace lxnet::sim {
namespace {

constexpr const char* kHead = R"(# TCP's goodput over simulated paths

Megabits of payload a second that one connection carries over a 1 Gbit/s link, both ends lxnet, on the virtual clock. Each transfer
ends after 24 MB, or 30 s and what is then on its way; its start and its end are counted. Loss, reordering (2 % of the packets overtake
the others) and duplication (2 %) are of the data's direction. All bytes were compared by hash. The seed is fixed, so the same program
prints the same table: `./lxnet goodput --write`.
)";

int print_grid() {
  printf("%s", kHead);
  const std::vector<Path> grid = goodput_grid();
  std::string impairment;
  int failures = 0;
  for (size_t i = 0; i < grid.size(); i += 3) {
    if (grid[i].impairment != impairment) {
      impairment = grid[i].impairment;
      printf("\n## %s\n\n| round trip | loss | CUBIC | NewReno | BBR |\n| ---: | ---: | ---: | ---: | ---: |\n",
             impairment.c_str());
    }
    printf("| %g ms | %g %% |", grid[i].rtt_millis, grid[i].loss_percent);
    for (size_t k = 0; k < 3; ++k) {
      const Goodput goodput = measure_goodput(grid[i + k], {}, 1);
      printf(goodput.megabits_per_second < 10 ? " %.2f |" : " %.0f |", goodput.megabits_per_second);
      if (goodput.is_whole) continue;
      fprintf(stderr, "%s, %g ms, %g %%, %s: bytes are missing or wrong\n", impairment.c_str(), grid[i + k].rtt_millis,
              grid[i + k].loss_percent, grid[i + k].congestion.c_str());
      ++failures;
    }
    printf("\n");
    fflush(stdout);
  }
  printf("\nAt 1 %% loss and 100 ms the formula of RFC 9438 (figure 5) gives CUBIC %.2f Mbit/s.\n", cubic_formula(1, 100, 1448));
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace lxnet::sim

int main() { return lxnet::sim::print_grid(); }
