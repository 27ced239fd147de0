// Every algorithm gives the published answers: asked directly, and through sockets, cut at every place.
#include "compat/afalg/known_answers.hh"

#include <algorithm>
#include <optional>

#include "tests/compat/afalg/alg_machine.hh"

namespace lxnet::testing {
namespace {

constexpr AlgorithmKind kKinds[] = {AlgorithmKind::Hash, AlgorithmKind::Cipher, AlgorithmKind::Skcipher, AlgorithmKind::Aead,
                                    AlgorithmKind::Rng};

class KnownAnswersTest : public ::testing::TestWithParam<Implementations> {
 protected:
  // The kind under which a name is served. mbedTLS may be built without aria.
  std::optional<AlgorithmKind> find_kind(const char* name) {
    Entry entry(machine.stack());
    for (const AlgorithmKind kind : kKinds) {
      if (machine.registry().get(entry, NameView::of(name), kind).is_ok()) return kind;
    }
    if (std::string(name) != "aria") ADD_FAILURE() << name << " is not served";
    return std::nullopt;
  }

  void check_hash(const KnownAnswer& answer);
  void check_skcipher(const KnownAnswer& answer);
  void check_aead(const KnownAnswer& answer);

  AlgMachine machine{GetParam()};
};

TEST_P(KnownAnswersTest, EveryRowPassesItsSelfTest) {
  for (const KnownAnswer& answer : known_answers()) find_kind(answer.name);
  size_t passed = 0;
  struct Seen {
    size_t* passed;
  } seen{&passed};
  Entry entry(machine.stack());
  machine.registry().visit_all(
      entry,
      [](void* context, const Algorithm& row, SelfTest self_test) {
        EXPECT_NE(self_test, SelfTest::Failed) << row.driver;
        if (self_test == SelfTest::Passed) ++*static_cast<Seen*>(context)->passed;
      },
      &seen);
  EXPECT_GE(passed, 60u);
}

void KnownAnswersTest::check_hash(const KnownAnswer& answer) {
  const Bytes input = bytes_from(answer.input), output = bytes_from(answer.output);
  const int fd = machine.operation("hash", answer.name, bytes_from(answer.key));
  ASSERT_GE(fd, 0) << answer.name;
  for (size_t cut = 0; cut <= input.size(); ++cut) {
    ASSERT_EQ(machine.send(fd, input.data(), cut, MSG_MORE), static_cast<int64_t>(cut));
    ASSERT_EQ(machine.send(fd, input.data() + cut, input.size() - cut), static_cast<int64_t>(input.size() - cut));
    ASSERT_EQ(machine.receive(fd, output.size()), output) << answer.name << " cut at " << cut;
  }
}

// What went in comes out, cut in two while it is sent and again while it is received.
void KnownAnswersTest::check_skcipher(const KnownAnswer& answer) {
  const Bytes iv = bytes_from(answer.iv);
  const Algorithm* row = nullptr;
  {
    Entry entry(machine.stack());
    row = machine.registry().get(entry, NameView::of(answer.name), AlgorithmKind::Skcipher).take();
  }
  const bool is_chained = row->iv_size != 0 || row->parts[0] != nullptr;
  const std::string name = answer.name;
  const bool keeps_iv = name.starts_with("xts") || name.starts_with("cts") || name == "chacha20";
  for (const uint32_t operation : {uint32_t{ALG_OP_ENCRYPT}, uint32_t{ALG_OP_DECRYPT}}) {
    const Bytes from = bytes_from(operation == ALG_OP_ENCRYPT ? answer.input : answer.output);
    const Bytes to = bytes_from(operation == ALG_OP_ENCRYPT ? answer.output : answer.input);
    const int fd = machine.operation("skcipher", answer.name, bytes_from(answer.key));
    ASSERT_GE(fd, 0) << answer.name;
    for (size_t cut = 0; cut <= from.size(); ++cut) {
      const Bytes head(from.begin(), from.begin() + static_cast<long>(cut));
      ASSERT_EQ(machine.send_operation(fd, operation, iv, head, MSG_MORE), static_cast<int64_t>(cut));
      ASSERT_EQ(machine.send(fd, from.data() + cut, from.size() - cut), static_cast<int64_t>(from.size() - cut));
      Bytes got;
      // Linux goes on with a chain only between whole chunks.
      const size_t first = is_chained && !keeps_iv ? cut / row->chunk() * row->chunk() : 0;
      if (first != 0 && first < from.size()) got = machine.receive(fd, first);
      const Bytes rest = machine.receive(fd, from.size() - got.size());
      got.insert(got.end(), rest.begin(), rest.end());
      ASSERT_EQ(got, to) << answer.name << " cut at " << cut;
    }
  }
}

void KnownAnswersTest::check_aead(const KnownAnswer& answer) {
  const Bytes iv = bytes_from(answer.iv), associated = bytes_from(answer.associated);
  const size_t tag_size = answer.output.size() - answer.input.size();
  const int parent = machine.bound("aead", answer.name);
  ASSERT_EQ(machine.set_key(parent, bytes_from(answer.key)), 0) << answer.name;
  ASSERT_EQ(machine.call(SYS_setsockopt, parent, SOL_ALG, ALG_SET_AEAD_AUTHSIZE, nullptr, tag_size), 0);
  const int fd = static_cast<int>(machine.call(SYS_accept4, parent, nullptr, nullptr, 0));
  for (const uint32_t operation : {uint32_t{ALG_OP_ENCRYPT}, uint32_t{ALG_OP_DECRYPT}}) {
    Bytes from = associated, to = associated;
    const ByteSpan in = operation == ALG_OP_ENCRYPT ? answer.input : answer.output;
    const ByteSpan out = operation == ALG_OP_ENCRYPT ? answer.output : answer.input;
    from.insert(from.end(), in.begin(), in.end());
    to.insert(to.end(), out.begin(), out.end());
    for (size_t cut = 0; cut <= from.size(); ++cut) {
      const Bytes head(from.begin(), from.begin() + static_cast<long>(cut));
      ASSERT_EQ(machine.send_operation(fd, operation, iv, head, MSG_MORE, static_cast<uint32_t>(associated.size())),
                static_cast<int64_t>(cut));
      ASSERT_EQ(machine.send(fd, from.data() + cut, from.size() - cut), static_cast<int64_t>(from.size() - cut));
      // No room at all is no operation.
      if (to.empty()) {
        ASSERT_EQ(machine.receive(fd, 1), to);
      } else {
        ASSERT_EQ(machine.receive(fd, to.size()), to) << answer.name << " cut at " << cut;
      }
    }
    if (operation == ALG_OP_DECRYPT) {
      // IPsec's iv in the associated data is only carried along.
      const size_t carried = iv.size() == 8 ? associated.size() - 8 : associated.size();
      for (size_t i = 0; i < from.size(); i += 7) {
        if (i >= carried && i < associated.size()) continue;
        Bytes changed = from;
        changed[i] ^= 0x40;
        machine.send_operation(fd, operation, iv, changed, 0, static_cast<uint32_t>(associated.size()));
        Bytes room(to.size() + 1, 0xee);
        const Bytes untouched = room;
        EXPECT_EQ(machine.call(SYS_recvfrom, fd, room.data(), room.size(), MSG_DONTWAIT, nullptr, nullptr),
                  -static_cast<int>(Errno::EBADMSG));
        EXPECT_EQ(room, untouched) << "text was given away";
      }
    }
  }
}

TEST_P(KnownAnswersTest, SocketsGiveThemCutAnywhere) {
  for (const KnownAnswer& answer : known_answers()) {
    const auto kind = find_kind(answer.name);
    if (kind == AlgorithmKind::Hash) check_hash(answer);
    if (kind == AlgorithmKind::Skcipher) check_skcipher(answer);
    if (kind == AlgorithmKind::Aead) check_aead(answer);
    while (!machine.hal.files.empty()) machine.close(machine.hal.files.begin()->first);
  }
}

// A generator with the published entropy, drawn from in the pieces a socket gives.
TEST_P(KnownAnswersTest, GeneratorsDrawThePublishedBytes) {
  for (const KnownAnswer& answer : known_answers()) {
    if (find_kind(answer.name) != AlgorithmKind::Rng) continue;
    const int parent = machine.bound("rng", answer.name);
    ASSERT_EQ(machine.call(SYS_setsockopt, parent, SOL_ALG, ALG_SET_DRBG_ENTROPY, answer.key.data(), answer.key.size()), 0);
    ASSERT_EQ(machine.set_key(parent, bytes_from(answer.input)), 0);
    const int fd = static_cast<int>(machine.call(SYS_accept4, parent, nullptr, nullptr, 0));
    machine.receive(fd, answer.output.size());
    EXPECT_EQ(machine.receive(fd, answer.output.size()), bytes_from(answer.output)) << answer.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Of, KnownAnswersTest, ::testing::Values(Implementations::Portable, Implementations::All),
                         [](const auto& info) { return info.param == Implementations::All ? "All" : "Portable"; });

}  // namespace
}  // namespace lxnet::testing
