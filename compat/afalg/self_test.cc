#include "compat/afalg/self_test.hh"

#include "compat/afalg/algorithm_calls.hh"
#include "compat/afalg/known_answers.hh"
#include "compat/afalg/secret.hh"

namespace lxnet {
namespace {

struct Trial {
  const Algorithm& row;
  const KnownAnswer& answer;
  uint8_t* context;
  uint8_t* room;  // twice as much as the answer's output or input
};

// A span of nothing points nowhere.
bool is_same(const uint8_t* bytes, ByteSpan expected) {
  return expected.empty() || memcmp(bytes, expected.data(), expected.size()) == 0;
}

// Once whole and once in two unequal pieces.
bool hash_agrees(const Trial& trial) {
  const Algorithm& row = trial.row;
  if (trial.answer.output.size() != row.digest_size) return false;
  const size_t cuts[] = {0, trial.answer.input.size() / 3};
  for (const size_t cut : cuts) {
    SecretBytes<kMaxHashStateSize> state;
    uint8_t digest[kMaxDigestSize];
    row.hash->start(row, trial.context, state);
    row.hash->update(row, trial.context, state, trial.answer.input.first(cut));
    row.hash->update(row, trial.context, state, trial.answer.input.subspan(cut));
    row.hash->finish(row, trial.context, state, digest);
    if (memcmp(digest, trial.answer.output.data(), row.digest_size) != 0) return false;
  }
  return true;
}

bool skcipher_agrees(const Trial& trial, SkcipherOperations::Crypt crypt, ByteSpan from, ByteSpan to) {
  const Algorithm& row = trial.row;
  const size_t size = from.size();
  if (to.size() != size || trial.answer.iv.size() != row.iv_size) return false;
  // To another place, then in place.
  for (int round = 0; round < 2; ++round) {
    uint8_t iv[kMaxIvSize];
    copy_bytes(iv, trial.answer.iv);
    memcpy(trial.room, from.data(), size);
    uint8_t* out = round == 0 ? trial.room + size : trial.room;
    if (!crypt(row, trial.context, iv, out, trial.room, size).is_ok()) return false;
    if (memcmp(out, to.data(), size) != 0) return false;
  }
  return true;
}

bool aead_agrees(const Trial& trial) {
  const Algorithm& row = trial.row;
  const KnownAnswer& answer = trial.answer;
  const size_t size = answer.input.size();
  if (answer.iv.size() != row.iv_size || answer.output.size() < size) return false;
  const size_t tag_size = answer.output.size() - size;
  uint8_t tag[kMaxDigestSize];
  if (!check_tag_size(row, tag_size).is_ok()) return false;
  copy_bytes(MutableByteSpan(trial.room, size), answer.input);
  AeadRequest request{.iv = answer.iv.data(),
                      .associated = answer.associated,
                      .from = trial.room,
                      .to = trial.room + size,
                      .size = size,
                      .tag = tag,
                      .tag_size = tag_size};
  if (!row.aead->encrypt(row, trial.context, request).is_ok()) return false;
  if (!is_same(request.to, answer.output.first(size)) || memcmp(tag, answer.output.data() + size, tag_size) != 0) return false;
  request.from = request.to;  // in place
  if (!row.aead->decrypt(row, trial.context, request).is_ok()) return false;
  if (!is_same(request.to, answer.input)) return false;
  tag[tag_size - 1] ^= 1;
  copy_bytes(MutableByteSpan(request.to, size), answer.output.first(size));
  return row.aead->decrypt(row, trial.context, request).is_error(Errno::EBADMSG);
}

bool cipher_agrees(const Trial& trial) {
  const Algorithm& row = trial.row;
  const size_t size = trial.answer.input.size();
  if (trial.answer.output.size() != size || size % row.block_size != 0) return false;
  row.cipher->encrypt(row, trial.context, trial.room, trial.answer.input.data(), size / row.block_size);
  if (memcmp(trial.room, trial.answer.output.data(), size) != 0) return false;
  row.cipher->decrypt(row, trial.context, trial.room, trial.room, size / row.block_size);
  return memcmp(trial.room, trial.answer.input.data(), size) == 0;
}

// Seeded with the answer's entropy, the second thing drawn is compared, as the published tests do.
bool rng_agrees(const Hal& hal, const Trial& trial) {
  const Algorithm& row = trial.row;
  if (row.rng->set_entropy == nullptr) return true;
  row.rng->set_entropy(row, trial.context, trial.answer.key);
  if (!row.rng->seed(row, hal, trial.context, trial.answer.input).is_ok()) return false;
  const MutableByteSpan out(trial.room, trial.answer.output.size());
  for (int i = 0; i < 2; ++i) {
    if (!row.rng->generate(row, hal, trial.context, out, {}).is_ok()) return false;
  }
  return memcmp(out.data(), trial.answer.output.data(), out.size()) == 0;
}

bool agrees(const Hal& hal, const Trial& trial) {
  const Algorithm& row = trial.row;
  const KnownAnswer& answer = trial.answer;
  if (row.kind != AlgorithmKind::Rng && (needs_key(row) || !answer.key.empty()) &&
      !set_algorithm_key(row, trial.context, answer.key).is_ok()) {
    return false;
  }
  switch (row.kind) {
    case AlgorithmKind::Hash:
      return hash_agrees(trial);
    case AlgorithmKind::Cipher:
      return cipher_agrees(trial);
    case AlgorithmKind::Skcipher:
      return skcipher_agrees(trial, row.skcipher->encrypt, answer.input, answer.output) &&
             skcipher_agrees(trial, row.skcipher->decrypt, answer.output, answer.input);
    case AlgorithmKind::Aead:
      return aead_agrees(trial);
    case AlgorithmKind::Rng:
      return rng_agrees(hal, trial);
  }
  return false;
}

}  // namespace

Result<SelfTest> run_self_test(const Hal& hal, const Algorithm& row) {
  SelfTest result = SelfTest::NoAnswerKnown;
  for (const KnownAnswer& answer : known_answers()) {
    // Generators share one name.
    if (!(NameView::of(row.kind == AlgorithmKind::Rng ? row.driver : row.name) == answer.name)) continue;
    const SecretMemory context = TRY(SecretMemory::create(hal, row.context_size));
    const SecretMemory room = TRY(SecretMemory::create(hal, 2 * (answer.input.size() + answer.output.size())));
    if (!agrees(hal, Trial{row, answer, context.data(), room.data()})) return SelfTest::Failed;
    result = SelfTest::Passed;
  }
  return result;
}

}  // namespace lxnet
