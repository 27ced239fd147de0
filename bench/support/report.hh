// The results as a table for people and as JSON for programs.
#pragma once

#include <string>
#include <vector>

#include "bench/support/measure.hh"

namespace lxnet::bench {

void print_table(const std::string& bench, const std::vector<Row>& rows);

// An array of {bench, case, unit, lxnet, linux, lwip, ratio_linux} and, besides, floor, ratio_lwip, ratio_floor, the processor
// time of each side (cpu_SIDE, ratio_cpu_linux) and its spread. What was not measured is null. False when the file cannot be
// written.
bool write_json(const std::string& path, const std::string& bench, const std::vector<Row>& rows);

}  // namespace lxnet::bench
