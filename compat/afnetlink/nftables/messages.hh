// The messages of nf_tables and of its face to iptables: which there are, what their attributes have to be, who answers.
#pragma once

#include "compat/afnetlink/nftables/objects.hh"

namespace lxnet::nft {

struct MessageRow {
  // In a batch alone, or outside of one alone.
  enum class Kind : uint8_t { Batch, Question, None };
  Kind kind = Kind::None;
  uint8_t last = 0;  // attribute
  const NlaPolicy* policy = nullptr;
  Result<> (*handle)(Context& context) = nullptr;
};

// Null: there is no such message, or no such subsystem.
const MessageRow* find_message(uint8_t subsystem, uint8_t message);
bool has_subsystem(uint8_t subsystem);

// nft_compat: the revision of a match or target that is there.
Result<> answer_compat(Context& context);

}  // namespace lxnet::nft
