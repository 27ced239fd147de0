// JSON, as much as reports need: objects, arrays, strings, whole numbers, and other numbers as they are written.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace lxnet::ltp {

struct JsonMember;

struct Json {
  enum class Kind { Null, Boolean, Number, String, Array, Object };
  Kind kind = Kind::Null;
  std::string text;  // of a string, decoded; of a number or boolean, as written
  std::vector<Json> items;
  std::vector<JsonMember> members;

  const Json* find(absl::string_view name) const;
  int number_or(absl::string_view name, int otherwise) const;
  std::string text_or(absl::string_view name, absl::string_view otherwise) const;
};

struct JsonMember {
  std::string first;
  Json second;
};

absl::StatusOr<Json> parse_json(absl::string_view text);

// With its quotation marks.
std::string json_string(absl::string_view text);

}  // namespace lxnet::ltp
