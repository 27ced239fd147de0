/* lxnet.h: the calls a host makes into lxnet. With hal.h, all of lxnet that a kernel written in C sees.
 *
 * There are four ways in: a system call, a packet from a device, the timer, and configuration. None may be entered from inside
 * another on the same processor; the core never calls back into the host in a way that would require it.
 */
#ifndef LXNET_H
#define LXNET_H

#include <stddef.h>
#include <stdint.h>

#include "hal/hal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a stack: what Linux calls a network namespace ----------------------------------------------------------------------- */

struct lxnet_config {
  uint32_t struct_size;      /* sizeof(struct lxnet_config) */
  const char* hostname;      /* for logs; may be null */
  uint64_t memory_limit;     /* bytes the stack may hold in packets and socket buffers; 0 chooses 256 MiB */
  uint32_t expected_sockets; /* sizes the first tables; 0 chooses 1024. The tables grow by themselves */
  uint32_t flags;            /* LXNET_CONFIG_* */
};
enum { LXNET_CONFIG_LOOPBACK_DOWN = 1 /* `lo` exists but is down, as in a fresh Linux network namespace */ };

/* Zero and *stack, or a negative errno: nothing was kept. `message`, when not null, then points to a sentence that says what
 * was wrong (static storage). The HAL table is copied; its ctx must outlive the stack. */
int lxnet_stack_create(const struct lxnet_hal* hal, const struct lxnet_config* config, struct lxnet_stack** stack,
                       const char** message);

/* No call may be under way. Every socket still open is aborted. */
void lxnet_stack_destroy(struct lxnet_stack* stack);

/* configuration. What a host may leave out stands in archives of its own; linking one and calling its function makes a stack
 * serve it. 0, -ENOMEM, or -EEXIST when it is served already. */
int lxnet_enable_epoll(struct lxnet_stack* stack);  /* epoll_create … epoll_pwait2: liblxnet_epoll */
int lxnet_enable_afunix(struct lxnet_stack* stack); /* AF_UNIX: liblxnet_afunix */
int lxnet_enable_afalg(struct lxnet_stack* stack);  /* AF_ALG: liblxnet_afalg */
/* After it: implementations with the vector instructions that the processor turns out to have, for hosts whose system calls may
 * use such registers; -ENOENT before it. liblxnet_afalg_x86, on x86-64. */
int lxnet_enable_afalg_x86(struct lxnet_stack* stack);
/* AF_NETLINK: liblxnet_afnetlink. `inode_of` gives the inode under which programs see the socket with this SO_COOKIE, 0 when none
 * has it open; it is called with the HAL's ctx, in any context. When it is null the cookie stands for the inode. */
int lxnet_enable_afnetlink(struct lxnet_stack* stack, uint64_t (*inode_of)(void* ctx, uint64_t cookie));
int lxnet_enable_afpacket(struct lxnet_stack* stack); /* AF_PACKET: liblxnet_afpacket */
/* task. For a host's mmap() of a packet socket: the memory of its rings (PACKET_RX_RING, then PACKET_TX_RING), page-aligned as
 * the host's alloc() gave it. Zero; -ENODEV for any other file; -EINVAL when the rings are not of exactly this size. While the
 * file lives they cannot be changed until they are given back. */
int lxnet_packet_ring_map(struct lxnet_file* file, uint64_t size, void** memory);
void lxnet_packet_ring_unmap(struct lxnet_file* file);
/* any. SO_COOKIE of a file that is a socket; 0 of any other. */
uint64_t lxnet_file_cookie(struct lxnet_file* file);
/* any. The stack in which the file was made. */
struct lxnet_stack* lxnet_file_stack(const struct lxnet_file* file);
/* task. open("/dev/net/tun") with these O_* flags: liblxnet_tun. Its interfaces appear in `stack`. 0 and *file with a count for
 * the caller, or -ENOMEM. */
int lxnet_tun_open(struct lxnet_stack* stack, uint32_t flags, struct lxnet_file** file);

/* configuration. Prints the calls as strace does: liblxnet_trace. */
struct lxnet_trace {
  uint32_t struct_size;  /* sizeof(struct lxnet_trace) */
  uint32_t string_limit; /* bytes of a buffer that are printed; strace's -s, whose default is 32. At most 4096 */
  uint32_t column;       /* where the = of the result stands; 0 to leave the line as short as it is. strace prints it at 40 */
  void* ctx;
  /* task. One call, when it has ended; without an end of line. May not call into lxnet. */
  void (*line)(void* ctx, const char* text, size_t size);
};
/* 0, -EINVAL, -ENOMEM, or -EEXIST when calls are printed already. */
int lxnet_trace_enable(struct lxnet_stack* stack, const struct lxnet_trace* trace);

/* ---- the four ways in ------------------------------------------------------------------------------------------------------ */

/* Which numbering a system call number is of. */
enum { LXNET_ABI_X86_64 = 0, LXNET_ABI_I386 = 1, LXNET_ABI_GENERIC = 2 /* arm64, riscv64, loongarch64 */ };

