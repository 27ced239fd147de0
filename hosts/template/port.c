/* port.c: where a port of lxnet to a kernel starts.
 *
 * It compiles as it is and says for every function of the HAL what belongs there; docs/porting.md walks through them in the order
 * in which they are best filled in. Until a function is written it stops the kernel with its own name, so that nothing that is
 * missing can be mistaken for working. kernel_stop() is the one function to write first.
 */
#include "hal/hal.h"
#include "hal/lxnet.h"

/* Prints the line and halts. Yours is better: a panic with a backtrace. */
static _Noreturn void kernel_stop(const char* message) {
  (void)message;
  for (;;) {
  }
}

#define NOT_YET kernel_stop(__func__)

static struct lxnet_stack* the_stack;

/* ---- time ------------------------------------------------------------------------------------------------------------------ */

/* A counter that never goes back, in nanoseconds: the TSC, the architectural timer, an HPET. The stack reads it once per entry,
 * so it should be cheap: no division by a number that is not a constant. */
static int64_t monotonic_nanos(void* ctx) {
  (void)ctx;
  NOT_YET;
}

/* The same plus what the clock of the machine said at boot; only time stamps that users see come from it. */
static int64_t wall_nanos(void* ctx) {
  (void)ctx;
  NOT_YET;
}

/* One alarm per stack. Store `when`; let the timer interrupt, or a thread that sleeps until then, call lxnet_timer_expire(stack).
 * Ringing early or twice does no harm, ringing late delays retransmissions. Do not call it from here: locks are held. */
static void set_alarm(void* ctx, struct lxnet_stack* stack, int64_t when) {
  (void)ctx, (void)stack, (void)when;
  NOT_YET;
}

/* ---- memory ---------------------------------------------------------------------------------------------------------------- */

/* Your kernel's heap. It is called under locks and perhaps in interrupts: it must not sleep for memory, it returns null instead,
 * and the program gets ENOMEM or ENOBUFS. Packets are pooled, so this is not called per packet. */
static void* alloc(void* ctx, size_t size, size_t align) {
  (void)ctx, (void)size, (void)align;
  NOT_YET;
}

/* Comes with the size that was asked for: a heap without headers can use it. */
static void free_block(void* ctx, void* block, size_t size) {
  (void)ctx, (void)block, (void)size;
  NOT_YET;
}

/* ---- entropy --------------------------------------------------------------------------------------------------------------- */

/* Sequence numbers, ports and hash keys are only as hard to guess as this. RDRAND, virtio-rng, a pool seeded from interrupts. */
static void random_bytes(void* ctx, void* buffer, size_t size) {
  (void)ctx, (void)buffer, (void)size;
  NOT_YET;
}

/* ---- tasks ----------------------------------------------------------------------------------------------------------------- */

/* The thread whose system call this is; a pointer to your own structure, cast. */
static struct lxnet_task* current_task(void* ctx) {
  (void)ctx;
  NOT_YET;
}

/* Sleep until unpark(), `deadline` or, if `interruptible`, a signal. Keep one flag in your thread: unpark() sets it and makes the
 * thread runnable; park() returns at once when it is set, and clears it. Then no wake-up is ever lost. */
static int park(void* ctx, int64_t deadline, int interruptible) {
  (void)ctx, (void)deadline, (void)interruptible;
  NOT_YET;
}

/* Called with locks held and from interrupts: set the flag, make it runnable, return. */
static void unpark(void* ctx, struct lxnet_task* task) {
  (void)ctx, (void)task;
  NOT_YET;
}

/* ---- locks: leave both null on a machine with one processor whose drivers never call in from an interrupt
 * ---------------------- */

/* A ticket or test-and-set lock in lock->storage, which starts as zero. Where packets arrive in interrupts: disable them on this
 * processor first, and keep the old state in the storage's second word. */
static void lock(void* ctx, struct lxnet_lock* lock) {
  (void)ctx, (void)lock;
  NOT_YET;
}

static void unlock(void* ctx, struct lxnet_lock* lock) {
  (void)ctx, (void)lock;
  NOT_YET;
}

/* ---- user memory ----------------------------------------------------------------------------------------------------------- */

/* Your copy_from_user with a fault fix-up. Zero when all went well, else how many bytes at the end did not: Linux programs see
 * partial transfers, so be exact. A kernel whose programs share its address space checks the range and copies. */
static size_t copy_from_user(void* ctx, void* to, uint64_t user_from, size_t size) {
  (void)ctx, (void)to, (void)user_from, (void)size;
  NOT_YET;
}

static size_t copy_to_user(void* ctx, uint64_t user_to, const void* from, size_t size) {
  (void)ctx, (void)user_to, (void)from, (void)size;
  NOT_YET;
}

/* ---- who is asking --------------------------------------------------------------------------------------------------------- */

/* A kernel without users fills in its pid and zeros. */
static void credentials(void* ctx, struct lxnet_credentials* out) {
  (void)ctx, (void)out;
  NOT_YET;
}

