// What programs ask of tables, and dumps of them.
#pragma once

#include "compat/afnetlink/nftables/objects.hh"

namespace lxnet::nft {

// Under `batches`, but that a dump takes it itself.
Result<> answer_question(Context& context);

}  // namespace lxnet::nft