/* task. Answers one system call: the value Linux's call returns, or a negative errno. Besides the errnos a program may see, the
 * numbers 512, 513, 514 and 516 (ERESTART*) say which restart rule applies when a signal interrupted the call: the host handles
 * them as Linux's signal delivery does. -ENOSYS: not a call of lxnet's; run the kernel's own. `stack` is that of the task's
 * namespace, but for a call whose first argument is a descriptor of lxnet's that file's (lxnet_file_stack). */
int64_t lxnet_syscall(struct lxnet_stack* stack, int abi, uint32_t number, const uint64_t arguments[6]);

/* any. Non-zero when socket() of this AF_* is answered here; a host with a network of its own may serve the others itself. */
int lxnet_serves_family(struct lxnet_stack* stack, int family);

/* timer. The alarm has rung. */
void lxnet_timer_expire(struct lxnet_stack* stack);

/* packet. See netdev below. */
struct lxnet_netdev;
void lxnet_netdev_receive(struct lxnet_netdev* device, const void* frame, size_t size);

/* ---- devices --------------------------------------------------------------------------------------------------------------- */

struct lxnet_iovec {
  const void* base;
  size_t size;
};

enum {
  LXNET_LINK_ETHERNET = 1, /* frames carry an Ethernet header */
  LXNET_LINK_IP = 2        /* frames are bare IP packets (tun, point to point) */
};
enum {
  LXNET_OFFLOAD_TX_CHECKSUM = 1, /* the device fills the TCP/UDP checksum */
  LXNET_OFFLOAD_RX_CHECKSUM = 2, /* received frames have been verified */
  LXNET_OFFLOAD_TSO = 4          /* the device cuts TCP packets of up to 64 KiB */
};

/* A driver as C sees it. */
struct lxnet_netdev_ops {
  uint32_t struct_size;
  uint32_t link_kind; /* LXNET_LINK_* */
  uint32_t mtu;
  uint32_t offloads;  /* LXNET_OFFLOAD_* */
  uint8_t address[6]; /* of an Ethernet device */
  void* ctx;
  /* any. Sends one frame, given in pieces. 0, or -ENOBUFS when the queue is full (the packet is dropped and counted). */
  int (*transmit)(void* ctx, const struct lxnet_iovec* pieces, uint32_t piece_count);
  /* any; optional. A link-layer multicast address to receive (add != 0) or no longer. */
  void (*set_multicast)(void* ctx, const uint8_t address[6], int add);
};

/* configuration. Registers a device under a name ("eth0") or, when null, under the next free ethN; down and without addresses. */
int lxnet_netdev_register(struct lxnet_stack* stack, const char* name, const struct lxnet_netdev_ops* ops,
                          struct lxnet_netdev** device);
/* configuration. Addresses, routes and neighbours of the device go with it. */
void lxnet_netdev_unregister(struct lxnet_netdev* device);
/* any. The cable was plugged in or pulled out. */
void lxnet_netdev_set_carrier(struct lxnet_netdev* device, int is_up);
uint32_t lxnet_netdev_index(const struct lxnet_netdev* device);

/* ---- configuration (a program can do all of this with ioctl and netlink too) ------------------------------------------------
 */

int lxnet_interface_set_up(struct lxnet_stack* stack, const char* name, int is_up);
/* "192.0.2.1/24", "2001:db8::1/64". */
int lxnet_address_add(struct lxnet_stack* stack, const char* name, const char* address_with_prefix);
int lxnet_address_remove(struct lxnet_stack* stack, const char* name, const char* address_with_prefix);
/* "default" or "198.51.100.0/24"; gateway and name may be null, not both. */
int lxnet_route_add(struct lxnet_stack* stack, const char* destination, const char* gateway, const char* name);

/* A tunable by its Linux name, "net.ipv4.tcp_congestion_control", with the text /proc/sys takes and shows. Returns 0 or the size
 * of the text without its terminator, or -ENOENT, -EINVAL, -ERANGE. */
int lxnet_tunable_set(struct lxnet_stack* stack, const char* name, const char* value);
int lxnet_tunable_get(struct lxnet_stack* stack, const char* name, char* value, size_t room);

/* ---- files ---------------------------------------------------------------------------------------------------------------- */

/* any. The host's descriptor table holds one count per open descriptor; the last one gone closes the socket. */
void lxnet_file_ref(struct lxnet_file* file);
/* task. */
void lxnet_file_unref(struct lxnet_file* file);
/* any. Poll bits now; for a host's own poll of a mixed set. */
uint32_t lxnet_file_poll(struct lxnet_file* file);

/* any. The poll bits of a foreign file may have changed to `events`. 1: an exclusive waiter took the event; the file's other
 * exclusive waiters need not be told. */
int lxnet_foreign_ready(struct lxnet_poll_waiter* waiter, uint32_t events);
/* any. Whether one event need wake only one such waiter of the file (EPOLLEXCLUSIVE). The others are to be told first. */
int lxnet_foreign_is_exclusive(const struct lxnet_poll_waiter* waiter);

#ifdef __cplusplus
}
#endif

#endif /* LXNET_H */
