// Numbers and names as the kernel's headers have them.
// lint: table
#include "compat/trace/trace_names.hh"

#include "base/errno.hh"

namespace lxnet {
namespace {

// clang-format off
constexpr TraceName kFamilyRows[] = {
    {0, "AF_UNSPEC"}, {1, "AF_UNIX"}, {2, "AF_INET"}, {3, "AF_AX25"}, {4, "AF_IPX"}, {5, "AF_APPLETALK"}, {6, "AF_NETROM"},
    {7, "AF_BRIDGE"}, {8, "AF_ATMPVC"}, {9, "AF_X25"}, {0xa, "AF_INET6"}, {0xb, "AF_ROSE"}, {0xd, "AF_NETBEUI"},
    {0xe, "AF_SECURITY"}, {0xf, "AF_KEY"}, {0x10, "AF_NETLINK"}, {0x11, "AF_PACKET"}, {0x12, "AF_ASH"}, {0x13, "AF_ECONET"},
    {0x14, "AF_ATMSVC"}, {0x15, "AF_RDS"}, {0x16, "AF_SNA"}, {0x17, "AF_IRDA"}, {0x18, "AF_PPPOX"}, {0x19, "AF_WANPIPE"},
    {0x1a, "AF_LLC"}, {0x1b, "AF_IB"}, {0x1c, "AF_MPLS"}, {0x1d, "AF_CAN"}, {0x1e, "AF_TIPC"}, {0x1f, "AF_BLUETOOTH"},
    {0x20, "AF_IUCV"}, {0x21, "AF_RXRPC"}, {0x22, "AF_ISDN"}, {0x23, "AF_PHONET"}, {0x24, "AF_IEEE802154"}, {0x25, "AF_CAIF"},
    {0x26, "AF_ALG"}, {0x27, "AF_NFC"}, {0x28, "AF_VSOCK"}, {0x29, "AF_KCM"}, {0x2a, "AF_QIPCRTR"}, {0x2b, "AF_SMC"},
    {0x2c, "AF_XDP"}, {0x2d, "AF_MCTP"},};

constexpr TraceName kSocketTypeRows[] = {
    {1, "SOCK_STREAM"}, {2, "SOCK_DGRAM"}, {3, "SOCK_RAW"}, {4, "SOCK_RDM"}, {5, "SOCK_SEQPACKET"}, {6, "SOCK_DCCP"},
    {0xa, "SOCK_PACKET"},};

constexpr TraceName kSocketFlagRows[] = {
    {0x80000, "SOCK_CLOEXEC"}, {0x800, "SOCK_NONBLOCK"},};

constexpr TraceName kIpProtocolRows[] = {
    {0, "IPPROTO_IP"}, {1, "IPPROTO_ICMP"}, {2, "IPPROTO_IGMP"}, {4, "IPPROTO_IPIP"}, {6, "IPPROTO_TCP"}, {8, "IPPROTO_EGP"},
    {0xc, "IPPROTO_PUP"}, {0x11, "IPPROTO_UDP"}, {0x16, "IPPROTO_IDP"}, {0x1d, "IPPROTO_TP"}, {0x21, "IPPROTO_DCCP"},
    {0x29, "IPPROTO_IPV6"}, {0x2e, "IPPROTO_RSVP"}, {0x2f, "IPPROTO_GRE"}, {0x32, "IPPROTO_ESP"}, {0x33, "IPPROTO_AH"},
    {0x3a, "IPPROTO_ICMPV6"}, {0x5c, "IPPROTO_MTP"}, {0x5e, "IPPROTO_BEETPH"}, {0x62, "IPPROTO_ENCAP"}, {0x67, "IPPROTO_PIM"},
    {0x6c, "IPPROTO_COMP"}, {0x84, "IPPROTO_SCTP"}, {0x88, "IPPROTO_UDPLITE"}, {0x89, "IPPROTO_MPLS"}, {0xff, "IPPROTO_RAW"},
    {0x106, "IPPROTO_MPTCP"},};

constexpr TraceName kNetlinkProtocolRows[] = {
    {0, "NETLINK_ROUTE"}, {1, "NETLINK_UNUSED"}, {2, "NETLINK_USERSOCK"}, {3, "NETLINK_FIREWALL"}, {4, "NETLINK_SOCK_DIAG"},
    {5, "NETLINK_NFLOG"}, {6, "NETLINK_XFRM"}, {7, "NETLINK_SELINUX"}, {8, "NETLINK_ISCSI"}, {9, "NETLINK_AUDIT"},
    {0xa, "NETLINK_FIB_LOOKUP"}, {0xb, "NETLINK_CONNECTOR"}, {0xc, "NETLINK_NETFILTER"}, {0xd, "NETLINK_IP6_FW"},
    {0xe, "NETLINK_DNRTMSG"}, {0xf, "NETLINK_KOBJECT_UEVENT"}, {0x10, "NETLINK_GENERIC"}, {0x12, "NETLINK_SCSITRANSPORT"},
    {0x13, "NETLINK_ECRYPTFS"}, {0x14, "NETLINK_RDMA"}, {0x15, "NETLINK_CRYPTO"},};

constexpr TraceName kMessageFlagRows[] = {
    {1, "MSG_OOB"}, {2, "MSG_PEEK"}, {4, "MSG_DONTROUTE"}, {8, "MSG_CTRUNC"}, {0x10, "MSG_PROBE"}, {0x20, "MSG_TRUNC"},
    {0x40, "MSG_DONTWAIT"}, {0x80, "MSG_EOR"}, {0x100, "MSG_WAITALL"}, {0x200, "MSG_FIN"}, {0x400, "MSG_SYN"},
    {0x800, "MSG_CONFIRM"}, {0x1000, "MSG_RST"}, {0x2000, "MSG_ERRQUEUE"}, {0x4000, "MSG_NOSIGNAL"}, {0x8000, "MSG_MORE"},
    {0x10000, "MSG_WAITFORONE"}, {0x40000, "MSG_BATCH"}, {0x4000000, "MSG_ZEROCOPY"}, {0x20000000, "MSG_FASTOPEN"},
    {0x40000000, "MSG_CMSG_CLOEXEC"},};

constexpr TraceName kShutdownRows[] = {
    {0, "SHUT_RD"}, {1, "SHUT_WR"}, {2, "SHUT_RDWR"},};

constexpr TraceName kLevelRows[] = {
    {0, "SOL_IP"}, {1, "SOL_SOCKET"}, {6, "SOL_TCP"}, {0x11, "SOL_UDP"}, {0x29, "SOL_IPV6"}, {0x3a, "SOL_ICMPV6"},
    {0x84, "SOL_SCTP"}, {0x88, "SOL_UDPLITE"}, {0xff, "SOL_RAW"}, {0x107, "SOL_PACKET"}, {0x10e, "SOL_NETLINK"},
    {0x117, "SOL_ALG"},};

constexpr TraceName kPollRows[] = {
    {1, "POLLIN"}, {2, "POLLPRI"}, {4, "POLLOUT"}, {8, "POLLERR"}, {0x10, "POLLHUP"}, {0x20, "POLLNVAL"},
    {0x40, "POLLRDNORM"}, {0x80, "POLLRDBAND"}, {0x100, "POLLWRNORM"}, {0x200, "POLLWRBAND"}, {0x400, "POLLMSG"},
    {0x1000, "POLLREMOVE"}, {0x2000, "POLLRDHUP"}, {0x8000, "POLL_BUSY_LOOP"},};

constexpr TraceName kEpollEventRows[] = {
    {1, "EPOLLIN"}, {2, "EPOLLPRI"}, {4, "EPOLLOUT"}, {8, "EPOLLERR"}, {0x10, "EPOLLHUP"}, {0x40, "EPOLLRDNORM"},
    {0x80, "EPOLLRDBAND"}, {0x100, "EPOLLWRNORM"}, {0x200, "EPOLLWRBAND"}, {0x400, "EPOLLMSG"}, {0x2000, "EPOLLRDHUP"},
    {0x10000000, "EPOLLEXCLUSIVE"}, {0x20000000, "EPOLLWAKEUP"}, {0x40000000, "EPOLLONESHOT"}, {0x80000000, "EPOLLET"},};

constexpr TraceName kEpollOperationRows[] = {
    {1, "EPOLL_CTL_ADD"}, {2, "EPOLL_CTL_DEL"}, {3, "EPOLL_CTL_MOD"},};

constexpr TraceName kEpollCreateRows[] = {
    {0x80000, "EPOLL_CLOEXEC"},};

constexpr TraceName kInterfaceFlagRows[] = {
    {1, "IFF_UP"}, {2, "IFF_BROADCAST"}, {4, "IFF_DEBUG"}, {8, "IFF_LOOPBACK"}, {0x10, "IFF_POINTOPOINT"},
    {0x20, "IFF_NOTRAILERS"}, {0x40, "IFF_RUNNING"}, {0x80, "IFF_NOARP"}, {0x100, "IFF_PROMISC"}, {0x200, "IFF_ALLMULTI"},
    {0x400, "IFF_MASTER"}, {0x800, "IFF_SLAVE"}, {0x1000, "IFF_MULTICAST"}, {0x2000, "IFF_PORTSEL"},
    {0x4000, "IFF_AUTOMEDIA"}, {0x8000, "IFF_DYNAMIC"},};

constexpr TraceName kHardwareRows[] = {
    {0, "ARPHRD_NETROM"}, {1, "ARPHRD_ETHER"}, {0x200, "ARPHRD_PPP"}, {0x304, "ARPHRD_LOOPBACK"}, {0xfffe, "ARPHRD_NONE"},
    {0xffff, "ARPHRD_VOID"},};

constexpr TraceName kFcntlCommandRows[] = {
    {0, "F_DUPFD"}, {1, "F_GETFD"}, {2, "F_SETFD"}, {3, "F_GETFL"}, {4, "F_SETFL"}, {5, "F_GETLK"}, {6, "F_SETLK"},
    {7, "F_SETLKW"}, {8, "F_SETOWN"}, {9, "F_GETOWN"}, {0xa, "F_SETSIG"}, {0xb, "F_GETSIG"}, {0xf, "F_SETOWN_EX"},
    {0x10, "F_GETOWN_EX"}, {0x11, "F_GETOWNER_UIDS"}, {0x400, "F_SETLEASE"}, {0x401, "F_GETLEASE"}, {0x402, "F_NOTIFY"},
    {0x406, "F_DUPFD_CLOEXEC"}, {0x407, "F_SETPIPE_SZ"}, {0x408, "F_GETPIPE_SZ"}, {0x409, "F_ADD_SEALS"},
    {0x40a, "F_GET_SEALS"},};

constexpr TraceName kOpenFlagRows[] = {
    {0x40, "O_CREAT"}, {0x80, "O_EXCL"}, {0x100, "O_NOCTTY"}, {0x200, "O_TRUNC"}, {0x400, "O_APPEND"}, {0x800, "O_NONBLOCK"},
    {0x1000, "O_DSYNC"}, {0x4000, "O_DIRECT"}, {0x8000, "O_LARGEFILE"}, {0x10000, "O_DIRECTORY"}, {0x20000, "O_NOFOLLOW"},
    {0x40000, "O_NOATIME"}, {0x80000, "O_CLOEXEC"}, {0x200000, "O_PATH"}, {0x2000, "FASYNC"},};

constexpr TraceName kIoctlRows[] = {
    {0x541b, "FIONREAD"}, {0x5421, "FIONBIO"}, {0x5452, "FIOASYNC"}, {0x5451, "FIOCLEX"}, {0x5450, "FIONCLEX"},
    {0x5411, "TIOCOUTQ"}, {0x8903, "FIOGETOWN"}, {0x8901, "FIOSETOWN"}, {0x8902, "SIOCSPGRP"}, {0x8904, "SIOCGPGRP"},
    {0x8905, "SIOCATMARK"}, {0x890b, "SIOCADDRT"}, {0x890c, "SIOCDELRT"}, {0x890d, "SIOCRTMSG"}, {0x8910, "SIOCGIFNAME"},
    {0x8911, "SIOCSIFLINK"}, {0x8912, "SIOCGIFCONF"}, {0x8913, "SIOCGIFFLAGS"}, {0x8914, "SIOCSIFFLAGS"},
    {0x8915, "SIOCGIFADDR"}, {0x8916, "SIOCSIFADDR"}, {0x8917, "SIOCGIFDSTADDR"}, {0x8918, "SIOCSIFDSTADDR"},
    {0x8919, "SIOCGIFBRDADDR"}, {0x891a, "SIOCSIFBRDADDR"}, {0x891b, "SIOCGIFNETMASK"}, {0x891c, "SIOCSIFNETMASK"},
    {0x891d, "SIOCGIFMETRIC"}, {0x891e, "SIOCSIFMETRIC"}, {0x891f, "SIOCGIFMEM"}, {0x8920, "SIOCSIFMEM"},
    {0x8921, "SIOCGIFMTU"}, {0x8922, "SIOCSIFMTU"}, {0x8923, "SIOCSIFNAME"}, {0x8924, "SIOCSIFHWADDR"},
    {0x8925, "SIOCGIFENCAP"}, {0x8926, "SIOCSIFENCAP"}, {0x8927, "SIOCGIFHWADDR"}, {0x8929, "SIOCGIFSLAVE"},
    {0x8930, "SIOCSIFSLAVE"}, {0x8931, "SIOCADDMULTI"}, {0x8932, "SIOCDELMULTI"}, {0x8933, "SIOCGIFINDEX"},
    {0x8934, "SIOCSIFPFLAGS"}, {0x8935, "SIOCGIFPFLAGS"}, {0x8936, "SIOCDIFADDR"}, {0x8937, "SIOCSIFHWBROADCAST"},
    {0x8938, "SIOCGIFCOUNT"}, {0x8940, "SIOCGIFBR"}, {0x8941, "SIOCSIFBR"}, {0x8942, "SIOCGIFTXQLEN"},
    {0x8943, "SIOCSIFTXQLEN"}, {0x8946, "SIOCETHTOOL"}, {0x8947, "SIOCGMIIPHY"}, {0x8948, "SIOCGMIIREG"},
    {0x8949, "SIOCSMIIREG"}, {0x894a, "SIOCWANDEV"}, {0x894b, "SIOCOUTQNSD"}, {0x894c, "SIOCGSKNS"}, {0x8953, "SIOCDARP"},
    {0x8954, "SIOCGARP"}, {0x8955, "SIOCSARP"}, {0x8970, "SIOCGIFMAP"}, {0x8971, "SIOCSIFMAP"}, {0x5401, "TCGETS"},
    {0x8906, "SIOCGSTAMP_OLD"}, {0x8907, "SIOCGSTAMPNS_OLD"}, {0x80108906, "SIOCGSTAMP_NEW"},
    {0x80108907, "SIOCGSTAMPNS_NEW"}, {0x89e0, "SIOCUNIXFILE"},};

constexpr TraceName kSocketControlRows[] = {
    {1, "SCM_RIGHTS"}, {2, "SCM_CREDENTIALS"}, {3, "SCM_SECURITY"}, {0x1d, "SO_TIMESTAMP_OLD"}, {0x23, "SO_TIMESTAMPNS_OLD"},
    {0x25, "SO_TIMESTAMPING_OLD"}, {0x3f, "SO_TIMESTAMP_NEW"}, {0x40, "SO_TIMESTAMPNS_NEW"}, {0x41, "SO_TIMESTAMPING_NEW"},};

constexpr TraceName kIpControlRows[] = {
    {1, "IP_TOS"}, {2, "IP_TTL"}, {4, "IP_OPTIONS"}, {6, "IP_RECVOPTS"}, {7, "IP_RETOPTS"}, {8, "IP_PKTINFO"},
    {0xb, "IP_RECVERR"}, {0x14, "IP_ORIGDSTADDR"}, {0x17, "IP_CHECKSUM"}, {3, "SCM_SECURITY"},};

constexpr TraceName kOwnerTypeRows[] = {
    {0, "F_OWNER_TID"}, {1, "F_OWNER_PID"}, {2, "F_OWNER_PGRP"},};

constexpr TraceName kSpliceFlagRows[] = {
    {1, "SPLICE_F_MOVE"}, {2, "SPLICE_F_NONBLOCK"}, {4, "SPLICE_F_MORE"}, {8, "SPLICE_F_GIFT"},};

constexpr TraceName kReadWriteFlagRows[] = {
    {1, "RWF_HIPRI"}, {2, "RWF_DSYNC"}, {4, "RWF_SYNC"}, {8, "RWF_NOWAIT"}, {0x10, "RWF_APPEND"},};

// What the C library says of an errno, by number.
constexpr const char* kErrorTexts[] = {
    "", "Operation not permitted", "No such file or directory", "No such process", "Interrupted system call",
    "Input/output error", "No such device or address", "Argument list too long", "Exec format error", "Bad file descriptor",
    "No child processes", "Resource temporarily unavailable", "Cannot allocate memory", "Permission denied", "Bad address",
    "Block device required", "Device or resource busy", "File exists", "Invalid cross-device link", "No such device",
    "Not a directory", "Is a directory", "Invalid argument", "Too many open files in system", "Too many open files",
    "Inappropriate ioctl for device", "Text file busy", "File too large", "No space left on device", "Illegal seek",
    "Read-only file system", "Too many links", "Broken pipe", "Numerical argument out of domain",
    "Numerical result out of range", "Resource deadlock avoided", "File name too long", "No locks available",
    "Function not implemented", "Directory not empty", "Too many levels of symbolic links", "", "No message of desired type",
    "Identifier removed", "Channel number out of range", "Level 2 not synchronized", "Level 3 halted", "Level 3 reset",
    "Link number out of range", "Protocol driver not attached", "No CSI structure available", "Level 2 halted",
    "Invalid exchange", "Invalid request descriptor", "Exchange full", "No anode", "Invalid request code", "Invalid slot", "",
    "Bad font file format", "Device not a stream", "No data available", "Timer expired", "Out of streams resources",
    "Machine is not on the network", "Package not installed", "Object is remote", "Link has been severed", "Advertise error",
    "Srmount error", "Communication error on send", "Protocol error", "Multihop attempted", "RFS specific error",
    "Bad message", "Value too large for defined data type", "Name not unique on network", "File descriptor in bad state",
    "Remote address changed", "Can not access a needed shared library", "Accessing a corrupted shared library",
    ".lib section in a.out corrupted", "Attempting to link in too many shared libraries",
    "Cannot exec a shared library directly", "Invalid or incomplete multibyte or wide character",
    "Interrupted system call should be restarted", "Streams pipe error", "Too many users", "Socket operation on non-socket",
    "Destination address required", "Message too long", "Protocol wrong type for socket", "Protocol not available",
    "Protocol not supported", "Socket type not supported", "Operation not supported", "Protocol family not supported",
    "Address family not supported by protocol", "Address already in use", "Cannot assign requested address", "Network is down",
    "Network is unreachable", "Network dropped connection on reset", "Software caused connection abort",
    "Connection reset by peer", "No buffer space available", "Transport endpoint is already connected",
    "Transport endpoint is not connected", "Cannot send after transport endpoint shutdown",
    "Too many references: cannot splice", "Connection timed out", "Connection refused", "Host is down", "No route to host",
    "Operation already in progress", "Operation now in progress", "Stale file handle", "Structure needs cleaning",
    "Not a XENIX named type file", "No XENIX semaphores available", "Is a named type file", "Remote I/O error",
    "Disk quota exceeded", "No medium found", "Wrong medium type", "Operation canceled", "Required key not available",
    "Key has expired", "Key has been revoked", "Key was rejected by service", "Owner died", "State not recoverable",
    "Operation not possible due to RF-kill", "Memory page has hardware error",
};
// clang-format on

}  // namespace

const std::span<const TraceName> kFamilyNames = kFamilyRows;
const std::span<const TraceName> kSocketTypeNames = kSocketTypeRows;
const std::span<const TraceName> kSocketFlagNames = kSocketFlagRows;
const std::span<const TraceName> kIpProtocolNames = kIpProtocolRows;
const std::span<const TraceName> kNetlinkProtocolNames = kNetlinkProtocolRows;
const std::span<const TraceName> kMessageFlagNames = kMessageFlagRows;
const std::span<const TraceName> kShutdownNames = kShutdownRows;
const std::span<const TraceName> kLevelNames = kLevelRows;
const std::span<const TraceName> kPollNames = kPollRows;
const std::span<const TraceName> kEpollEventNames = kEpollEventRows;
const std::span<const TraceName> kEpollOperationNames = kEpollOperationRows;
const std::span<const TraceName> kEpollCreateNames = kEpollCreateRows;
const std::span<const TraceName> kInterfaceFlagNames = kInterfaceFlagRows;
const std::span<const TraceName> kHardwareNames = kHardwareRows;
const std::span<const TraceName> kFcntlCommandNames = kFcntlCommandRows;
const std::span<const TraceName> kOpenFlagNames = kOpenFlagRows;
const std::span<const TraceName> kIoctlNames = kIoctlRows;
const std::span<const TraceName> kSocketControlNames = kSocketControlRows;
const std::span<const TraceName> kIpControlNames = kIpControlRows;
const std::span<const TraceName> kOwnerTypeNames = kOwnerTypeRows;
const std::span<const TraceName> kSpliceFlagNames = kSpliceFlagRows;
const std::span<const TraceName> kReadWriteFlagNames = kReadWriteFlagRows;

const char* find_trace_name(std::span<const TraceName> names, uint64_t value) {
  for (const TraceName& row : names) {
    if (row.value == value) return row.name;
  }
  return nullptr;
}

void put_name(TraceText& out, std::span<const TraceName> names, uint64_t value, const char* unknown) {
  if (const char* name = find_trace_name(names, value)) {
    out << name;
    return;
  }
  out.hex(value);
  if (*unknown != '\0') out << " /* " << unknown << " */";
}

void put_flags(TraceText& out, std::span<const TraceName> names, uint64_t value, const char* unknown, const char* zero) {
  if (value == 0) {
    out << zero;
    return;
  }
  const char* separator = "";
  for (const TraceName& row : names) {
    if (row.value == 0 || (value & row.value) != row.value) continue;
    out << separator << row.name;
    separator = "|";
    value &= ~row.value;
  }
  if (value == 0) return;
  (out << separator).hex(value);
  if (*separator == '\0' && *unknown != '\0') out << " /* " << unknown << " */";
}

void put_error(TraceText& out, uint32_t error) {
  constexpr TraceName kRestarts[] = {{512, "ERESTARTSYS (To be restarted if SA_RESTART is set)"},
                                     {513, "ERESTARTNOINTR (To be restarted)"},
                                     {514, "ERESTARTNOHAND (To be restarted if no handler)"},
                                     {516, "ERESTART_RESTARTBLOCK (Interrupted by signal)"}};
  if (const char* restart = find_trace_name(kRestarts, error)) {
    out << restart;
    return;
  }
  out << errno_name(static_cast<Errno>(error));
  if (error < sizeof kErrorTexts / sizeof *kErrorTexts && *kErrorTexts[error] != '\0') out << " (" << kErrorTexts[error] << ')';
}

}  // namespace lxnet
