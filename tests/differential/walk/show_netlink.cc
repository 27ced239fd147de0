// What is left out is named here, each with its reason.
#include "tests/differential/walk/show_netlink.hh"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/differential/walk/show.hh"

namespace walk {
namespace {

enum class Shown : uint8_t { Whole, Size, Nothing };

struct AttributeRow {
  int type, attribute;
  Shown shown;
};
constexpr AttributeRow kRows[] = {
    // Counts of packets, of which a link that came up sends some at times of its own.
    {RTM_NEWLINK, IFLA_STATS, Shown::Size},
    {RTM_NEWLINK, IFLA_STATS64, Shown::Size},
    // How many processors there are, and how often the carrier came and went, which lxnet does not count.
    {RTM_NEWLINK, IFLA_NUM_TX_QUEUES, Shown::Size},
    {RTM_NEWLINK, IFLA_NUM_RX_QUEUES, Shown::Size},
    {RTM_NEWLINK, IFLA_CARRIER_CHANGES, Shown::Nothing},
    {RTM_NEWLINK, IFLA_CARRIER_UP_COUNT, Shown::Nothing},
    {RTM_NEWLINK, IFLA_CARRIER_DOWN_COUNT, Shown::Nothing},
    // One that was up once keeps its queueing on Linux.
    {RTM_NEWLINK, IFLA_QDISC, Shown::Nothing},
    // Each family's own tunables and counts, and what a driver's other subsystems know.
    {RTM_NEWLINK, IFLA_AF_SPEC, Shown::Nothing},
    {RTM_NEWLINK, IFLA_PROTINFO, Shown::Nothing},
    // Times.
    {RTM_NEWADDR, IFA_CACHEINFO, Shown::Size},
    {RTM_NEWROUTE, RTA_CACHEINFO, Shown::Size},
    {RTM_NEWNEIGH, NDA_CACHEINFO, Shown::Size},
};

template <typename T>
T read(const uint8_t* bytes) {
  T value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

void hex(std::string& to, const uint8_t* bytes, size_t size) {
  if (size > 96) return print(to, "#%08x", hash_of(bytes, size));
  for (size_t i = 0; i < size; ++i) print(to, "%02x", bytes[i]);
}

Shown shown_of(int type, int attribute) {
  if ((type & ~3) == RTM_NEWLINK || (type & ~3) == RTM_NEWADDR || (type & ~3) == RTM_NEWROUTE || (type & ~3) == RTM_NEWNEIGH)
    type &= ~3;
  for (const AttributeRow& row : kRows) {
    if (row.type == type && row.attribute == attribute) return row.shown;
  }
  return Shown::Whole;
}

void attributes(std::string& to, int type, const uint8_t* bytes, size_t size) {
  while (size >= 4) {
    const size_t length = read<uint16_t>(bytes);
    const int attribute = read<uint16_t>(bytes + 2) & 0x3fff;
    if (length < 4 || length > size) {
      to += " (cut)";
      return;
    }
    const Shown shown = shown_of(type, attribute);
    if (shown != Shown::Nothing) print(to, " %d%s/%zu", attribute, (bytes[3] & 0x80) != 0 ? "n" : "", length - 4);
    if (shown == Shown::Whole) to += ':', hex(to, bytes + 4, length - 4);
    const size_t step = std::min((length + 3) & ~size_t{3}, size);
    bytes += step;
    size -= step;
  }
  if (size != 0) print(to, " (and %zu)", size);
}

size_t struct_size(int type) {
  if (type >= RTM_BASE && type <= RTM_DELRULE) {
    constexpr size_t kSizes[] = {16, 8, 12, 12, 12};
    return kSizes[(type - RTM_BASE) / 4];
  }
  return 0;
}

void header(std::string& to, const uint8_t* bytes) {
  print(to, "%u/%x seq %u %s", read<uint16_t>(bytes + 4),
        read<uint16_t>(bytes + 6) & ~(read<uint16_t>(bytes + 4) == NLMSG_ERROR ? NLM_F_ACK_TLVS : 0), read<uint32_t>(bytes + 8),
        port_name(read<uint32_t>(bytes + 12)).c_str());
}

// What an error says in words is left out, and with it that it says something: lxnet has words for nf_tables alone.
void error(std::string& to, const uint8_t* bytes, size_t size) {
  if (size < 36) return hex(to, bytes + 16, size - 16);
  const uint16_t flags = read<uint16_t>(bytes + 6);
  print(to, "error %s of ", errno_name(-read<int>(bytes + 16)).c_str());
  print(to, "%u bytes ", read<uint32_t>(bytes + 20));
  header(to, bytes + 20);
  const size_t quoted = (flags & NLM_F_CAPPED) != 0 ? 16 : read<uint32_t>(bytes + 20);
  to += ' ';
  if (quoted > 16 && 20 + quoted <= size) hex(to, bytes + 36, quoted - 16);
}

// A socket's inode and cookie are a run's own, and so are ports that a kernel chose.
void diag(std::string& to, const uint8_t* bytes, size_t size) {
  if (size < 4) return hex(to, bytes, size);
  if (bytes[0] == 1) {
    print(to, "unix %u %u%s", bytes[1], bytes[2], size >= 8 && read<uint32_t>(bytes + 4) != 0 ? "" : " no inode");
    if (size <= 16) return;
    size_t at = 16;
    while (at + 4 <= size) {
      const size_t length = read<uint16_t>(bytes + at);
      const int type = read<uint16_t>(bytes + at + 2);
      if (length < 4 || at + length > size) break;
      print(to, " %d/%zu", type, length - 4);
      const bool is_chosen = type == 0 && length == 4 + 6 && bytes[at + 5] != 'w';
      if (type != 2 && type != 1 && !is_chosen) to += ':', hex(to, bytes + at + 4, length - 4);
      at += (length + 3) & ~size_t{3};
    }
    return;
  }
  hex(to, bytes, 4);
  if (size < 72) return;
  for (const size_t at : {size_t{4}, size_t{6}}) {
    const int port = bytes[at] << 8 | bytes[at + 1];
    print(to, " %d", port == 0 || (port >= 4000 && port <= 4003) || port == 80 ? port : -1);
  }
  to += ' ';
  hex(to, bytes + 8, 36);
  // Behind the cookie: expires, queues, uid, inode.
  print(to, " queues %u %u uid %u%s", read<uint32_t>(bytes + 56), read<uint32_t>(bytes + 60), read<uint32_t>(bytes + 64),
        read<uint32_t>(bytes + 68) != 0 ? "" : " no inode");
  for (size_t at = 72; at + 4 <= size;) {
    const size_t length = read<uint16_t>(bytes + at);
    const int type = read<uint16_t>(bytes + at + 2);
    if (length < 4 || at + length > size) break;
    // Of a socket's options Linux tells more: INET_DIAG_SHUTDOWN, _MARK, _CGROUP_ID, _SOCKOPT.
    const bool is_told_on_linux_alone = type == 8 || type == 15 || type == 21 || type == 22;
    if (!is_told_on_linux_alone) print(to, " %d/%zu", type, length - 4);
    if (!is_told_on_linux_alone && type != 2 && type != 1) to += ':', hex(to, bytes + at + 4, length - 4);
    at += (length + 3) & ~size_t{3};
  }
}

}  // namespace

std::string port_name(uint32_t port) {
  if (port == 0) return "kernel";
  if (port == static_cast<uint32_t>(getpid())) return "own";
  if (port == 1 || port == 4321 || port == 4322) return std::to_string(port);
  return "chosen";
}

bool is_of_links(const uint8_t* bytes, size_t size) {
  if (size < 6) return true;
  const int type = read<uint16_t>(bytes + 4);
  return type == RTM_NEWLINK || type == RTM_DELLINK || type == NLMSG_ERROR || type == RTM_NEWRULE;
}

std::string netlink_text(const uint8_t* bytes, size_t size, Payload kind) {
  std::vector<std::string> messages;
  while (size >= 16) {
    std::string one = "<";
    const size_t length = read<uint32_t>(bytes);
    const int type = read<uint16_t>(bytes + 4);
    header(one, bytes);
    const size_t whole = std::min(std::max<size_t>(length, 16), size);
    one += ' ';
    const size_t body = std::min(struct_size(type), whole - 16);
    if (type == NLMSG_ERROR) {
      error(one, bytes, whole);
    } else if (kind == Payload::NetlinkDiag && type == 20) {
      diag(one, bytes + 16, whole - 16);
    } else {
      hex(one, bytes + 16, body == 0 ? whole - 16 : body);
      if (body != 0) attributes(one, type, bytes + 16 + body, whole - 16 - body);
    }
    if (length > whole) one += " cut";
    // Rules for multicast routing's tables are its own.
    const bool is_of_multicast = type == RTM_NEWRULE && kind == Payload::NetlinkRoute && whole > 16 && bytes[16] >= 128;
    if (!is_of_multicast) messages.push_back(one + ">");
    const size_t step = std::min((whole + 3) & ~size_t{3}, size);
    bytes += step;
    size -= step;
  }
  // Of the sockets in a table the order is a matter of the kernel's secret.
  if (kind == Payload::NetlinkDiag) std::ranges::sort(messages);
  std::string text;
  for (const std::string& one : messages) text += one;
  if (size != 0) print(text, "+%zuB", size);
  return text;
}

}  // namespace walk
