// SendQueue: everything between snd.una and the last byte the user wrote, as records in sequence order.
//
// sent: transmitted and not acknowledged. unsent: the rest. Bytes enter once, from the user's memory into DataBlocks; a block
// goes on being filled by later writes while records that cite its front are already in flight.
#pragma once

#include "hal/memory.hh"
#include "netdev/packet_pool.hh"
#include "stack/io.hh"
#include "stack/tcp/send_record.hh"
#include "stack/wire/tcp_options.hh"

namespace lxnet {

class SendQueue {
 public:
  using Records = List<SendRecord, &SendRecord::queue_link>;
  using RecordsByTime = List<SendRecord, &SendRecord::time_link>;

  explicit SendQueue(PacketPool& pool) : pool_(pool) {}
  ~SendQueue() { clear(); }

  Records sent;
  Records unsent;
  RecordsByTime by_time;                  // those of `sent` that RACK may declare lost, earliest transmission first
  SendRecord* retransmit_hint = nullptr;  // where the search for what is to be sent again begins; null: at the first

  bool is_empty() const { return sent.is_empty() && unsent.is_empty(); }
  SendRecord* last() const { return unsent.is_empty() ? sent.back() : unsent.back(); }
  // Bytes charged to the send buffer: payload and what carries it.
  uint32_t charge() const { return charge_; }
  uint32_t unsent_bytes() const { return unsent_bytes_; }

  // A record without payload at the end of `unsent`; null without memory.
  SendRecord* append_record(SeqNum seq, TcpFlags flags);
  struct Copied {
    uint32_t size = 0;
    bool is_faulty = false;  // the source's memory could not be read further
    bool out_of_memory = false;
  };
  // Copies up to `limit` bytes of the source to the end of the last unsent record; fewer when it is full.
  Copied append_bytes(SendRecord& record, IoSource& source, uint32_t limit);
  static bool is_full(const SendRecord& record) { return record.size >= SendRecord::kMaxSize; }

  // Leaves `size` bytes in the record and moves the rest (and PSH, FIN) into a new one behind it, with the same marks. False
  // without memory.
  bool split(SendRecord& record, uint32_t size);
  // Takes up to `amount` bytes from the records behind an unsent one into it, as far as they and their marks allow
  // (tcp_grow_skb).
  void grow(SendRecord& record, uint32_t amount);
  // The next record of `sent` becomes part of `record`, which may be refused as for grow(); one that only ends the stream may.
  bool join_sent(SendRecord& record, SendRecord& next);
  // Moves the first unsent record to the end of `sent`.
  void mark_sent(SendRecord& record);
  // Drops acknowledged bytes from the front of a record of `sent`; size < record.size.
  void trim_front(SendRecord& record, uint32_t size);
  // What the last segment with SACK blocks said of `sent`, lowest first; empty ones stand before. Null: nothing is known.
  struct RecentSacks {
    SackBlock blocks[TcpOptions::kMaxSackBlocks];
  };
  const RecentSacks* recent_sacks() const { return recent_sacks_; }
  void remember_sacks(const SackBlock* blocks, size_t count);  // without memory nothing is known
  void forget_sacks();
  // Takes a record out wherever it is and frees it.
  void remove(SendRecord& record);
  void clear();

  // Cites bytes [offset, offset + size) of the record at the packet's end.
  static Result<> cite(const SendRecord& record, uint32_t offset, uint32_t size, Packet& packet);

 private:
  static constexpr uint32_t kRecordCharge =
      832;  // of the send buffer, per record, beside its payload: as Linux charges for an skb

  SendRecord* create_record();
  static bool is_continued_by(const SendRecord& record, const SendRecord& next);
  static bool may_grow_by(const SendRecord& record, const SendRecord& next);
  void join_next(SendRecord& record, SendRecord& next);
  bool has_room_for_fragment(const SendRecord& record) const;
  bool start_block(SendRecord& record, uint32_t wanted);

  PacketPool& pool_;
  Ref<DataBlock> tail_block_;  // being filled
  uint32_t tail_used_ = 0;
  RecentSacks* recent_sacks_ = nullptr;
  uint32_t charge_ = 0;
  uint32_t unsent_bytes_ = 0;
};

}  // namespace lxnet
