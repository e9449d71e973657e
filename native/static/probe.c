// SPDX-License-Identifier: Apache-2.0
// Looks at a service from inside its container: whether a port is listened on, whether a
// connection is accepted, what an HTTP request gets, and how long its processes have
// computed. A static program without a C library, because the image may have no shell, no
// client, and another C library; nothing of it stays behind.
//
//   pycds-probe port PORT MS                       waits up to MS milliseconds
//   pycds-probe accept PORT MS                     the same until a program accepts a connection; nothing is asked
//   pycds-probe http METHOD PORT PATH MS [BODY]    prints the status line
//   pycds-probe cpu                                prints the processor time that all processes but its own have had or
//                                                  waited for, in ticks
//
// Exit codes: 0 yes (http: an answer came, whatever its status), 1 nobody listens, 2 no answer, not accepted, 3 usage.
#include <stdbool.h>

#include "sys/memory.h"
#include "sys/syscalls.h"
#include "sys/text.h"

enum { AT_CWD = -100, INTERNET = 2, INTERNET6 = 10, STREAM = 1, POLL_IN = 1, POLL_OUT = 4, NON_BLOCKING = 04000 };
enum { YES = 0, NOBODY = 1, NO_ANSWER = 2, USAGE = 3 };
enum { PROC_BYTES = 1 << 16, ADDRESS_BYTES = 16, POLL_NANOSECONDS = 50 * 1000 * 1000, E_IN_PROGRESS = 115 };
enum { E_AGAIN = 11, DEFERRED_MS = 500, UNSEEN_MS = 1000 };
enum { STATE_SYN_RECEIVED = 3, STATE_LISTEN = 10 }; /* of TCP, as /proc/net/tcp counts them */

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

/* A line of /proc/net/tcp, as far as it is asked for. */
struct connection {
  int family;
  uint8_t address[ADDRESS_BYTES]; /* the local one */
  long port, peer_port;
  long state;
  uint64_t inode; /* 0: no program has it yet */
};

static long hex_number(const char **at) {
  long value = 0;
  for (; hex_digit(**at) >= 0; (*at)++) value = value * 16 + hex_digit(**at);
  return value;
}

/* Moves behind the blanks and the words that are not looked at. */
static void skip_words(const char **at, const char *end, int count) {
  for (;;) {
    while (*at < end && **at == ' ') (*at)++;
    if (count-- == 0) return;
    while (*at < end && **at != ' ') (*at)++;
  }
}

/* "0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711 ...": words of the address in the
 * machine's byte order, port, peer, state, queues, timer, retransmissions, user, timeout, inode. */
static bool read_line(const char *line, const char *end, int family, struct connection *found) {
  const char *at = line;
  while (at < end && *at != ':') at++; /* the number of the line */
  at += 2;
  size_t bytes = family == INTERNET ? 4 : ADDRESS_BYTES;
  if (end - at < (long)(2 * bytes + 5 + 1 + 2 * bytes + 5 + 1 + 2)) return false;
  for (size_t i = 0; i < bytes; i++, at += 2) {
    found->address[i / 4 * 4 + (3 - i % 4)] = (uint8_t)(hex_digit(at[0]) * 16 + hex_digit(at[1]));
  }
  found->family = family;
  at++;
  found->port = hex_number(&at);
  at += 1 + 2 * bytes + 1;
  found->peer_port = hex_number(&at);
  at++;
  found->state = hex_number(&at);
  skip_words(&at, end, 5);
  found->inode = text_decimal(&at);
  return true;
}

/* What is looked for: who listens on a port, or, with a peer, the service's end of a connection to it. */
struct wanted {
  long port, peer_port; /* 0: who listens */
};

static bool is_wanted(const struct connection *one, struct wanted wanted) {
  if (one->port != wanted.port) return false;
  return wanted.peer_port == 0 ? one->state == STATE_LISTEN
                               : one->peer_port == wanted.peer_port && one->state != STATE_LISTEN;
}

