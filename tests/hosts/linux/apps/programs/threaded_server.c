/* A server of threads: several wait in accept() on one listener and serve whom they get; the clients are threads too. At the end
 * shutdown() of the listener wakes who still waits. Fails by its status. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SERVERS = 4, CLIENTS = 8, ROUNDS = 10, BYTES = 20000 };

static int listener;
static struct sockaddr_in name;

#define MUST(condition)                                                                            \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: not so: %s: %s\n", __FILE__, __LINE__, #condition, strerror(errno)); \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

static void* serve(void* served) {
  for (;;) {
    char buffer[4096];
    ssize_t size;
    int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (connection < 0) {
      MUST(errno == EINVAL);
      return served;
    }
    (*(int*)served)++;
    while ((size = recv(connection, buffer, sizeof buffer, 0)) > 0) {
      for (ssize_t sent = 0; sent < size;) {
        ssize_t part = send(connection, buffer + sent, (size_t)(size - sent), MSG_NOSIGNAL);
        MUST(part > 0);
        sent += part;
      }
    }
    MUST(size == 0 && close(connection) == 0);
  }
}

static void* be_client(void* argument) {
  char* sent = malloc(BYTES);
  char* got = malloc(BYTES);
  for (int round = 0; round < ROUNDS; round++) {
    size_t size = 0;
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    memset(sent, 'a' + (int)((long)argument + round) % 26, BYTES);
    MUST(connect(connection, (struct sockaddr*)&name, sizeof name) == 0);
    for (size_t at = 0; at < BYTES; at += 5000) MUST(send(connection, sent + at, 5000, 0) == 5000);
    MUST(shutdown(connection, SHUT_WR) == 0);
    for (ssize_t part; (part = recv(connection, got + size, BYTES - size, 0)) > 0;) size += (size_t)part;
    MUST(size == BYTES && memcmp(sent, got, BYTES) == 0);
    close(connection);
  }
  free(sent);
  free(got);
  return NULL;
}

int main(void) {
  pthread_t servers[SERVERS], clients[CLIENTS];
  int served[SERVERS] = {0}, total = 0;
  socklen_t size = sizeof name;
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  MUST(bind(listener, (struct sockaddr*)&name, size) == 0 && listen(listener, 64) == 0);
  MUST(getsockname(listener, (struct sockaddr*)&name, &size) == 0);
  for (int i = 0; i < SERVERS; i++) MUST(pthread_create(&servers[i], NULL, serve, &served[i]) == 0);
  for (long i = 0; i < CLIENTS; i++) MUST(pthread_create(&clients[i], NULL, be_client, (void*)i) == 0);
  for (int i = 0; i < CLIENTS; i++) pthread_join(clients[i], NULL);
  MUST(shutdown(listener, SHUT_RD) == 0);
  for (int i = 0; i < SERVERS; i++) pthread_join(servers[i], NULL);
  for (int i = 0; i < SERVERS; i++) total += served[i];
  MUST(total == CLIENTS * ROUNDS);
  return 0;
}
