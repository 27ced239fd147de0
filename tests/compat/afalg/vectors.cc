#include "tests/compat/afalg/vectors.hh"

#include <fstream>

namespace lxnet::testing {
namespace {

Bytes* find_field(Vector& vector, const std::string& word) {
  if (word == "key") return &vector.key;
  if (word == "iv") return &vector.iv;
  if (word == "associated") return &vector.associated;
  if (word == "input") return &vector.input;
  if (word == "output") return &vector.output;
  if (word == "additional1") return &vector.additional[0];
  if (word == "additional2") return &vector.additional[1];
  if (word == "entropy1") return &vector.entropy[0];
  if (word == "entropy2") return &vector.entropy[1];
  return nullptr;
}

void read_file(const std::string& path, std::vector<Vector>& vectors) {
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::string source;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t space = line.find(' ');
    const std::string word = line.substr(0, space), rest = line.substr(space + 1);
    if (word == "source") {
      source = rest;
    } else if (word == "algorithm") {
      vectors.emplace_back();
      vectors.back().source = source;
      vectors.back().name = rest;
    } else if (Bytes* field = vectors.empty() ? nullptr : find_field(vectors.back(), word)) {
      *field = bytes_of_hex(rest);
    } else {
      ADD_FAILURE() << path << ": " << line;
    }
  }
}

}  // namespace

Bytes bytes_of_hex(const std::string& text) {
  Bytes bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<uint8_t>(std::stoul(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

std::vector<Vector> read_vectors() {
  std::vector<Vector> vectors;
  for (const char* name : {"hash", "mac", "cipher", "aead", "drbg"}) {
    read_file(std::string(LXNET_AFALG_VECTORS) + "/" + name + ".txt", vectors);
  }
  return vectors;
}

}  // namespace lxnet::testing
