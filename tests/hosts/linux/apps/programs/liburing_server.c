/* A server and its clients on liburing: accepts that go on, buffers that are chosen when there is something, chains of sends and
 * receives with a limit of time, and the end of each connection. Needs pkg-config liburing. */
#define _GNU_SOURCE
#include <liburing.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 40, AT_ONCE = 8, SIZE = 60000, BUFFERS = 64, BUFFER_SIZE = 4096, GROUP = 3 };
enum { ACCEPT = 1, RECEIVE, SEND, CLOSE };

#define MUST(condition)                                                       \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                \
    }                                                                         \
  } while (0)

static struct sockaddr_in address;
static int listener;

/* ---- the server: what comes is sent back */

static struct io_uring server;
static struct io_uring_buf_ring* buffers;
static char memory[BUFFERS][BUFFER_SIZE];

static struct io_uring_sqe* entry(struct io_uring* ring, int what, int fd, int buffer) {
  struct io_uring_sqe* sqe = io_uring_get_sqe(ring);
  if (sqe == NULL) {
    MUST(io_uring_submit(ring) > 0);
    sqe = io_uring_get_sqe(ring);
  }
  MUST(sqe != NULL);
  io_uring_prep_nop(sqe);
  sqe->user_data = (uint64_t)what << 48 | (uint64_t)buffer << 32 | (uint32_t)fd;
  return sqe;
}

#define PREPARE(sqe, prepare, ...)          \
  do {                                      \
    const uint64_t data = (sqe)->user_data; \
    prepare(sqe, __VA_ARGS__);              \
    (sqe)->user_data = data;                \
  } while (0)

