// bind() of AF_ALG: the input is an address. Whatever the name is, the answer is one of Linux's, what binds once binds again, and
// the parts of a template's name are cut out of it.
#include <linux/if_alg.h>

#include <algorithm>

#include "compat/afalg/algorithm_name.hh"
#include "fuzz/support/algorithms.hh"

using namespace lxnet;
using namespace lxnet::fuzz;

namespace {

void check_within(NameView part, NameView whole) {
  check(part.size != 0 && part.data >= whole.data && part.data + part.size <= whole.data + whole.size);
}

void check_grammar(NameView text) {
  auto parsed = TemplateName::parse(text);
  if (!parsed.is_ok()) return check(parsed.is_error(Errno::ENOENT));
  const TemplateName name = parsed.take();
  check_within(name.name, text);
  check(name.argument_count >= 1 && name.argument_count < 32);
  for (size_t i = 0; i < std::min(name.argument_count, TemplateName::kMaxArguments); ++i) check_within(name.arguments[i], text);
}

int64_t bind_once(const std::vector<uint8_t>& address) {
  const int64_t fd = host().call(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0);
  check(fd >= 0);
  const int64_t bound = host().call(SYS_bind, fd, address.data(), address.size());
  host().call(SYS_close, fd);
  return bound;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool is_enabled = serve_algorithms();
  check(is_enabled);
  Input input(data, size);
  const auto how = input.take<uint8_t>();
  std::vector<uint8_t> name = input.take_bytes(128);
  check_grammar({reinterpret_cast<const char*>(name.data()), name.size()});
  constexpr const char* kTypes[] = {"hash", "skcipher", "aead", "rng"};
  sockaddr_alg head{};
  head.salg_family = AF_ALG;
  strcpy(reinterpret_cast<char*>(head.salg_type), kTypes[how % 4]);
  if ((how & 4) != 0) head.salg_feat = input.take<uint32_t>(), head.salg_mask = input.take<uint32_t>();
  std::vector<uint8_t> address(offsetof(sockaddr_alg, salg_name));
  memcpy(address.data(), &head, address.size());
  address.insert(address.end(), name.begin(), name.end());
  address.push_back(0);
  // Too long, too short, or of a type of its own.
  if ((how & 8) != 0) address.resize(input.take<uint8_t>());
  if ((how & 16) != 0 && address.size() >= 16 && !name.empty())
    memcpy(address.data() + 2, name.data(), std::min<size_t>(name.size(), 14));
  const int64_t bound = bind_once(address);
  constexpr Errno kKnown[] = {Errno::ENOENT, Errno::EINVAL, Errno::ENAMETOOLONG, Errno::EEXIST, Errno::ELOOP};
  check(bound == 0 || std::any_of(std::begin(kKnown), std::end(kKnown), [&](Errno e) { return bound == -static_cast<int>(e); }));
  check(bind_once(address) == bound);
  return 0;
}
