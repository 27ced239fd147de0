// SendRing: slots that a program fills with frames to be sent (PACKET_TX_RING). A word of each says whose it is; what it asks for
// is read once, and where the slots lie is kept here.
//
// The socket's sending lock guards all but has_room().
#pragma once

#include "base/bytes.hh"
#include "compat/afpacket/ring_memory.hh"

namespace lxnet {

class SendRing : public RefCounted<SendRing> {
 public:
  // EINVAL, ENOMEM, as Linux.
  static Result<Ref<SendRing>> create(const Hal& hal, RingVersion version, uint32_t reserve, const RingRequest& request,
                                      size_t room);
  static void destroy(SendRing* ring);

  size_t size() const { return request_.size(); }
  // From now on it lies there, with all that stands in it.
  void place(Ref<RingMemory> memory, size_t at);

  // Whether the slot that is next is the program's to fill.
  bool has_room() const { return load_status() == 0; }
  bool has_request() const;
  // The most that a slot has room for behind its header.
  size_t frame_room() const { return request_.frame_size - data_offset(); }
  // Where a frame begins when it is not right behind the header (PACKET_TX_HAS_OFF).
  enum class Begin : uint8_t { BehindHeader, AtLinkOffset, AtNetworkOffset };
  // The frame of the slot that is next. EMSGSIZE: more than `most`; EINVAL.
  Result<ByteSpan> frame(Begin begin, size_t most) const;
  // The slot that is next is the program's again; and then comes the one behind it.
  void give_back();
  // It stays the one that is next.
  void refuse();

 private:
  template <typename T, typename... Arguments>
  friend T* construct(const Hal& hal, Arguments&&... arguments);
  template <typename T>
  friend void dispose(const Hal& hal, T* object);
  SendRing(const Hal& hal, RingVersion version, const RingRequest& request) : hal_(hal), version_(version), request_(request) {}
  ~SendRing() = default;

  size_t data_offset() const;
  uint8_t* slot() const;
  uint64_t load_status() const;
  void store_status(uint32_t status);

  const Hal& hal_;
  const RingVersion version_;
  const RingRequest request_;
  Ref<RingMemory> memory_;
  uint8_t* bytes_ = nullptr;
  uint32_t head_ = 0;  // atomic
};

}  // namespace lxnet