static void receive(int fd) {
  struct io_uring_sqe* sqe = entry(&server, RECEIVE, fd, 0);
  PREPARE(sqe, io_uring_prep_recv, fd, NULL, 0, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = GROUP;
}

static void provide(int id) {
  io_uring_buf_ring_add(buffers, memory[id], BUFFER_SIZE, (unsigned short)id, io_uring_buf_ring_mask(BUFFERS), 0);
  io_uring_buf_ring_advance(buffers, 1);
}

/* Returns whether a connection has ended. */
static int handle(const struct io_uring_cqe* cqe) {
  const int what = (int)(cqe->user_data >> 48), fd = (int)cqe->user_data, buffer = (int)(cqe->user_data >> 32 & 0xffff);
  if (what == ACCEPT) {
    MUST(cqe->res >= 0 && (cqe->flags & IORING_CQE_F_MORE) != 0);
    receive(cqe->res);
  } else if (what == RECEIVE && cqe->res > 0) {
    MUST((cqe->flags & IORING_CQE_F_BUFFER) != 0);
    const int id = (int)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    struct io_uring_sqe* sqe = entry(&server, SEND, fd, id);
    PREPARE(sqe, io_uring_prep_send, fd, memory[id], (size_t)cqe->res, MSG_WAITALL);
  } else if (what == RECEIVE && cqe->res == -ENOBUFS) {
    receive(fd);
  } else if (what == RECEIVE) {
    MUST(cqe->res == 0);
    struct io_uring_sqe* sqe = entry(&server, 0, fd, 0);
    PREPARE(sqe, io_uring_prep_shutdown, fd, SHUT_WR);
    sqe->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
    sqe = entry(&server, CLOSE, fd, 0);
    PREPARE(sqe, io_uring_prep_close, fd);
  } else if (what == SEND) {
    MUST(cqe->res > 0);
    provide(buffer);
    receive(fd);
  } else if (what == CLOSE) {
    MUST(cqe->res == 0);
    return 1;
  }
  return 0;
}

static void* serve(void* unused) {
  MUST(io_uring_queue_init(64, &server, 0) == 0);
  struct io_uring_buf_reg registration = {.ring_entries = BUFFERS, .bgid = GROUP};
  buffers = mmap(NULL, BUFFERS * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
  registration.ring_addr = (uint64_t)buffers;
  io_uring_buf_ring_init(buffers);
  MUST(io_uring_register_buf_ring(&server, &registration, 0) == 0);
  for (int i = 0; i < BUFFERS; i++) provide(i);
  struct io_uring_sqe* sqe = entry(&server, ACCEPT, listener, 0);
  PREPARE(sqe, io_uring_prep_multishot_accept, listener, NULL, NULL, SOCK_CLOEXEC);
  for (int ended = 0; ended < CLIENTS;) {
    struct io_uring_cqe* cqe;
    MUST(io_uring_submit_and_wait(&server, 1) >= 0);
    unsigned head, seen = 0;
    io_uring_for_each_cqe(&server, head, cqe) {
      ended += handle(cqe);
      seen++;
    }
    io_uring_cq_advance(&server, seen);
  }
  io_uring_queue_exit(&server);
  return unused;
}

/* ---- a client: connects, sends, and receives the same, as chains */

static int32_t run(struct io_uring* ring, unsigned count) {
  int32_t result = 0;
  MUST(io_uring_submit(ring) == (int)count);
  for (unsigned i = 0; i < count; i++) {
    struct io_uring_cqe* cqe;
    MUST(io_uring_wait_cqe(ring, &cqe) == 0);
    if (cqe->user_data == 1) result = cqe->res;
    io_uring_cqe_seen(ring, cqe);
  }
  return result;
}

static void* ask(void* which) {
  struct io_uring ring;
  struct __kernel_timespec patience = {.tv_sec = 30};
  char *sent = malloc(SIZE), *got = malloc(SIZE);
  memset(sent, (int)(intptr_t)which + 'a', SIZE);
  MUST(io_uring_queue_init(8, &ring, 0) == 0);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct io_uring_sqe* sqe = io_uring_get_sqe(&ring);
  io_uring_prep_connect(sqe, fd, (struct sockaddr*)&address, sizeof address);
  sqe->user_data = 0;
  sqe->flags |= IOSQE_IO_LINK;
  sqe = io_uring_get_sqe(&ring);
  io_uring_prep_link_timeout(sqe, &patience, 0);
  sqe->user_data = 0;
  sqe->flags |= IOSQE_IO_LINK;
  sqe = io_uring_get_sqe(&ring);
  io_uring_prep_send(sqe, fd, sent, SIZE / 2, MSG_WAITALL);
  sqe->user_data = 1;
  MUST(run(&ring, 3) == SIZE / 2);
  for (int half = 0; half < 2; half++) {
    sqe = io_uring_get_sqe(&ring);
    io_uring_prep_recv(sqe, fd, got + half * SIZE / 2, SIZE / 2, MSG_WAITALL);
    sqe->user_data = 1;
    sqe->flags |= IOSQE_IO_LINK;
    sqe = io_uring_get_sqe(&ring);
    if (half == 0) {
      io_uring_prep_send(sqe, fd, sent + SIZE / 2, SIZE / 2, MSG_WAITALL);
    } else {
      io_uring_prep_shutdown(sqe, fd, SHUT_WR);
    }
    sqe->user_data = 2;
    MUST(run(&ring, 2) == SIZE / 2);
  }
  MUST(memcmp(sent, got, SIZE) == 0);
  sqe = io_uring_get_sqe(&ring);
  io_uring_prep_recv(sqe, fd, got, 1, 0);
  sqe->user_data = 1;
  MUST(run(&ring, 1) == 0);
  close(fd);
  io_uring_queue_exit(&ring);
  free(sent);
  free(got);
  return NULL;
}

int main(void) {
  struct io_uring probe;
  if (io_uring_queue_init(1, &probe, 0) != 0) return 0; /* a kernel without rings */
  io_uring_queue_exit(&probe);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  MUST(bind(listener, (struct sockaddr*)&address, size) == 0 && listen(listener, 64) == 0);
  MUST(getsockname(listener, (struct sockaddr*)&address, &size) == 0);
  pthread_t server_thread, clients[AT_ONCE];
  pthread_create(&server_thread, NULL, serve, NULL);
  for (int i = 0; i < CLIENTS; i += AT_ONCE) {
    for (int j = 0; j < AT_ONCE; j++) pthread_create(&clients[j], NULL, ask, (void*)(intptr_t)j);
    for (int j = 0; j < AT_ONCE; j++) pthread_join(clients[j], NULL);
  }
  pthread_join(server_thread, NULL);
  return 0;
}
