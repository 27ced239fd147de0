#include "compat/afnetlink/nftables/messages.hh"

#include "compat/afnetlink/nftables/element_reader.hh"
#include "compat/afnetlink/nftables/questions.hh"

namespace lxnet::nft {
namespace {

constexpr NlaPolicy kText{NlaKind::Text, kNameLength}, kData{NlaKind::Binary, kUserDataLength}, kU32{NlaKind::U32},
    kU64{NlaKind::U64}, kNested{NlaKind::Nested};
constexpr uint16_t kTypeLength = 44;  // NFT_MODULE_AUTOLOAD_LIMIT

constexpr NlaPolicy kTablePolicy[] = {{}, kText, kU32, {}, kU64, {}, kData, {}};
constexpr NlaPolicy kChainPolicies[] = {{},      kText, kU64, kText, kNested, kU32, {}, {NlaKind::Text, kTypeLength},
                                        kNested, {},    kU32, kU32,  kData};
constexpr NlaPolicy kRulePolicy[] = {
    {},      kText, kText, kU64, {.kind = NlaKind::Array, .inside = kExpressionPolicy, .inside_last = kExpressionData},
    kNested, kU64,  kData, {},   kU32,
    kU32,    kU32};
constexpr NlaPolicy kSetPolicies[] = {{},
                                      kText,
                                      kText,
                                      kU32,
                                      kU32,
                                      kU32,
                                      kU32,
                                      kU32,
                                      kU32,
                                      kNested,
                                      kU32,
                                      kU64,
                                      kU32,
                                      kData,
                                      {},
                                      kU32,
                                      kU64,
                                      kNested,
                                      {.kind = NlaKind::Array, .inside = kExpressionPolicy, .inside_last = kExpressionData},
                                      {NlaKind::Refused},
                                      {NlaKind::Refused}};
constexpr NlaPolicy kListPolicy[] = {
    {}, kText, kText, {.kind = NlaKind::Array, .inside = kElementPolicy, .inside_last = kElementExpressions}, kU32};
constexpr NlaPolicy kObjectPolicy[] = {{}, kText, kText, kU32, kNested, {}, kU64, {}, kData};
constexpr NlaPolicy kFlowTablePolicy[] = {{}, kText, kText, kNested, {}, kU64, {}, kU32};
constexpr NlaPolicy kCompatPolicy[] = {{}, {NlaKind::EndedText, 31}, {.kind = NlaKind::U32, .most = 255}, kU32};

using Kind = MessageRow::Kind;
constexpr uint8_t kLastFlowTable = 7;

constexpr MessageRow table_row(Kind kind, Result<> (*handle)(Context&)) { return {kind, kTableOwner, kTablePolicy, handle}; }
constexpr MessageRow chain_row(Kind kind, Result<> (*handle)(Context&)) { return {kind, kChainUserData, kChainPolicies, handle}; }
constexpr MessageRow rule_row(Kind kind, Result<> (*handle)(Context&)) { return {kind, kRuleChainId, kRulePolicy, handle}; }
constexpr MessageRow set_row(Kind kind, Result<> (*handle)(Context&)) { return {kind, kSetCount, kSetPolicies, handle}; }
constexpr MessageRow list_row(Kind kind, Result<> (*handle)(Context&)) { return {kind, kListSetId, kListPolicy, handle}; }
constexpr MessageRow object_row(Kind kind, Result<> (*handle)(Context&)) {
  return {kind, kObjectUserData, kObjectPolicy, handle};
}
constexpr MessageRow flow_row(Kind kind, Result<> (*handle)(Context&)) {
  return {kind, kLastFlowTable, kFlowTablePolicy, handle};
}

constexpr MessageRow kRows[kMessageCount] = {
    table_row(Kind::Batch, &new_table),
    table_row(Kind::Question, &answer_question),
    table_row(Kind::Batch, &delete_table),
    chain_row(Kind::Batch, &new_chain),
    chain_row(Kind::Question, &answer_question),
    chain_row(Kind::Batch, &delete_chain),
    rule_row(Kind::Batch, &new_rule),
    rule_row(Kind::Question, &answer_question),
    rule_row(Kind::Batch, &delete_rule),
    set_row(Kind::Batch, &new_set),
    set_row(Kind::Question, &answer_question),
    set_row(Kind::Batch, &delete_set),
    list_row(Kind::Batch, &new_elements),
    list_row(Kind::Question, &answer_question),
    list_row(Kind::Batch, &delete_elements),
    {},
    {Kind::Question, 0, nullptr, &answer_question},
    {},
    object_row(Kind::Batch, &new_object),
    object_row(Kind::Question, &answer_question),
    object_row(Kind::Batch, &delete_object),
    object_row(Kind::Question, &answer_question),
    flow_row(Kind::Batch, &new_flow_table),
    flow_row(Kind::Question, &answer_question),
    flow_row(Kind::Batch, &delete_flow_table),
    rule_row(Kind::Question, &answer_question),
    table_row(Kind::Batch, &delete_table),
    chain_row(Kind::Batch, &delete_chain),
    rule_row(Kind::Batch, &delete_rule),
    set_row(Kind::Batch, &delete_set),
    list_row(Kind::Batch, &delete_elements),
    object_row(Kind::Batch, &delete_object),
    flow_row(Kind::Batch, &delete_flow_table),
    list_row(Kind::Question, &answer_question),
};

constexpr MessageRow kCompatRow{Kind::Question, 3, kCompatPolicy, &answer_compat};

}  // namespace

bool has_subsystem(uint8_t subsystem) { return subsystem == kSubsystem || subsystem == kCompatSubsystem; }

const MessageRow* find_message(uint8_t subsystem, uint8_t message) {
  if (subsystem == kSubsystem) return message < kMessageCount ? &kRows[message] : nullptr;
  return subsystem == kCompatSubsystem && message == 0 ? &kCompatRow : nullptr;
}

}  // namespace lxnet::nft
