#include "tests/compat/afalg/vectors.hh"

namespace lxnet::testing {
namespace {

// RFC 7693, appendix E: a hash of what 96 messages hash to, with a key and without, in all sizes Linux has.
class Blake2Exam {
 public:
  Blake2Exam(AlgMachine& machine, const std::string& family) : machine_(machine), family_(family) {}
  Bytes run(const std::vector<size_t>& digests, const std::vector<size_t>& lengths) {
    const int total = machine_.operation("hash", family_ + "-256", {});
    for (const size_t digest : digests) {
      for (const size_t length : lengths) {
        const Bytes message = sequence(length, length), key = sequence(digest, digest);
        for (const Bytes& part : {hash(digest, {}, message), hash(digest, key, message)}) {
          EXPECT_EQ(machine_.send(total, part.data(), part.size(), MSG_MORE), static_cast<int64_t>(part.size()));
        }
      }
    }
    return machine_.receive(total, 32);
  }

 private:
  // selftest_seq().
  static Bytes sequence(size_t size, size_t seed) {
    Bytes bytes(size);
    auto a = static_cast<uint32_t>(0xdead4bad * seed);
    uint32_t b = 1;
    for (uint8_t& byte : bytes) {
      const uint32_t sum = a + b;
      a = b;
      b = sum;
      byte = static_cast<uint8_t>(sum >> 24);
    }
    return bytes;
  }
  Bytes hash(size_t digest, const Bytes& key, const Bytes& message) {
    const int fd = machine_.operation("hash", family_ + "-" + std::to_string(8 * digest), key);
    EXPECT_EQ(machine_.send(fd, message.data(), message.size()), static_cast<int64_t>(message.size()));
    return machine_.receive(fd, digest);
  }

  AlgMachine& machine_;
  std::string family_;
};

TEST(Blake2, PassesTheExamOfItsRfc) {
  AlgMachine machine;
  EXPECT_EQ(Blake2Exam(machine, "blake2b").run({20, 32, 48, 64}, {0, 3, 128, 129, 255, 1024}),
            bytes_of_hex("c23a7800d98123bd10f506c61e29da5603d763b8bbad2e737f5e765a7bccd475"));
  EXPECT_EQ(Blake2Exam(machine, "blake2s").run({16, 20, 28, 32}, {0, 3, 64, 65, 255, 1024}),
            bytes_of_hex("6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe"));
}

}  // namespace
}  // namespace lxnet::testing
