// linux/netfilter/nf_tables.h: numbers of messages, attributes and flags, as 6.18 has them.
#pragma once

#include <cstdint>

namespace lxnet::nft {

enum Message : uint8_t {
  kNewTable,
  kGetTable,
  kDelTable,
  kNewChain,
  kGetChain,
  kDelChain,
  kNewRule,
  kGetRule,
  kDelRule,
  kNewSet,
  kGetSet,
  kDelSet,
  kNewElement,
  kGetElement,
  kDelElement,
  kNewGeneration,
  kGetGeneration,
  kTrace,
  kNewObject,
  kGetObject,
  kDelObject,
  kGetObjectReset,
  kNewFlowTable,
  kGetFlowTable,
  kDelFlowTable,
  kGetRuleReset,
  kDestroyTable,
  kDestroyChain,
  kDestroyRule,
  kDestroySet,
  kDestroyElement,
  kDestroyObject,
  kDestroyFlowTable,
  kGetElementReset,
  kMessageCount,
};

enum : uint16_t { kListElement = 1 };
enum TableAttribute : uint8_t { kTableName = 1, kTableFlags, kTableUse, kTableHandle, kTablePad, kTableUserData, kTableOwner };
enum HookAttribute : uint8_t { kHookNumber = 1, kHookPriority, kHookDevice, kHookDevices };
enum ChainAttribute : uint8_t {
  kChainTable = 1,
  kChainHandle,
  kChainName,
  kChainHook,
  kChainPolicy,
  kChainUse,
  kChainType,
  kChainCounters,
  kChainPad,
  kChainFlags,
  kChainId,
  kChainUserData,
};
enum RuleAttribute : uint8_t {
  kRuleTable = 1,
  kRuleChain,
  kRuleHandle,
  kRuleExpressions,
  kRuleCompat,
  kRulePosition,
  kRuleUserData,
  kRulePad,
  kRuleId,
  kRulePositionId,
  kRuleChainId,
};
enum SetAttribute : uint8_t {
  kSetTable = 1,
  kSetName,
  kSetFlags,
  kSetKeyType,
  kSetKeyLength,
  kSetDataType,
  kSetDataLength,
  kSetPolicy,
  kSetDescription,
  kSetId,
  kSetTimeout,
  kSetCollectInterval,
  kSetUserData,
  kSetPad,
  kSetObjectType,
  kSetHandle,
  kSetExpression,
  kSetExpressions,
  kSetType,
  kSetCount,
};
enum SetDescription : uint8_t { kDescriptionSize = 1, kDescriptionConcat };
enum ElementAttribute : uint8_t {
  kElementKey = 1,
  kElementData,
  kElementFlags,
  kElementTimeout,
  kElementExpiration,
  kElementUserData,
  kElementExpression,
  kElementPad,
  kElementObject,
  kElementKeyEnd,
  kElementExpressions,
};
enum ElementListAttribute : uint8_t { kListTable = 1, kListSet, kListElements, kListSetId };
enum ObjectAttribute : uint8_t {
  kObjectTable = 1,
  kObjectName,
  kObjectType,
  kObjectData,
  kObjectUse,
  kObjectHandle,
  kObjectPad,
  kObjectUserData,
};
enum ObjectType : uint32_t { kCounterObject = 1, kQuotaObject = 2, kLimitObject = 4, kLastObject = 10 };
enum FlowTableAttribute : uint8_t { kFlowTableTable = 1, kFlowTableName, kFlowTableHook, kFlowTableUse, kFlowTableHandle };
enum GenerationAttribute : uint8_t { kGenerationId = 1, kGenerationProcess, kGenerationProcessName };
enum ExpressionAttribute : uint8_t { kExpressionName = 1, kExpressionData };
enum DataAttribute : uint8_t { kDataValue = 1, kDataVerdict };
enum VerdictAttribute : uint8_t { kVerdictCode = 1, kVerdictChain, kVerdictChainId };
enum CounterAttribute : uint8_t { kCounterBytes = 1, kCounterPackets };

enum MessageFlag : uint16_t {
  kEcho = 0x8,
  kReplace = 0x100,
  kExclusive = 0x200,
  kCreate = 0x400,
  kAppend = 0x800,
  kNotRecursive = 0x100,  // of what deletes
  kDump = 0x300,
  kMulti = 0x2,
  kInterrupted = 0x10,
};

inline constexpr uint8_t kSubsystem = 10, kCompatSubsystem = 11;  // NFNL_SUBSYS_NFTABLES, _NFT_COMPAT
inline constexpr uint16_t kNameLength = 255;                      // NFT_NAME_MAXLEN - 1
inline constexpr uint16_t kUserDataLength = 256;

}  // namespace lxnet::nft
