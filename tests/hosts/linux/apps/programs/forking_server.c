/* A server of the old kind: a process per connection, reaped in a SIGCHLD handler while accept() is blocked. Its clients are
 * processes too. Fails by its status. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLIENTS = 12, ROUNDS = 5 };

static volatile sig_atomic_t reaped, failed;

#define MUST(condition)                                                                            \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: not so: %s: %s\n", __FILE__, __LINE__, #condition, strerror(errno)); \
      _exit(1);                                                                                    \
    }                                                                                              \
  } while (0)

static void reap(int signal) {
  int status, saved = errno;
  (void)signal;
  while (waitpid(-1, &status, WNOHANG) > 0) {
    reaped++;
    if (status != 0) failed = 1;
  }
  errno = saved;
}

static void serve(int connection) {
  char buffer[1000];
  for (;;) {
    ssize_t size = read(connection, buffer, sizeof buffer);
    MUST(size >= 0);
    if (size == 0) _exit(0);
    for (ssize_t i = 0; i < size; i++) buffer[i] = (char)toupper((unsigned char)buffer[i]);
    MUST(write(connection, buffer, (size_t)size) == size);
  }
}

static void be_client(const struct sockaddr_in* server, int number) {
  for (int round = 0; round < ROUNDS; round++) {
    char text[100], got[100] = {0};
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    MUST(connect(connection, (const struct sockaddr*)server, sizeof *server) == 0);
    FILE* stream = fdopen(connection, "r+");
    MUST(stream != NULL);
    for (int line = 0; line < 4; line++) {
      snprintf(text, sizeof text, "CLIENT %d ROUND %d LINE %d\n", number, round, line);
      MUST(dprintf(connection, "client %d round %d line %d\n", number, round, line) > 0);
      MUST(fgets(got, sizeof got, stream) != NULL && strcmp(got, text) == 0);
    }
    fclose(stream);
  }
  _exit(0);
}

int main(int count, char** arguments) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof name;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  /* With any argument without SA_RESTART: accept() then fails with EINTR. */
  struct sigaction action = {.sa_handler = reap, .sa_flags = count > 1 ? 0 : SA_RESTART};
  int interrupted = 0;
  (void)arguments;
  MUST(bind(listener, (struct sockaddr*)&name, size) == 0 && listen(listener, 5) == 0);
  MUST(getsockname(listener, (struct sockaddr*)&name, &size) == 0);
  sigaction(SIGCHLD, &action, NULL);
  for (int i = 0; i < CLIENTS; i++) {
    if (fork() == 0) be_client(&name, i);
  }
  for (int served = 0; served < CLIENTS * ROUNDS;) {
    int connection = accept(listener, NULL, NULL);
    if (connection < 0) {
      MUST(errno == EINTR && count > 1);
      interrupted++;
      continue;
    }
    served++;
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
      close(listener);
      serve(connection);
    }
    close(connection);
  }
  while (reaped < CLIENTS + CLIENTS * ROUNDS && !failed) usleep(1000);
  if (count > 1) printf("%s\n", interrupted > 0 ? "interrupted" : "never interrupted");
  return failed ? 2 : 0;
}
