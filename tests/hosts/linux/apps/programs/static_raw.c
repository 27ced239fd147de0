/* No C library at all: a static program that makes its system calls itself, as Go's runtime does. A thread made by clone() is the
 * client of an edge-triggered epoll server in the first thread. Fails by its status. x86-64. */
#include <asm/unistd.h>
#include <linux/futex.h>
#include <linux/in.h>
#include <linux/sched.h>
#include <linux/socket.h>

enum { STREAM = 1, NONBLOCK = 04000, CLOEXEC = 02000000, EPOLL_ADD = 1, POLL_IN = 1, POLL_HUP_OF_PEER = 0x2000, ROUNDS = 200 };
#define EDGE (1u << 31)

struct epoll_event {
  unsigned events;
  unsigned long data;
} __attribute__((packed));

static long call(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#define CALL(name, a, b, c, d) call(__NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

#define MUST(condition) \
  if (!(condition)) call(__NR_exit_group, __LINE__ & 0x7f, 0, 0, 0, 0, 0)

static struct sockaddr_in name = {.sin_family = 2 /* AF_INET */, .sin_addr = {0x0100007f}};
static char stack[65536] __attribute__((aligned(16)));
static int thread_lives = 1;

static void be_client(void) {
  char text[8];
  int fd = (int)CALL(socket, 2, STREAM | CLOEXEC, 0, 0);
  MUST(CALL(connect, fd, &name, sizeof name, 0) == 0);
  for (int i = 0; i < ROUNDS; i++) {
    text[0] = (char)i;
    MUST(CALL(write, fd, text, 1, 0) == 1);
    MUST(CALL(read, fd, text, sizeof text, 0) == 1 && text[0] == (char)(i + 1));
  }
  MUST(CALL(close, fd, 0, 0, 0) == 0);
  CALL(exit, 0, 0, 0, 0);
}

static void start_thread(void) {
  long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
  long result;
  register long child_tid __asm__("r10") = (long)&thread_lives;
  register long tls __asm__("r8") = 0;
  __asm__ volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "call *%[entry]\n\t"
      "1:"
      : "=a"(result)
      : "a"(__NR_clone), "D"(flags), "S"(stack + sizeof stack), "d"(0), "r"(child_tid), "r"(tls), [entry] "b"(be_client)
      : "rcx", "r11", "memory");
  MUST(result > 0);
}

__attribute__((used)) static void run(void) {
  struct epoll_event event = {POLL_IN | EDGE, 1};
  unsigned size = sizeof name;
  int listener = (int)CALL(socket, 2, STREAM | NONBLOCK | CLOEXEC, 0, 0);
  int set = (int)CALL(epoll_create1, CLOEXEC, 0, 0, 0), connection = -1;
  MUST(CALL(bind, listener, &name, size, 0) == 0 && CALL(listen, listener, 16, 0, 0) == 0);
  MUST(CALL(getsockname, listener, &name, &size, 0) == 0);
  MUST(CALL(epoll_ctl, set, EPOLL_ADD, listener, &event) == 0);
  start_thread();
  for (int is_over = 0; !is_over;) {
    struct epoll_event ready[4];
    long count = call(__NR_epoll_pwait, set, (long)ready, 4, -1, 0, 8);
    MUST(count >= 0 || count == -4 /* EINTR */);
    for (long i = 0; i < count; i++) {
      char text[8];
      long got;
      if (ready[i].data == 1) {
        connection = (int)CALL(accept4, listener, 0, 0, NONBLOCK | CLOEXEC);
        MUST(connection >= 0 && CALL(accept4, listener, 0, 0, NONBLOCK) == -11 /* EAGAIN */);
        event.events = POLL_IN | POLL_HUP_OF_PEER | EDGE;
        event.data = 2;
        MUST(CALL(epoll_ctl, set, EPOLL_ADD, connection, &event) == 0);
        continue;
      }
      while ((got = CALL(read, connection, text, sizeof text, 0)) > 0) {
        for (long k = 0; k < got; k++) text[k]++;
        MUST(CALL(write, connection, text, got, 0) == got);
      }
      MUST(got == 0 || got == -11);
      is_over = got == 0;
    }
  }
  for (int seen; (seen = *(volatile int*)&thread_lives) != 0;) call(__NR_futex, (long)&thread_lives, FUTEX_WAIT, seen, 0, 0, 0);
  call(__NR_exit_group, 0, 0, 0, 0, 0, 0);
}

__asm__(
    ".globl _start\n"
    "_start:\n\t"
    "xor %ebp, %ebp\n\t"
    "and $-16, %rsp\n\t"
    "call run\n");
