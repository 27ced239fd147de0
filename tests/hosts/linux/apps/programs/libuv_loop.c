/* One libuv loop with all it waits for: TCP, UDP, a local pipe over which a descriptor travels, a timer, a signal, and a thread
 * that calls from outside. Needs pkg-config libuv. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum { CLIENTS = 20, SIZE = 100000, DATAGRAMS = 50, CALLS = 30 };

#define MUST(condition)                                                       \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                \
    }                                                                         \
  } while (0)
#define FINE(call) MUST((call) >= 0)

static uv_loop_t loop;
static char text[SIZE];
static int echoed, datagrams, calls, signals, ticks, passed;

static void allocate(uv_handle_t* handle, size_t suggested, uv_buf_t* buffer) {
  (void)handle;
  *buffer = uv_buf_init(malloc(suggested), (unsigned)suggested);
}
static void free_handle(uv_handle_t* handle) { free(handle); }
static void close_handle(void* handle) { uv_close(handle, free_handle); }
static void written(uv_write_t* request, int status) {
  MUST(status == 0);
  free(request->data);
  free(request);
}
/* Takes over the memory. */
static void write_to(uv_stream_t* stream, char* bytes, size_t size) {
  uv_write_t* request = malloc(sizeof *request);
  uv_buf_t buffer = uv_buf_init(bytes, (unsigned)size);
  request->data = bytes;
  FINE(uv_write(request, stream, &buffer, 1, written));
}

/* ---- TCP */

static void echo(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  if (size > 0) {
    write_to(stream, buffer->base, (size_t)size);
    return;
  }
  free(buffer->base);
  if (size == UV_EOF) close_handle(stream);
}
static void accept_tcp(uv_stream_t* listener, int status) {
  uv_tcp_t* stream = malloc(sizeof *stream);
  MUST(status == 0);
  FINE(uv_tcp_init(&loop, stream));
  FINE(uv_accept(listener, (uv_stream_t*)stream));
  FINE(uv_read_start((uv_stream_t*)stream, allocate, echo));
}
static void answered(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  size_t* received = stream->data;
  MUST(size >= 0);
  MUST(memcmp(buffer->base, text + *received, (size_t)size) == 0);
  free(buffer->base);
  *received += (size_t)size;
  if (*received < SIZE) return;
  free(received);
  echoed++;
  close_handle(stream);
}
static void connected(uv_connect_t* request, int status) {
  MUST(status == 0);
  write_to(request->handle, memcpy(malloc(SIZE), text, SIZE), SIZE);
  FINE(uv_read_start(request->handle, allocate, answered));
  free(request);
}
static void start_tcp(uv_tcp_t* listener) {
  struct sockaddr_in name;
  int size = sizeof name;
  FINE(uv_ip4_addr("127.0.0.1", 0, &name));
  FINE(uv_tcp_init(&loop, listener));
  FINE(uv_tcp_bind(listener, (struct sockaddr*)&name, 0));
  FINE(uv_listen((uv_stream_t*)listener, 64, accept_tcp));
  FINE(uv_tcp_getsockname(listener, (struct sockaddr*)&name, &size));
  for (int i = 0; i < CLIENTS; i++) {
    uv_tcp_t* stream = malloc(sizeof *stream);
    FINE(uv_tcp_init(&loop, stream));
    stream->data = calloc(1, sizeof(size_t));
    FINE(uv_tcp_connect(malloc(sizeof(uv_connect_t)), stream, (struct sockaddr*)&name, connected));
  }
}

/* ---- UDP: each answer asks for the next. */

static struct sockaddr_in udp_name;

static void sent(uv_udp_send_t* request, int status) {
  MUST(status == 0);
  free(request);
}
static void send_datagram(uv_udp_t* from) {
  uv_buf_t buffer = uv_buf_init(text, 500);
  FINE(uv_udp_send(malloc(sizeof(uv_udp_send_t)), from, &buffer, 1, (struct sockaddr*)&udp_name, sent));
}
static void got_datagram(uv_udp_t* to, ssize_t size, const uv_buf_t* buffer, const struct sockaddr* name, unsigned flags) {
  (void)flags;
  MUST(size >= 0);
  if (name != NULL) {
    MUST(size == 500 && memcmp(buffer->base, text, 500) == 0);
    if (++datagrams < DATAGRAMS) send_datagram(to->data);
  }
  free(buffer->base);
}
static void start_udp(uv_udp_t* to, uv_udp_t* from) {
  int size = sizeof udp_name;
  FINE(uv_ip4_addr("127.0.0.1", 0, &udp_name));
  FINE(uv_udp_init(&loop, to));
  FINE(uv_udp_init(&loop, from));
  FINE(uv_udp_bind(to, (struct sockaddr*)&udp_name, 0));
  FINE(uv_udp_getsockname(to, (struct sockaddr*)&udp_name, &size));
  to->data = from;
  FINE(uv_udp_recv_start(to, allocate, got_datagram));
  send_datagram(from);
}

