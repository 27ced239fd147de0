// The check of IPv4 options; only ipv4_options.cc includes it. What is refused, and which byte is blamed, is Linux's.
#pragma once

#include "stack/wire/ipv4_options.hh"

namespace lxnet {

class Ipv4OptionsCompiler {
 public:
  enum class Origin : uint8_t { Packet, Recorded, User, PrivilegedUser };

  Ipv4OptionsCompiler(Ipv4Options& options, Origin origin) : options_(options), origin_(origin) {}

  // EINVAL: bad_position() says where.
  Result<> run();
  uint8_t bad_position() const { return bad_position_; }

 private:
  bool is_from_user() const { return origin_ == Origin::User || origin_ == Origin::PrivilegedUser; }
  Result<> blame(const uint8_t* byte);
  uint8_t position_of(const uint8_t* byte) const;

  Result<> source_route(uint8_t* option);
  Result<> record_route(uint8_t* option);
  Result<> timestamp(uint8_t* option);
  Result<> reserve_timestamp(uint8_t* option);
  void find_timestamp(const uint8_t* option);
  Result<> router_alert(uint8_t* option);
  Result<> commercial_security(uint8_t* option);
  Result<> compile(uint8_t* option);

  Ipv4Options& options_;
  Origin origin_;
  uint8_t bad_position_ = 0;
};

}  // namespace lxnet
