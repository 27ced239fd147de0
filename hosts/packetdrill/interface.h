/* interface.h: what packetdrill's --so_filename calls. It looks up packetdrill_interface_init(), which fills in this table; the
 * order of the members is packetdrill's. Each function answers as the C library's does: -1 and errno. */
#ifndef LXNET_HOSTS_PACKETDRILL_INTERFACE_H
#define LXNET_HOSTS_PACKETDRILL_INTERFACE_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct timezone; /* strict C11 has none */

struct packetdrill_interface {
  void* userdata;
  void (*free)(void* self);
  int (*socket)(void* self, int domain, int type, int protocol);
  int (*bind)(void* self, int fd, const struct sockaddr* name, socklen_t size);
  int (*listen)(void* self, int fd, int backlog);
  int (*accept)(void* self, int fd, struct sockaddr* name, socklen_t* size);
  int (*connect)(void* self, int fd, const struct sockaddr* name, socklen_t size);
  ssize_t (*read)(void* self, int fd, void* to, size_t size);
  ssize_t (*readv)(void* self, int fd, const struct iovec* pieces, int count);
  ssize_t (*recv)(void* self, int fd, void* to, size_t size, int flags);
  ssize_t (*recvfrom)(void* self, int fd, void* to, size_t size, int flags, struct sockaddr* name, socklen_t* name_size);
  ssize_t (*recvmsg)(void* self, int fd, struct msghdr* message, int flags);
  ssize_t (*write)(void* self, int fd, const void* from, size_t size);
  ssize_t (*writev)(void* self, int fd, const struct iovec* pieces, int count);
  ssize_t (*send)(void* self, int fd, const void* from, size_t size, int flags);
  ssize_t (*sendto)(void* self, int fd, const void* from, size_t size, int flags, const struct sockaddr* name,
                    socklen_t name_size);
  ssize_t (*sendmsg)(void* self, int fd, const struct msghdr* message, int flags);
  int (*fcntl)(void* self, int fd, int command, ...);
  int (*ioctl)(void* self, int fd, unsigned long request, ...);
  int (*close)(void* self, int fd);
  int (*shutdown)(void* self, int fd, int how);
  int (*getsockopt)(void* self, int fd, int level, int name, void* value, socklen_t* size);
  int (*setsockopt)(void* self, int fd, int level, int name, const void* value, socklen_t size);
  int (*poll)(void* self, struct pollfd* fds, nfds_t count, int timeout);
  /* An IP packet for the stack. */
  int (*netdev_send)(void* self, const void* packet, size_t size);
  /* The next IP packet that left the stack, and when: *size is the room, then what is filled of it; 0 when none will come. */
  int (*netdev_receive)(void* self, void* packet, size_t* size, long long* micros);
  int (*usleep)(void* self, unsigned int micros); /* useconds_t, which strict C11 has not */
  int (*gettimeofday)(void* self, struct timeval* time, struct timezone* zone);
  int (*epoll_create)(void* self, int size);
  int (*epoll_ctl)(void* self, int set, int operation, int fd, struct epoll_event* event);
  int (*epoll_wait)(void* self, int set, struct epoll_event* events, int room, int timeout);
  int (*pipe)(void* self, int fds[2]);
  int (*splice)(void* self, int from, off_t* from_offset, int to, off_t* to_offset, size_t size, unsigned flags);
};

/* `flags` is the text of --so_flags, or null. */
__attribute__((visibility("default"))) void packetdrill_interface_init(const char* flags, struct packetdrill_interface* table);

#ifdef __cplusplus
}
#endif

#endif /* LXNET_HOSTS_PACKETDRILL_INTERFACE_H */
