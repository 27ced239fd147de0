// The tunables that are names of congestion-control algorithms: net.ipv4.tcp_congestion_control, tcp_available_congestion_control
// and tcp_allowed_congestion_control.
//
// Rule kept: what all use is allowed to all. Linux has one list of what is allowed for all network namespaces, which the first of
// them writes; here each stack is the first.
#pragma once

#include "base/result.hh"

namespace lxnet {

class TcpShared;
class TextWriter;

enum class CongestionNames : uint8_t { Default, Available, Allowed };

// The name without the white space behind it. ENOENT: there is no such algorithm.
Result<> set_default_congestion(TcpShared& tcp, const char* text);
// All that who may not configure the network may choose. ENOENT: one of them does not exist, and none is changed.
Result<> set_allowed_congestion(TcpShared& tcp, const char* text);
void write_congestion(const TcpShared& tcp, CongestionNames which, TextWriter& writer);

}  // namespace lxnet
