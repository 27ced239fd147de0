#include "tests/compat/afalg/answer_checks.hh"

#include <algorithm>

namespace lxnet::testing {
namespace {

void check_hash(AlgMachine& machine, const Algorithm& row, const KnownAnswer& answer) {
  const Bytes input = bytes_from(answer.input), output = bytes_from(answer.output);
  const int fd = machine.operation("hash", row.driver, bytes_from(answer.key));
  ASSERT_GE(fd, 0) << row.driver;
  for (size_t cut = 0; cut <= input.size(); ++cut) {
    ASSERT_EQ(machine.send(fd, input.data(), cut, MSG_MORE), static_cast<int64_t>(cut));
    ASSERT_EQ(machine.send(fd, input.data() + cut, input.size() - cut), static_cast<int64_t>(input.size() - cut));
    ASSERT_EQ(machine.receive(fd, output.size()), output) << row.driver << " cut at " << cut;
  }
}

// What went in comes out, cut in two while it is sent and again while it is received.
void check_skcipher(AlgMachine& machine, const Algorithm& row, const KnownAnswer& answer) {
  const Bytes iv = bytes_from(answer.iv);
  const bool is_chained = row.iv_size != 0 || row.parts[0] != nullptr;
  const std::string name = answer.name;
  const bool keeps_iv = name.starts_with("xts") || name.starts_with("cts") || name == "chacha20";
  for (const uint32_t operation : {uint32_t{ALG_OP_ENCRYPT}, uint32_t{ALG_OP_DECRYPT}}) {
    const Bytes from = bytes_from(operation == ALG_OP_ENCRYPT ? answer.input : answer.output);
    const Bytes to = bytes_from(operation == ALG_OP_ENCRYPT ? answer.output : answer.input);
    const int fd = machine.operation("skcipher", row.driver, bytes_from(answer.key));
    ASSERT_GE(fd, 0) << row.driver;
    for (size_t cut = 0; cut <= from.size(); ++cut) {
      const Bytes head(from.begin(), from.begin() + static_cast<long>(cut));
      ASSERT_EQ(machine.send_operation(fd, operation, iv, head, MSG_MORE), static_cast<int64_t>(cut));
      ASSERT_EQ(machine.send(fd, from.data() + cut, from.size() - cut), static_cast<int64_t>(from.size() - cut));
      Bytes got;
      // Linux goes on with a chain only between whole chunks.
      const size_t first = is_chained && !keeps_iv ? cut / row.chunk() * row.chunk() : 0;
      if (first != 0 && first < from.size()) got = machine.receive(fd, first);
      const Bytes rest = machine.receive(fd, from.size() - got.size());
      got.insert(got.end(), rest.begin(), rest.end());
      ASSERT_EQ(got, to) << row.driver << " cut at " << cut;
    }
  }
}

void check_aead(AlgMachine& machine, const Algorithm& row, const KnownAnswer& answer) {
  const Bytes iv = bytes_from(answer.iv), associated = bytes_from(answer.associated);
  const size_t tag_size = answer.output.size() - answer.input.size();
  const int parent = machine.bound("aead", row.driver);
  ASSERT_EQ(machine.set_key(parent, bytes_from(answer.key)), 0) << row.driver;
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
        ASSERT_EQ(machine.receive(fd, to.size()), to) << row.driver << " cut at " << cut;
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

}  // namespace

void check_through_sockets(AlgMachine& machine, const Algorithm& row, const KnownAnswer& answer) {
  if (row.kind == AlgorithmKind::Hash) check_hash(machine, row, answer);
  if (row.kind == AlgorithmKind::Skcipher) check_skcipher(machine, row, answer);
  if (row.kind == AlgorithmKind::Aead) check_aead(machine, row, answer);
  close_all(machine);
}

std::vector<const Algorithm*> implementations_of(AlgMachine& machine, const std::string& name) {
  constexpr AlgorithmKind kKinds[] = {AlgorithmKind::Hash, AlgorithmKind::Cipher, AlgorithmKind::Skcipher, AlgorithmKind::Aead,
                                      AlgorithmKind::Rng};
  struct Search {
    const std::string& name;
    std::vector<const Algorithm*> found;
  } search{name, {}};
  Entry entry(machine.stack());
  for (const AlgorithmKind kind : kKinds) (void)machine.registry().get(entry, NameView::of(name.c_str()), kind).is_ok();
  machine.registry().visit_all(
      entry,
      [](void* context, const ListedAlgorithm& row) {
        auto& own = *static_cast<Search*>(context);
        if (own.name == (row.kind == AlgorithmKind::Rng ? row.driver : row.name)) own.found.push_back(&row);
      },
      &search);
  std::stable_sort(search.found.begin(), search.found.end(),
                   [](const Algorithm* one, const Algorithm* other) { return one->priority > other->priority; });
  return search.found;
}

void close_all(AlgMachine& machine) {
  while (!machine.hal.files.empty()) machine.close(machine.hal.files.begin()->first);
}

}  // namespace lxnet::testing