static bool search(const char *path, int family, struct wanted wanted, struct connection *found) {
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
      if (read_line(text + start, text + i, family, found) && is_wanted(found, wanted)) {
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

/* Whether there is one; a service that listens on IPv6 has its connections from IPv4 there, too. */
static bool find_connection(struct wanted wanted, struct connection *found) {
  return search("/proc/net/tcp", INTERNET, wanted, found) || search("/proc/net/tcp6", INTERNET6, wanted, found);
}

/* Looking does not disturb the service, which a connection would. */
static struct listener find_listener(long port) {
  struct listener found = {.family = 0};
  struct connection listening;
  if (!find_connection((struct wanted){port, 0}, &listening)) return found;
  found.family = listening.family;
  memcpy(found.address, listening.address, sizeof found.address);
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

static long dial_address(struct listener listener, long port, int64_t deadline) {
  struct socket_address address = {.family = (uint16_t)listener.family};
  address.port[0] = (uint8_t)(port >> 8);
  address.port[1] = (uint8_t)port;
  bool is_old = listener.family == INTERNET;
  memcpy(address.rest + (is_old ? 0 : 4), listener.address, is_old ? 4 : ADDRESS_BYTES);
  long fd = CALL3(socket, listener.family, STREAM | NON_BLOCKING, 0);
  if (fd < 0) return -1;
  long result = CALL3(connect, fd, &address, is_old ? 16 : 28);
  if (result == 0 || (result == -E_IN_PROGRESS && wait_for(fd, POLL_OUT, deadline))) return fd;
  CALL1(close, fd);
  return -1;
}

/* Whoever listens on every address also does on the loopback one; on every one of IPv6, mostly on that of IPv4 too, which
 * a container without IPv6 alone has. */
static long dial(struct listener listener, long port, int64_t deadline) {
  bool is_old = listener.family == INTERNET, any = true;
  size_t bytes = is_old ? 4 : ADDRESS_BYTES;
  for (size_t i = 0; i < bytes; i++) any = any && listener.address[i] == 0;
  if (!any) return dial_address(listener, port, deadline);
  if (is_old) listener.address[0] = 127;
  listener.address[bytes - 1] = 1;
  long fd = dial_address(listener, port, deadline);
  if (fd >= 0 || is_old) return fd;
  listener.address[10] = listener.address[11] = 0xff; /* ::ffff:127.0.0.1 */
  listener.address[12] = 127;
  return dial_address(listener, port, deadline);
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

/* The client's port of a connection. */
static long own_port(long fd) {
  struct socket_address address;
  uint32_t bytes = sizeof address;
  return CALL3(getsockname, fd, &address, &bytes) == 0 ? address.port[0] * 256 + address.port[1] : -1;
}

/* The kernel completes a connection long before a program takes it, which it does with workers that are still
 * importing. Until then the service's end of it is nobody's file. Sends nothing: what a service does with a request is
 * not for a look to find out. */
static int wait_until_accepted(long fd, long port, int64_t deadline) {
  int64_t began = now_ms();
  bool is_roused = false;
  for (;;) {
    char answer[64];
    long got = CALL3(read, fd, answer, sizeof answer);
    if (got >= 0) return YES; /* it speaks first, or has taken the connection and closed it */
    if (got != -E_AGAIN) return NO_ANSWER;
    int64_t waited = now_ms() - began;
    struct connection other;
    if (!find_connection((struct wanted){port, own_port(fd)}, &other)) {
      if (waited > UNSEEN_MS) return YES; /* nothing can be seen here: the port is all there is to go by */
    } else if (other.inode != 0) {
      return YES;
    } else if (other.state == STATE_SYN_RECEIVED && waited > DEFERRED_MS && !is_roused) {
      /* Given to the program (TCP_DEFER_ACCEPT) with the first bytes; an empty line is one that HTTP skips. */
      is_roused = true;
      CALL3(write, fd, "\r\n", 2);
    }
    if (now_ms() >= deadline) return NO_ANSWER;
    pause_a_little();
  }
}

static int accepts(long port, int64_t deadline) {
  struct listener listener = wait_for_listener(port, deadline);
  if (listener.family == 0) return NOBODY;
  long fd = dial(listener, port, deadline);
  if (fd < 0) return NO_ANSWER;
  int answer = wait_until_accepted(fd, port, deadline);
  CALL1(close, fd);
  return answer;
}

/* Reads /proc/PID/`name`; gives how much of it there is. */
static long read_of_process(const char *pid, const char *name, char *text, size_t size) {
  char path[64];
  const char *parts[] = {"/proc/", pid, "/", name};
  size_t used = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    for (const char *at = parts[i]; *at && used < sizeof path - 1; at++) path[used++] = *at;
  }
  path[used] = 0;
  long fd = CALL4(openat, AT_CWD, path, 0, 0);
  if (fd < 0) return 0;
  long got = CALL3(read, fd, text, size);
  CALL1(close, fd);
  return got > 0 ? got : 0;
}

/* Of /proc/PID/stat: user and system time, in ticks; the name, in parentheses, may hold anything. */
static uint64_t ticks_of(const char *pid) {
  char text[1024];
  const char *end = text + read_of_process(pid, "stat", text, sizeof text), *at = end;
  while (at > text && *at != ')') at--;
  enum { STATE_TO_USER_TIME = 12 };
  skip_words(&at, end, STATE_TO_USER_TIME);
  uint64_t user = text_decimal(&at);
  skip_words(&at, end, 0);
  return at < end ? user + text_decimal(&at) : 0;
}

/* Of /proc/PID/schedstat: for how long its first thread has waited for a processor, in ticks. On a busy machine a
 * process that computes may get little of one. 0 where the kernel does not count it. */
static uint64_t ticks_waited(const char *pid) {
  char text[128];
  const char *end = text + read_of_process(pid, "schedstat", text, sizeof text), *at = text;
  enum { NANOSECONDS_PER_TICK = 10 * 1000 * 1000 };
  skip_words(&at, end, 1);
  return at < end ? text_decimal(&at) / NANOSECONDS_PER_TICK : 0;
}

struct directory_entry {
  uint64_t inode, offset;
  uint16_t bytes;
  uint8_t type;
  char name[];
};

static int print_processor_time(void) {
  static char entries[PROC_BYTES] __attribute__((aligned(8)));
  long fd = CALL4(openat, AT_CWD, "/proc", 0, 0), self = CALL0(getpid), got;
  if (fd < 0) return NO_ANSWER;
  uint64_t ticks = 0;
  while ((got = CALL3(getdents64, fd, entries, sizeof entries)) > 0) {
    for (long at = 0; at < got;) {
      const struct directory_entry *entry = (const void *)(entries + at);
      at += entry->bytes;
      long pid = number(entry->name);
      if (pid > 0 && pid != self) ticks += ticks_of(entry->name) + ticks_waited(entry->name);
    }
  }
  CALL1(close, fd);
  char digits[TEXT_DECIMAL_BYTES];
  const char *text = text_of_decimal(digits, ticks);
  CALL3(write, 1, text, text_length(text));
  return YES;
}

static int run(long count, char **words) {
  if (count == 2 && text_is(words[1], "cpu")) return print_processor_time();
  if (count == 4 && text_is(words[1], "accept")) {
    long port = number(words[2]), ms = number(words[3]);
    if (port < 0 || ms < 0) return USAGE;
    return accepts(port, now_ms() + ms);
  }
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
