#include "bench/support/report.hh"

#include <cstdio>

namespace lxnet::bench {
namespace {

const char* unit_name(Unit unit) {
  switch (unit) {
    case Unit::Nanos:
      return "ns";
    case Unit::Bytes:
      return "bytes";
    case Unit::BytesPerSecond:
      return "GB/s";
  }
  return "";
}

std::string format(const char* pattern, double value) {
  char text[64];
  snprintf(text, sizeof text, pattern, value);
  return text;
}

std::string number(double value) { return format(value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value); }

std::string cell(const std::optional<Figure>& figure) {
  if (!figure) return "-";
  return number(figure->median) + format(" ±%.0f%%", figure->spread * 100);
}

std::string ratio_cell(const std::optional<double>& ratio) { return ratio ? format("%.2fx", *ratio) : "-"; }

// Padded by what is seen: the sign of the spread takes two bytes.
void print_cell(const std::string& text, size_t width) {
  size_t seen = 0;
  for (char c : text) seen += (c & 0xc0) != 0x80;
  printf("  %*s%s", seen < width ? static_cast<int>(width - seen) : 0, "", text.c_str());
}

void write_number(FILE* file, const char* key, const std::optional<double>& value) {
  if (value) {
    fprintf(file, ", \"%s\": %.6g", key, *value);
  } else {
    fprintf(file, ", \"%s\": null", key);
  }
}

void write_row(FILE* file, const std::string& bench, const Row& row) {
  fprintf(file, "  {\"bench\": \"%s\", \"case\": \"%s\", \"unit\": \"%s\"", bench.c_str(), row.name.c_str(), unit_name(row.unit));
  for (size_t side = 0; side < kSides; ++side) {
    const auto& figure = row.figures[side];
    write_number(file, kSideNames[side], figure ? std::optional(figure->median) : std::nullopt);
  }
  for (size_t side = 1; side < kSides; ++side) {
    write_number(file, (std::string("ratio_") + kSideNames[side]).c_str(), advantage_over(row, static_cast<Side>(side)));
  }
  for (size_t side = 0; side < kSides; ++side) {
    const auto& figure = row.processor[side];
    write_number(file, (std::string("cpu_") + kSideNames[side]).c_str(), figure ? std::optional(figure->median) : std::nullopt);
  }
  for (const Side side : {Side::Linux, Side::Openssl}) {
    const std::string key = std::string("ratio_cpu_") + kSideNames[static_cast<size_t>(side)];
    write_number(file, key.c_str(), processor_advantage_over(row, side));
  }
  for (size_t side = 0; side < kSides; ++side) {
    const auto& figure = row.figures[side];
    write_number(file, (std::string("spread_") + kSideNames[side]).c_str(),
                 figure ? std::optional(figure->spread) : std::nullopt);
  }
  fputs("}", file);
}

}  // namespace

void print_table(const std::string& bench, const std::vector<Row>& rows) {
  bool is_shown[kSides] = {true, true};
  size_t width = bench.size();
  for (const Row& row : rows) {
    width = std::max(width, row.name.size());
    for (size_t side = 0; side < kSides; ++side) is_shown[side] |= row.figures[side].has_value();
  }
  printf("%-*s  unit ", static_cast<int>(width), bench.c_str());
  for (size_t side = 0; side < kSides; ++side) {
    if (is_shown[side]) print_cell(kSideNames[side], 13);
  }
  for (size_t side = 1; side < kSides; ++side) {
    if (is_shown[side]) print_cell(std::string("vs ") + kSideNames[side], 10);
  }
  // Processor time is compared with Linux's, or where Linux does not do the work with OpenSSL's.
  const bool has_openssl = is_shown[static_cast<size_t>(Side::Openssl)];
  const Side peer = has_openssl ? Side::Openssl : Side::Linux;
  print_cell("cpu lxnet", 9);
  print_cell(std::string("vs ") + kSideNames[static_cast<size_t>(peer)], 10);
  printf("\n");
  for (const Row& row : rows) {
    printf("%-*s  %-5s", static_cast<int>(width), row.name.c_str(), unit_name(row.unit));
    for (size_t side = 0; side < kSides; ++side) {
      if (is_shown[side]) print_cell(cell(row.figures[side]), 13);
    }
    for (size_t side = 1; side < kSides; ++side) {
      if (is_shown[side]) print_cell(ratio_cell(advantage_over(row, static_cast<Side>(side))), 10);
    }
    const auto& processor = row.processor[static_cast<size_t>(Side::Lxnet)];
    print_cell(processor ? number(processor->median) : "-", 9);
    print_cell(ratio_cell(processor_advantage_over(row, peer)), 10);
    printf("\n");
  }
}

bool write_json(const std::string& path, const std::string& bench, const std::vector<Row>& rows) {
  FILE* file = fopen(path.c_str(), "w");
  if (file == nullptr) return false;
  fputs("[\n", file);
  for (size_t i = 0; i < rows.size(); ++i) {
    write_row(file, bench, rows[i]);
    fputs(i + 1 < rows.size() ? ",\n" : "\n", file);
  }
  fputs("]\n", file);
  const bool is_whole = ferror(file) == 0;
  return fclose(file) == 0 && is_whole;
}

}  // namespace lxnet::bench
