// SPDX-License-Identifier: Apache-2.0
// Looks at a service from inside its container: whether a port is listened on, and what an
// HTTP request gets. A static program without a C library, because the image may have no
// shell, no client, and another C library; nothing of it stays behind.
//
//   pycds-probe port PORT MS                       waits up to MS milliseconds
//   pycds-probe http METHOD PORT PATH MS [BODY]    prints the status line
//
// Exit codes: 0 yes (http: an answer came, whatever its status), 1 nobody listens, 2 no answer, 3 usage.
#include <stdbool.h>

#include "sys/memory.h"
#include "sys/syscalls.h"
#include "sys/text.h"

enum { AT_CWD = -100, INTERNET = 2, INTERNET6 = 10, STREAM = 1, POLL_IN = 1, POLL_OUT = 4, NON_BLOCKING = 04000 };
enum { YES = 0, NOBODY = 1, NO_ANSWER = 2, USAGE = 3 };
enum { PROC_BYTES = 1 << 16, ADDRESS_BYTES = 16, POLL_NANOSECONDS = 50 * 1000 * 1000, E_IN_PROGRESS = 115 };

struct timespec64 {
  int64_t seconds, nanoseconds;
};

struct listener {
  int family; /* 0: nobody listens */
  uint8_t address[ADDRESS_BYTES];
};

struct socket_address {
  uint16_t family;
  uint8_t port[2];
  uint8_t rest[24];
};

/* Decimal digits only, ten at most; -1 for anything else. */
static long number(const char *text) {
  const char *end = text;
  uint64_t value = text_decimal(&end);
  return end == text || *end || end - text > 10 ? -1 : (long)value;
}

static int64_t now_ms(void) {
  struct timespec64 time = {0, 0};
  CALL2(clock_gettime, 1, &time);
  return time.seconds * 1000 + time.nanoseconds / 1000000;
}

