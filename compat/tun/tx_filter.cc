#include "compat/tun/tx_filter.hh"

namespace lxnet {

// The six highest bits of the Ethernet CRC (ether_crc()).
unsigned TxFilter::hash(const uint8_t* address) {
  uint32_t crc = ~0u;
  for (size_t i = 0; i < 6; ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      const uint32_t carry = (crc >> 31) ^ (address[i] >> bit & 1u);
      crc = crc << 1 ^ (carry != 0 ? 0x04c11db7u : 0u);
    }
  }
  return crc >> 26;
}

void TxFilter::clear() { __atomic_store_n(&is_on_, false, __ATOMIC_RELEASE); }

bool TxFilter::set(std::span<const HardwareAddress> addresses, bool takes_all_groups) {
  clear();
  for (size_t i = kExact; i < addresses.size(); ++i) {
    if ((addresses[i].bytes[0] & 1) == 0) return false;
  }
  {
    MutexLock lock(mutex_);
    exact_count_ = addresses.size() < kExact ? addresses.size() : kExact;
    for (size_t i = 0; i < exact_count_; ++i) exact_[i] = addresses[i];
    hashed_ = takes_all_groups ? ~uint64_t{0} : 0;
    for (size_t i = exact_count_; i < addresses.size(); ++i) hashed_ |= uint64_t{1} << hash(addresses[i].bytes.data());
  }
  __atomic_store_n(&is_on_, true, __ATOMIC_RELEASE);
  return true;
}

bool TxFilter::accepts(const Packet& frame) const {
  if (!__atomic_load_n(&is_on_, __ATOMIC_ACQUIRE)) return true;
  HardwareAddress destination;
  if (frame.read(0, MutableByteSpan(destination.bytes)) < destination.bytes.size()) return false;
  MutexLock lock(mutex_);
  for (size_t i = 0; i < exact_count_; ++i) {
    if (exact_[i] == destination) return true;
  }
  return (destination.bytes[0] & 1) != 0 && (hashed_ >> hash(destination.bytes.data()) & 1) != 0;
}

}  // namespace lxnet
