#include "compat/afalg/template_ctr_mac.hh"

namespace lxnet::ctr_mac {

Result<> create(TemplateBuilder& builder, const Mode& mode, const Algorithm& ctr, const Algorithm& mac) {
  const NameView name = NameView::of(ctr.name);
  if (!name.has_prefix("ctr(") || ctr.iv_size != kBlock || ctr.block_size != 1 || mac.digest_size != kBlock) return Errno::EINVAL;
  Algorithm& row = builder.row();
  row.parts[0] = &ctr;
  row.parts[1] = &mac;
  row.priority = (ctr.priority + mac.priority) / 2;
  row.chunk_size = ctr.chunk();
  row.iv_size = mode.iv_size;
  row.min_key_size = ctr.min_key_size;
  row.max_key_size = ctr.max_key_size;
  row.digest_size = kBlock;
  row.context_size = aligned_context(ctr.context_size) + mac.context_size;
  row.aead = mode.operations;
  TRY(builder.name().add(mode.name).add(NameView{name.data + 4, name.size - 4}).finish());
  return builder.driver().add(mode.driver).add(ctr.driver).add(",").add(mac.driver).add(")").finish();
}

}  // namespace lxnet::ctr_mac
