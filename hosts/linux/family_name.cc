#include "hosts/linux/family_name.hh"

#include <sys/socket.h>

#include "absl/strings/str_cat.h"

namespace lxnet::host {
namespace {

struct Name {
  int family;
  const char* name;
};
constexpr Name kNames[] = {
    {AF_UNIX, "AF_UNIX"},       {AF_INET, "AF_INET"},       {AF_AX25, "AF_AX25"},     {AF_INET6, "AF_INET6"},
    {AF_KEY, "AF_KEY"},         {AF_NETLINK, "AF_NETLINK"}, {AF_PACKET, "AF_PACKET"}, {AF_RDS, "AF_RDS"},
    {AF_PPPOX, "AF_PPPOX"},     {AF_CAN, "AF_CAN"},         {AF_TIPC, "AF_TIPC"},     {AF_BLUETOOTH, "AF_BLUETOOTH"},
    {AF_ALG, "AF_ALG"},         {AF_NFC, "AF_NFC"},         {AF_VSOCK, "AF_VSOCK"},   {AF_KCM, "AF_KCM"},
    {AF_QIPCRTR, "AF_QIPCRTR"}, {AF_SMC, "AF_SMC"},         {AF_XDP, "AF_XDP"},
};

}  // namespace

std::string family_name(int family) {
  for (const Name& row : kNames) {
    if (row.family == family) return row.name;
  }
  return absl::StrCat("address family ", family);
}

}  // namespace lxnet::host
