// SPDX-License-Identifier: Apache-2.0
// Stands in front of the C library's functions of these names, in every program that the tracer is loaded into. What
// they do and return is untouched.
#define _GNU_SOURCE
#include "connections.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "next_symbol.h"

#define SHOWN __attribute__((visibility("default")))

enum { MAX_NOTES = 32, TEXT_BYTES = 512, PENDING = 64 };

/* The headers declare them in another way in each C library. */
SHOWN int watched_connect(int, const struct sockaddr *, socklen_t) __asm__("connect");
SHOWN int watched_getsockopt(int, int, int, void *, socklen_t *) __asm__("getsockopt");
SHOWN int watched_getaddrinfo(const char *, const char *, const void *, void *) __asm__("getaddrinfo");

typedef int (*connect_function)(int, const struct sockaddr *, socklen_t);
typedef int (*getsockopt_function)(int, int, int, void *, socklen_t *);
typedef int (*getaddrinfo_function)(const char *, const char *, const void *, void *);

static struct {
  const char *directory; /* NULL: nothing is noted */
  char notes[MAX_NOTES][TEXT_BYTES];
  size_t count;
  struct {
    int fd;
    struct sockaddr_storage address;
  } pending[PENDING]; /* connections whose end is asked for later, by descriptor */
} watch;

void connections_watch(const char *directory) { watch.directory = directory; }

static connect_function stock_connect(void) { return (connect_function)next_symbol("connect"); }

static getsockopt_function stock_getsockopt(void) {
  static getsockopt_function found;
  if (!found) found = (getsockopt_function)next_symbol("getsockopt");
  return found;
}

static void note(const char *what, const char *name) {
  char text[TEXT_BYTES], path[TEXT_BYTES];
  int length = snprintf(text, sizeof text, "%s %s\n", what, name);
  if (length <= 0 || (size_t)length >= sizeof text || watch.count >= MAX_NOTES) return;
  for (size_t i = 0; i < watch.count; i++) {
    if (strcmp(watch.notes[i], text) == 0) return;
  }
  memcpy(watch.notes[watch.count++], text, (size_t)length + 1);
  snprintf(path, sizeof path, "%s/%d.unreached", watch.directory, (int)getpid());
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return;
  ssize_t ignored = write(fd, text, (size_t)length); /* the run goes on without the note */
  (void)ignored;
  close(fd);
}

static const char *reason_for(int error) {
  if (error == ECONNREFUSED) return "refused";
  return error == ENETUNREACH || error == EHOSTUNREACH || error == ETIMEDOUT ? "unreachable" : NULL;
}

static void note_address(const struct sockaddr *address, const char *what) {
  char host[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 16];
  const struct sockaddr_in *v4 = (const void *)address;
  const struct sockaddr_in6 *v6 = (const void *)address;
  bool is_v6 = address->sa_family == AF_INET6;
  if (!inet_ntop(address->sa_family, is_v6 ? (const void *)&v6->sin6_addr : &v4->sin_addr, host, sizeof host)) return;
  uint16_t port = is_v6 ? v6->sin6_port : v4->sin_port;
  snprintf(text, sizeof text, is_v6 ? "[%s]:%d" : "%s:%d", host, (uint16_t)(port << 8 | port >> 8));
  note(what, text);
}

/* Programs "connect" datagram sockets to learn an address of their own. */
static bool is_stream(int fd) {
  int type = 0;
  socklen_t bytes = sizeof type;
  getsockopt_function ask = stock_getsockopt();
  return ask && ask(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) == 0 && type == SOCK_STREAM;
}

int watched_connect(int fd, const struct sockaddr *address, socklen_t bytes) {
  static connect_function stock;
  if (!stock) stock = stock_connect();
  int result = stock(fd, address, bytes), error = errno;
  bool is_internet =
      bytes >= sizeof(struct sockaddr_in) && bytes <= sizeof(struct sockaddr_storage) &&
      (address->sa_family == AF_INET || (address->sa_family == AF_INET6 && bytes >= sizeof(struct sockaddr_in6)));
  if (result == 0 || !watch.directory || !is_internet || !is_stream(fd)) {
    errno = error;
    return result;
  }
  const char *reason = reason_for(error);
  if (reason) note_address(address, reason);
  if (error == EINPROGRESS && fd >= 0) {
    watch.pending[fd % PENDING].fd = fd;
    memcpy(&watch.pending[fd % PENDING].address, address, bytes);
  }
  errno = error;
  return result;
}

int watched_getsockopt(int fd, int level, int option, void *value, socklen_t *bytes) {
  int result = stock_getsockopt()(fd, level, option, value, bytes);
  if (result != 0 || level != SOL_SOCKET || option != SO_ERROR || !watch.directory || fd < 0) return result;
  int error;
  memcpy(&error, value, sizeof error);
  const char *reason = reason_for(error);
  if (reason && watch.pending[fd % PENDING].fd == fd) {
    int kept = errno;
    note_address((const struct sockaddr *)&watch.pending[fd % PENDING].address, reason);
    errno = kept;
  }
  return result;
}

int watched_getaddrinfo(const char *host, const char *service, const void *hints, void *result) {
  static getaddrinfo_function stock;
  if (!stock) stock = (getaddrinfo_function)next_symbol("getaddrinfo");
  int answer = stock(host, service, hints, result);
  int error = errno;
  bool is_name = host && !(hints && (((const struct addrinfo *)hints)->ai_flags & AI_NUMERICHOST));
  if (watch.directory && is_name && (answer == EAI_AGAIN || answer == EAI_NONAME)) note("unknown", host);
  errno = error;
  return answer;
}