static void pause_a_little(void) {
  struct timespec64 time = {0, POLL_NANOSECONDS};
  CALL2(nanosleep, &time, 0);
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* "0100007F:1F90 00000000:0000 0A ...": words of the address in the machine's byte order, port, peer, state. */
static bool read_line(const char *line, const char *end, long port, int family, struct listener *found) {
  const char *at = line;
  while (at < end && *at != ':') at++; /* the number of the line */
  at += 2;
  size_t bytes = family == INTERNET ? 4 : ADDRESS_BYTES;
  uint8_t address[ADDRESS_BYTES];
  if (end - at < (long)(2 * bytes + 5 + 1 + 2 * bytes + 5 + 1 + 2)) return false;
  for (size_t i = 0; i < bytes; i++, at += 2) {
    address[i / 4 * 4 + (3 - i % 4)] = (uint8_t)(hex_digit(at[0]) * 16 + hex_digit(at[1]));
  }
  long local = 0;
  for (at++; hex_digit(*at) >= 0; at++) local = local * 16 + hex_digit(*at);
  at += 1 + 2 * bytes + 5 + 1;
  if (local != port || at[0] != '0' || at[1] != 'A') return false;
  found->family = family;
  memcpy(found->address, address, sizeof address);
  return true;
}

static bool search(const char *path, long port, int family, struct listener *found) {
  static char text[PROC_BYTES];
  long fd = CALL4(openat, AT_CWD, path, 0, 0);
  if (fd < 0) return false;
  size_t used = 0;
  for (;;) {
    long got = CALL3(read, fd, text + used, sizeof text - used);
    if (got <= 0) break;
    used += (size_t)got;
    size_t start = 0;
    for (size_t i = 0; i < used; i++) {
      if (text[i] != '\n') continue;
      if (read_line(text + start, text + i, port, family, found)) {
        CALL1(close, fd);
        return true;
      }
      start = i + 1;
    }
    used -= start;
    for (size_t i = 0; i < used; i++) text[i] = text[start + i];
  }
  CALL1(close, fd);
  return false;
}

/* Looking does not disturb the service, which a connection would. */
static struct listener find_listener(long port) {
  struct listener found = {.family = 0};
  if (!search("/proc/net/tcp", port, INTERNET, &found)) search("/proc/net/tcp6", port, INTERNET6, &found);
  return found;
}

static struct listener wait_for_listener(long port, int64_t deadline) {
  struct listener found = find_listener(port);
  while (found.family == 0 && now_ms() < deadline) {
    pause_a_little();
    found = find_listener(port);
  }
  return found;
}

static bool wait_for(long fd, int16_t events, int64_t deadline) {
  struct {
    int32_t fd;
    int16_t events, revents;
  } one = {(int32_t)fd, events, 0};
  int64_t left = deadline - now_ms();
  if (left <= 0) return false;
  struct timespec64 time = {left / 1000, left % 1000 * 1000000};
  return CALL5(ppoll, &one, 1, &time, 0, 0) == 1;
}

static long dial(struct listener listener, long port, int64_t deadline) {
  struct socket_address address = {.family = (uint16_t)listener.family};
  address.port[0] = (uint8_t)(port >> 8);
  address.port[1] = (uint8_t)port;
  bool any = true;
  size_t bytes = listener.family == INTERNET ? 4 : ADDRESS_BYTES;
  for (size_t i = 0; i < bytes; i++) any = any && listener.address[i] == 0;
  uint8_t *to = address.rest + (listener.family == INTERNET ? 0 : 4);
  memcpy(to, listener.address, bytes);
  /* Whoever listens on every address also does on the loopback one. */
  if (any && listener.family == INTERNET) to[0] = 127;
  if (any) to[bytes - 1] = 1;
  long fd = CALL3(socket, listener.family, STREAM | NON_BLOCKING, 0);
  if (fd < 0) return -1;
  long result = CALL3(connect, fd, &address, listener.family == INTERNET ? 16 : 28);
  if (result == 0 || (result == -E_IN_PROGRESS && wait_for(fd, POLL_OUT, deadline))) return fd;
  CALL1(close, fd);
  return -1;
}

static bool send_text(long fd, const char *text, int64_t deadline) {
  size_t left = text_length(text);
  while (left > 0) {
    if (!wait_for(fd, POLL_OUT, deadline)) return false;
    long sent = CALL3(write, fd, text, left);
    if (sent <= 0) return false;
    text += sent;
    left -= (size_t)sent;
  }
  return true;
}

/* Reads to the end, so that the service is not disturbed while it answers; keeps the status line. */
static int read_answer(long fd, int64_t deadline) {
  char line[256], chunk[4096];
  size_t used = 0;
  while (wait_for(fd, POLL_IN, deadline)) {
    long got = CALL3(read, fd, chunk, sizeof chunk);
    if (got <= 0) break;
    for (long i = 0; i < got && used < sizeof line - 1; i++) line[used++] = chunk[i];
  }
  size_t end = 0;
  while (end < used && line[end] != '\r' && line[end] != '\n') end++;
  line[end] = 0;
  if (end < 12 || line[0] != 'H' || line[1] != 'T' || line[2] != 'T' || line[3] != 'P' || line[4] != '/')
    return NO_ANSWER;
  line[end++] = '\n';
  CALL3(write, 1, line, end);
  return YES;
}

static int request(const char *method, long port, const char *path, const char *body, int64_t deadline) {
  struct listener listener = find_listener(port);
  if (listener.family == 0) return NOBODY;
  long fd = dial(listener, port, deadline);
  if (fd < 0) return NO_ANSWER;
  char digits[TEXT_DECIMAL_BYTES];
  const char *parts[] = {method,
                         " ",
                         path,
                         " HTTP/1.1\r\nHost: localhost:",
                         text_of_decimal(digits, (uint64_t)port),
                         "\r\nUser-Agent: pycds-image\r\nAccept: */*\r\nConnection: close\r\n"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    if (!send_text(fd, parts[i], deadline)) return NO_ANSWER;
  }
  if (body) {
    const char *type = *body == '{' || *body == '[' ? "application/json" : "application/x-www-form-urlencoded";
    const char *more[] = {"Content-Type: ", type, "\r\nContent-Length: ", text_of_decimal(digits, text_length(body)),
                          "\r\n"};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
      if (!send_text(fd, more[i], deadline)) return NO_ANSWER;
    }
  }
  if (!send_text(fd, "\r\n", deadline) || (body && !send_text(fd, body, deadline))) return NO_ANSWER;
  return read_answer(fd, deadline);
}

static int run(long count, char **words) {
  if (count == 4 && text_is(words[1], "port")) {
    long port = number(words[2]), ms = number(words[3]);
    if (port < 0 || ms < 0) return USAGE;
    return wait_for_listener(port, now_ms() + ms).family == 0 ? NOBODY : YES;
  }
  if ((count == 6 || count == 7) && text_is(words[1], "http")) {
    long port = number(words[3]), ms = number(words[5]);
    if (port < 0 || ms < 0) return USAGE;
    return request(words[2], port, words[4], count == 7 ? words[6] : NULL, now_ms() + ms);
  }
  return USAGE;
}

__attribute__((noreturn, used)) void probe_main(long *stack) {
  CALL1(exit_group, run(stack[0], (char **)(stack + 1)));
  for (;;) {
  }
}

/* The stack of a new process: argc, then argv. */
#if defined __x86_64__
__asm__(".globl _start\n_start:\n  xor %ebp, %ebp\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call probe_main\n");
#else
__asm__(".globl _start\n_start:\n  mov x29, #0\n  mov x0, sp\n  bl probe_main\n");
#endif
