// Taking a host's table in: length, version and the functions nothing works without.
#include "hal/hal.hh"

#include <cstring>

namespace lxnet {
namespace {

// Walks the required part: every member up to the optional tail but the locks, which come as a pair or not at all.
const char* find_missing_function(const lxnet_hal& table) {
#define REQUIRE(name) \
  if (table.name == nullptr) return "the HAL table lacks " #name "()"
  REQUIRE(monotonic_nanos);
  REQUIRE(wall_nanos);
  REQUIRE(set_alarm);
  REQUIRE(alloc);
  REQUIRE(free);
  REQUIRE(random_bytes);
  REQUIRE(current_task);
  REQUIRE(park);
  REQUIRE(unpark);
  REQUIRE(copy_from_user);
  REQUIRE(copy_to_user);
  REQUIRE(credentials);
  REQUIRE(capable);
  REQUIRE(send_signal);
  REQUIRE(install_fd);
  REQUIRE(find_fd);
  REQUIRE(release_fd);
  REQUIRE(log);
  REQUIRE(panic);
#undef REQUIRE
  if ((table.lock == nullptr) != (table.unlock == nullptr)) return "the HAL table has one of lock() and unlock(), not both";
  return nullptr;
}

}  // namespace

Result<Hal> Hal::create(const lxnet_hal& table, const char** message) {
  const char* unused = nullptr;
  const char*& why = message == nullptr ? unused : *message;
  if (table.abi_version != LXNET_HAL_VERSION) {
    why = "the HAL table's abi_version is not LXNET_HAL_VERSION";
    return Errno::EINVAL;
  }
  if (table.struct_size < offsetof(lxnet_hal, lock_slot)) {
    why = "the HAL table's struct_size ends before the required functions do";
    return Errno::EINVAL;
  }
  lxnet_hal copy{};
  memcpy(&copy, &table, table.struct_size < sizeof copy ? table.struct_size : sizeof copy);
  // An older core's table may end among them.
  const bool confines = copy.check_port != nullptr && copy.confinement != nullptr && copy.confinement_unref != nullptr;
  if (!confines || copy.may_reach == nullptr) copy.confinement = nullptr;
  why = find_missing_function(copy);
  if (why != nullptr) return Errno::EINVAL;
  return Hal(copy);
}

}  // namespace lxnet
