// Rows under named columns, printed as people read them or as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace lxnet::host {

enum class TableFormat : uint8_t { Text, Json };

class TextTable {
 public:
  using Cell = std::variant<std::string, uint64_t>;

  // As JSON the names are in lower case, with '_' for what is no letter.
  explicit TextTable(std::vector<std::string> columns) : columns_(std::move(columns)) {}
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  // Numbers to the right, words to the left; or an array of objects.
  std::string print(TableFormat format) const { return format == TableFormat::Json ? as_json() : as_text(); }

 private:
  std::string as_text() const;
  std::string as_json() const;

  std::vector<std::string> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace lxnet::host
