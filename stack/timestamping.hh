// SO_TIMESTAMPING of what is sent: which records a socket wants, and their delivery to its error queue.
//
// A packet that is to be told of carries kStamp bits and its number (Packet::transmit_stamps), and its owner is its Socket, or
// with kStampOfListener a StampListener. The records are made where an interface hands its frames to the device: Scheduled and
// Sent are the same moment here, because nothing queues in between, but they are two records as on Linux.
#pragma once

#include "stack/socket.hh"

namespace lxnet {

class Interface;

// SOF_TIMESTAMPING_*.
enum TimestampingFlags : uint32_t {
  kTimestampTransmitHardware = 1u << 0,
  kTimestampTransmitSoftware = 1u << 1,
  kTimestampReceiveHardware = 1u << 2,
  kTimestampReceiveSoftware = 1u << 3,
  kTimestampReportSoftware = 1u << 4,
  kTimestampSystemHardware = 1u << 5,
  kTimestampReportHardware = 1u << 6,
  kTimestampKeys = 1u << 7,  // OPT_ID
  kTimestampTransmitScheduled = 1u << 8,
  kTimestampTransmitAcknowledged = 1u << 9,
  kTimestampControl = 1u << 10,     // OPT_CMSG
  kTimestampAlone = 1u << 11,       // OPT_TSONLY
  kTimestampStatistics = 1u << 12,  // OPT_STATS
  kTimestampBothKinds = 1u << 14,   // OPT_TX_SWHW
  kTimestampBindClock = 1u << 15,   // BIND_PHC
  kTimestampKeysOfStream = 1u << 16,
  kTimestampReceiveFilter = 1u << 17,
  kTimestampTransmitCompleted = 1u << 18,
  kTimestampKnown = (1u << 19) - 1,
  // What one packet may ask for itself (SOF_TIMESTAMPING_TX_RECORD_MASK).
  kTimestampRecords = kTimestampTransmitHardware | kTimestampTransmitSoftware | kTimestampTransmitScheduled |
                      kTimestampTransmitAcknowledged | kTimestampTransmitCompleted,
};

// SCM_TSTAMP_*: ee_info of a record.
enum class TransmitStamp : uint8_t { Sent = 0, Scheduled = 1, Acknowledged = 2 };

// Packet::transmit_stamps, and a stream's record's.
enum StampBits : uint8_t { kStampSent = 1, kStampScheduled = 2, kStampAcknowledged = 4, kStampOfListener = 8 };

// Who is told of its frames and is no Internet socket: packet sockets.
class StampListener {
 public:
  // no lock. `frame` is what left, from its link header on.
  virtual void hear_stamp(TransmitStamp kind, uint32_t key, const Packet& frame) = 0;

 protected:
  ~StampListener() = default;
};

// What a send with these flags wants.
uint8_t stamps_of(uint32_t timestamping_flags);
// The flags of one send: the socket's, unless a control message chose the records.
uint32_t timestamping_of(const SocketOptionSet& options, const SendControl& control);

// no lock. The frame is about to leave through the interface: tells its socket what it asked to hear.
void report_transmit_stamps(Interface& interface, Packet& frame);
// What a record says, but for its number.
ExtendedError stamp_report(const Hal& hal, TransmitStamp kind);
// A record by itself. `payload` is what the program is shown of the packet, or null.
void report_stamp(Socket& socket, TransmitStamp kind, uint32_t key, Ref<Packet> payload);

}  // namespace lxnet