/* ---- A TCP socket travels through a local pipe. */

static void received_handle(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  uv_pipe_t* pipe = (uv_pipe_t*)stream;
  free(buffer->base);
  if (size == UV_EOF) {
    close_handle(stream);
    return;
  }
  MUST(size == 1);
  MUST(uv_pipe_pending_count(pipe) == 1 && uv_pipe_pending_type(pipe) == UV_TCP);
  uv_tcp_t* travelled = malloc(sizeof *travelled);
  struct sockaddr_in name;
  int length = sizeof name;
  FINE(uv_tcp_init(&loop, travelled));
  FINE(uv_accept(stream, (uv_stream_t*)travelled));
  FINE(uv_tcp_getsockname(travelled, (struct sockaddr*)&name, &length));
  MUST(name.sin_port != 0);
  passed++;
  close_handle(travelled);
}
static void accept_pipe(uv_stream_t* listener, int status) {
  uv_pipe_t* pipe = malloc(sizeof *pipe);
  MUST(status == 0);
  FINE(uv_pipe_init(&loop, pipe, 1));
  FINE(uv_accept(listener, (uv_stream_t*)pipe));
  FINE(uv_read_start((uv_stream_t*)pipe, allocate, received_handle));
}
static void handle_sent(uv_write_t* request, int status) {
  MUST(status == 0);
  close_handle(request->handle);
  close_handle(request->data);
  free(request);
}
static void pipe_connected(uv_connect_t* request, int status) {
  uv_tcp_t* travels = malloc(sizeof *travels);
  uv_write_t* write = malloc(sizeof *write);
  uv_buf_t buffer = uv_buf_init(text, 1);
  struct sockaddr_in name;
  MUST(status == 0);
  FINE(uv_ip4_addr("127.0.0.1", 0, &name));
  FINE(uv_tcp_init(&loop, travels));
  FINE(uv_tcp_bind(travels, (struct sockaddr*)&name, 0));
  write->data = travels;
  FINE(uv_write2(write, request->handle, &buffer, 1, (uv_stream_t*)travels, handle_sent));
  free(request);
}
static void start_pipe(uv_pipe_t* listener) {
  uv_pipe_t* client = malloc(sizeof *client);
  FINE(uv_pipe_init(&loop, listener, 0));
  FINE(uv_pipe_bind(listener, "uv.pipe"));
  FINE(uv_listen((uv_stream_t*)listener, 5, accept_pipe));
  FINE(uv_pipe_init(&loop, client, 1));
  uv_pipe_connect(malloc(sizeof(uv_connect_t)), client, "uv.pipe", pipe_connected);
}

/* ---- the rest */

static uv_sem_t called;

static void on_call(uv_async_t* async) {
  (void)async;
  calls++;
  uv_sem_post(&called);
}
static void call_from_outside(void* async) {
  for (int i = 0; i < CALLS; i++) {
    FINE(uv_async_send(async));
    uv_sem_wait(&called);
  }
}
static void on_signal(uv_signal_t* handle, int number) {
  (void)handle;
  MUST(number == SIGUSR1);
  signals++;
}

static int is_done(void) { return echoed == CLIENTS && datagrams == DATAGRAMS && calls == CALLS && signals == 1 && passed == 1; }
static void tick(uv_timer_t* timer) {
  if (++ticks == 3) raise(SIGUSR1);
  if (ticks < 3 || !is_done()) {
    MUST(ticks < 1500);
    return;
  }
  /* Everything that lives as long as the loop. */
  uv_handle_t** handles = timer->data;
  for (int i = 0; handles[i] != NULL; i++) uv_close(handles[i], NULL);
}

int main(void) {
  uv_tcp_t tcp;
  uv_udp_t to, from;
  uv_pipe_t pipe;
  uv_timer_t timer;
  uv_signal_t signal;
  uv_async_t async;
  uv_thread_t thread;
  void* handles[] = {&tcp, &to, &from, &pipe, &timer, &signal, &async, NULL};
  for (int i = 0; i < SIZE; i++) text[i] = (char)(i * 7 + i / 256);
  FINE(uv_loop_init(&loop));
  start_tcp(&tcp);
  start_udp(&to, &from);
  start_pipe(&pipe);
  FINE(uv_timer_init(&loop, &timer));
  timer.data = handles;
  FINE(uv_timer_start(&timer, tick, 10, 10));
  FINE(uv_signal_init(&loop, &signal));
  FINE(uv_signal_start(&signal, on_signal, SIGUSR1));
  FINE(uv_async_init(&loop, &async, on_call));
  FINE(uv_sem_init(&called, 0));
  FINE(uv_thread_create(&thread, call_from_outside, &async));
  MUST(uv_run(&loop, UV_RUN_DEFAULT) == 0);
  FINE(uv_thread_join(&thread));
  MUST(is_done());
  FINE(uv_loop_close(&loop));
  return 0;
}
