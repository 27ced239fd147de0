// The algorithms TCP_CONGESTION may name.
#pragma once

#include "stack/tcp/congestion/congestion_control.hh"

namespace lxnet {

extern const CongestionAlgorithm kNewReno;
extern const CongestionAlgorithm kCubic;
extern const CongestionAlgorithm kCubicPlusPlus;  // with the slow start of RFC 9406, which Linux does not have
extern const CongestionAlgorithm kBbr;

}  // namespace lxnet
