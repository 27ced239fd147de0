/* An echo server and its clients on one libevent loop, with a timer and a signal beside them. The argument is the way it polls;
 * its own check is that the loop really chose that. Needs pkg-config libevent. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 20, SIZE = 100000, TICKS = 5 };

#define MUST(condition)                                                                            \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: not so: %s: %s\n", __FILE__, __LINE__, #condition, strerror(errno)); \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

struct client {
  struct bufferevent* stream;
  size_t received;
};

static struct event_base* base;
static struct client clients[CLIENTS];
static char text[SIZE];
static int finished, closed, ticks, signals;

static void end_if_done(void) {
  if (finished == CLIENTS && closed == CLIENTS && ticks >= TICKS && signals == 1) event_base_loopbreak(base);
}

static void echo(struct bufferevent* stream, void* unused) {
  (void)unused;
  bufferevent_write_buffer(stream, bufferevent_get_input(stream));
}
static void end_of_echo(struct bufferevent* stream, short what, void* unused) {
  (void)unused;
  MUST((what & BEV_EVENT_EOF) != 0);
  bufferevent_free(stream);
  closed++;
  end_if_done();
}
static void accepted(struct evconnlistener* listener, evutil_socket_t fd, struct sockaddr* name, int size, void* unused) {
  struct bufferevent* stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
  (void)listener, (void)name, (void)size, (void)unused;
  MUST(stream != NULL);
  bufferevent_setcb(stream, echo, NULL, end_of_echo, NULL);
  bufferevent_enable(stream, EV_READ | EV_WRITE);
}

static void answered(struct bufferevent* stream, void* given) {
  struct client* client = given;
  static char buffer[SIZE];
  size_t size = bufferevent_read(stream, buffer, sizeof buffer);
  MUST(client->received + size <= SIZE);
  MUST(memcmp(buffer, text + client->received, size) == 0);
  client->received += size;
  if (client->received < SIZE) return;
  bufferevent_free(stream);
  finished++;
  end_if_done();
}
static void client_event(struct bufferevent* stream, short what, void* given) {
  (void)given;
  MUST((what & BEV_EVENT_CONNECTED) != 0);
  MUST(bufferevent_write(stream, text, SIZE) == 0);
}

static void tick(evutil_socket_t fd, short what, void* unused) {
  (void)fd, (void)what, (void)unused;
  if (++ticks == 2) raise(SIGUSR1);
  end_if_done();
}
static void signalled(evutil_socket_t fd, short what, void* unused) {
  (void)fd, (void)what, (void)unused;
  signals++;
  end_if_done();
}

int main(int count, char** arguments) {
  const char* wanted = count > 1 ? arguments[1] : "epoll";
  struct event_config* config = event_config_new();
  const char* methods[] = {"epoll", "poll", "select"};
  for (int i = 0; i < 3; i++) {
    if (strncmp(wanted, methods[i], strlen(methods[i])) != 0) event_config_avoid_method(config, methods[i]);
  }
  if (strcmp(wanted, "epoll-changelist") == 0) event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
  base = event_base_new_with_config(config);
  MUST(base != NULL);
  MUST(strncmp(event_base_get_method(base), wanted, 4) == 0);
  for (int i = 0; i < SIZE; i++) text[i] = (char)(i * 7 + i / 256);

  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct evconnlistener* listener =
      evconnlistener_new_bind(base, accepted, NULL, LEV_OPT_CLOSE_ON_FREE, 64, (struct sockaddr*)&name, sizeof name);
  MUST(listener != NULL);
  socklen_t size = sizeof name;
  MUST(getsockname(evconnlistener_get_fd(listener), (struct sockaddr*)&name, &size) == 0);
  for (int i = 0; i < CLIENTS; i++) {
    clients[i].stream = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(clients[i].stream, answered, NULL, client_event, &clients[i]);
    bufferevent_enable(clients[i].stream, EV_READ | EV_WRITE);
    MUST(bufferevent_socket_connect(clients[i].stream, (struct sockaddr*)&name, sizeof name) == 0);
  }
  struct timeval interval = {0, 10000}, limit = {15, 0};
  struct event* timer = event_new(base, -1, EV_PERSIST, tick, NULL);
  struct event* signal = evsignal_new(base, SIGUSR1, signalled, NULL);
  MUST(event_add(timer, &interval) == 0 && event_add(signal, NULL) == 0);
  event_base_loopexit(base, &limit);
  MUST(event_base_dispatch(base) == 0);
  MUST(finished == CLIENTS && closed == CLIENTS && ticks >= TICKS && signals == 1);
  event_free(timer), event_free(signal), evconnlistener_free(listener), event_base_free(base), event_config_free(config);
  return 0;
}
