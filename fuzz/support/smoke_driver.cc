// Stands in for libFuzzer where there is none: runs a target on the files of its corpus, then on mutations of them and on random
// bytes. The same seed gives the same inputs. It takes libFuzzer's spelling, so that one command line serves both builds.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Input = std::vector<uint8_t>;

constexpr size_t kLargestRandomInput = 2048;

// The copy ends where the input ends, so that AddressSanitizer sees a read past it.
void run_one(const Input& input) {
  const Input exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

std::vector<Input> read_corpus(const char* directory) {
  std::vector<Input> corpus;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::ifstream file(entry.path(), std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

Input random_input(std::mt19937_64& random) {
  Input input(random() % kLargestRandomInput);
  for (uint8_t& byte : input) byte = static_cast<uint8_t>(random());
  return input;
}

// A few flipped bytes, and sometimes a cut or an extension: near enough to valid to get past the first checks.
Input mutate(Input input, std::mt19937_64& random) {
  if (random() % 4 == 0) input.resize(random() % (input.size() + 64));
  const uint64_t flips = random() % 8;
  for (uint64_t i = 0; i < flips && !input.empty(); ++i) input[random() % input.size()] = static_cast<uint8_t>(random());
  return input;
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t runs = 5000;
  uint64_t seed = 1;
  std::vector<Input> corpus;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("-runs=")) {
      runs = strtoull(argv[i] + 6, nullptr, 10);
    } else if (argument.starts_with("-seed=")) {
      seed = strtoull(argv[i] + 6, nullptr, 10);
    } else if (!argument.starts_with("-")) {
      for (Input& input : read_corpus(argv[i])) corpus.push_back(std::move(input));
    }
  }
  run_one({});
  for (const Input& input : corpus) run_one(input);
  std::mt19937_64 random(seed);
  for (uint64_t i = 0; i < runs; ++i) {
    const bool use_corpus = !corpus.empty() && i % 4 != 0;
    run_one(use_corpus ? mutate(corpus[random() % corpus.size()], random) : random_input(random));
  }
  printf("%zu corpus inputs and %llu random ones, seed %llu\n", corpus.size(), static_cast<unsigned long long>(runs),
         static_cast<unsigned long long>(seed));
  return 0;
}