/* A kernel without users answers 1. */
static int capable(void* ctx, int capability) {
  (void)ctx, (void)capability;
  NOT_YET;
}

/* SIGPIPE, SIGIO, SIGURG. Without signals return -ESRCH (-3): programs then see the errno alone. */
static int send_signal(void* ctx, const struct lxnet_signal* signal) {
  (void)ctx, (void)signal;
  NOT_YET;
}

/* ---- descriptors ----------------------------------------------------------------------------------------------------------- */

/* Put `file` into the lowest free slot of the current process's table. Your file structure holds the pointer and one count: when
 * the last descriptor that refers to it closes, call lxnet_file_unref(). dup and fork are yours and share your structure. */
static int install_fd(void* ctx, struct lxnet_file* file, uint32_t flags) {
  (void)ctx, (void)file, (void)flags;
  NOT_YET;
}

/* Look the number up; for one of lxnet's files call lxnet_file_ref() and return it, else set *error to EBADF (9) or ENOTSOCK
 * (88). */
static struct lxnet_file* find_fd(void* ctx, int fd, int* error) {
  (void)ctx, (void)fd, (void)error;
  NOT_YET;
}

/* Empty the slot and call lxnet_file_unref(). */
static void release_fd(void* ctx, int fd) {
  (void)ctx, (void)fd;
  NOT_YET;
}

/* ---- trouble --------------------------------------------------------------------------------------------------------------- */

static void log_line(void* ctx, int level, const char* message) {
  (void)ctx, (void)level, (void)message;
  NOT_YET;
}

static void stop(void* ctx, const char* message) {
  (void)ctx;
  kernel_stop(message);
}

static const struct lxnet_hal kernel_hal = {
    .abi_version = LXNET_HAL_VERSION,
    .struct_size = sizeof(struct lxnet_hal),
    .ctx = 0,
    .monotonic_nanos = monotonic_nanos,
    .wall_nanos = wall_nanos,
    .set_alarm = set_alarm,
    .alloc = alloc,
    .free = free_block,
    .random_bytes = random_bytes,
    .current_task = current_task,
    .park = park,
    .unpark = unpark,
    .lock = lock,
    .unlock = unlock,
    .copy_from_user = copy_from_user,
    .copy_to_user = copy_to_user,
    .credentials = credentials,
    .capable = capable,
    .send_signal = send_signal,
    .install_fd = install_fd,
    .find_fd = find_fd,
    .release_fd = release_fd,
    .log = log_line,
    .panic = stop,
    /* The optional tail stays null: each member's comment in hal.h says what is missing without it. */
};

/* Once, when the heap, the clock and the scheduler run. */
int network_start(void);
int network_start(void) {
  const struct lxnet_config config = {.struct_size = sizeof config, .hostname = "kernel"};
  const char* message = 0;
  const int error = lxnet_stack_create(&kernel_hal, &config, &the_stack, &message);
  if (error != 0) stop(0, message);
  /* What programs may use beside Internet sockets; each links an archive. */
  return lxnet_enable_epoll(the_stack);
}

/* From your system-call entry, for every number you do not answer yourself. -ENOSYS (-38) comes back for what is not the
 * network's. -512 to -516 must be handled where you deliver signals, before the program sees them: see docs/porting.md. */
int64_t network_syscall(uint32_t number, const uint64_t arguments[6]);
int64_t network_syscall(uint32_t number, const uint64_t arguments[6]) {
#if defined(__x86_64__)
  return lxnet_syscall(the_stack, LXNET_ABI_X86_64, number, arguments);
#else
  return lxnet_syscall(the_stack, LXNET_ABI_GENERIC, number, arguments);
#endif
}

/* A driver's transmit function: the frame comes in pieces, to be gathered into one descriptor chain. */
static int transmit(void* ctx, const struct lxnet_iovec* pieces, uint32_t piece_count) {
  (void)ctx, (void)pieces, (void)piece_count;
  NOT_YET;
}

/* When the driver has found its card. Received frames go to lxnet_netdev_receive(). */
int network_add_card(const uint8_t mac[6], void* card);
int network_add_card(const uint8_t mac[6], void* card) {
  struct lxnet_netdev_ops ops = {
      .struct_size = sizeof ops, .link_kind = LXNET_LINK_ETHERNET, .mtu = 1500, .ctx = card, .transmit = transmit};
  for (int i = 0; i < 6; ++i) ops.address[i] = mac[i];
  struct lxnet_netdev* device = 0;
  int error = lxnet_netdev_register(the_stack, "eth0", &ops, &device);
  if (error == 0) error = lxnet_interface_set_up(the_stack, "eth0", 1);
  if (error == 0) error = lxnet_address_add(the_stack, "eth0", "10.0.2.15/24");
  if (error == 0) error = lxnet_route_add(the_stack, "default", "10.0.2.2", "eth0");
  return error;
}
