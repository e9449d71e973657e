// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "children.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "../static/sys/syscalls.h"
#include "shared.h"
#include "surroundings.h"

/* One after the other: what each of many short-lived children imports is the same. */
#define MAX_CHILDREN 4
/* Looked at in one go; whoever sends more waits, and nobody waits for that. */
#define MAX_MESSAGES 16

/* What the kernel adds to a message: who has sent it, as it knows it, and a descriptor. */
union control {
  struct cmsghdr head;
  uint8_t bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))];
};

struct message {
  int pid;        /* 0: unknown */
  int descriptor; /* -1: none */
};

static void read_control(const union control *control, size_t length, struct message *message) {
  for (size_t at = 0; at + sizeof(struct cmsghdr) <= length;) {
    struct cmsghdr head;
    memcpy(&head, control->bytes + at, sizeof head);
    const uint8_t *data = control->bytes + at + CMSG_LEN(0);
    if (head.cmsg_len < CMSG_LEN(0) || head.cmsg_len > length - at) return;
    if (head.cmsg_level == SOL_SOCKET && head.cmsg_type == SCM_CREDENTIALS &&
        head.cmsg_len == CMSG_LEN(sizeof(struct ucred))) {
      struct ucred sender;
      memcpy(&sender, data, sizeof sender);
      message->pid = sender.pid;
    } else if (head.cmsg_level == SOL_SOCKET && head.cmsg_type == SCM_RIGHTS &&
               head.cmsg_len == CMSG_LEN(sizeof(int))) {
      memcpy(&message->descriptor, data, sizeof message->descriptor);
    }
    at += CMSG_ALIGN(head.cmsg_len);
  }
}

/* False when there is none. */
static bool receive(int from, struct message *message) {
  union control control = {.bytes = {0}};
  char byte;
  struct iovec content = {&byte, 1};
  struct msghdr head = {
      .msg_iov = &content, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  *message = (struct message){0, -1};
  if (CALL3(recvmsg, from, &head, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0) return false;
  read_control(&control, head.msg_controllen, message);
  return true;
}

/* The memory behind a descriptor, if it is such as cannot become smaller. */
static struct learn_shared *map_lane(int descriptor) {
  struct stat status;
  const long shrink = F_SEAL_SHRINK;
  if (descriptor < 0 || (CALL2(fcntl, descriptor, F_GET_SEALS) & shrink) == 0 ||
      CALL4(newfstatat, descriptor, "", &status, AT_EMPTY_PATH) != 0 ||
      (uint64_t)status.st_size != LEARN_SHARED_BYTES) {
    return NULL;
  }
  return learn_map(descriptor);
}

static void leave(struct learn_shared *lane, int descriptor) {
  atomic_store(&lane->state, LEARN_NOT_TAKEN);
  CALL2(munmap, lane, LEARN_SHARED_BYTES);
  CALL1(close, descriptor);
}

/* A process that has ended and whose number another one may have got by now. */
static bool has_ended(int descriptor) {
  struct pollfd process = {.fd = descriptor, .events = POLLIN};
  const struct timespec none = {0, 0};
  return CALL5(ppoll, &process, 1, &none, NULL, 0) != 0;
}

/* Copies first and looks afterwards: what a process writes when it has given up rights is not in the copy. */
static void take(struct learn_children *children) {
  uint64_t length = atomic_load_explicit(&children->lane->length, memory_order_acquire);
  if (length <= children->seen || length > LEARN_LOG_BYTES) return;
  size_t bytes = (size_t)(length - children->seen);
  if (bytes > LEARN_LOG_BYTES - children->bytes) return;
  memcpy(children->taken + children->bytes, children->lane->log + children->seen, bytes);
  if (!same_rights(children->pid) || has_ended(children->descriptor)) return;
  children->bytes += bytes;
  children->seen = length;
}

static void begin(struct learn_children *children, const struct message *message) {
  struct learn_shared *lane = map_lane(message->descriptor);
  if (!lane) return;
  long process = message->pid > 0 ? CALL2(pidfd_open, message->pid, 0) : -1;
  if (!children->taken) children->taken = malloc(LEARN_LOG_BYTES);
  if (process < 0 || !children->taken || children->lane || children->count == MAX_CHILDREN ||
      !same_rights(message->pid)) {
    leave(lane, (int)process);
    return;
  }
  children->lane = lane;
  children->pid = message->pid;
  children->descriptor = (int)process;
  children->seen = 0;
  children->count++;
}

void children_look(struct learn_children *children, const struct learn_task *task) {
  struct message message;
  if (children->lane) take(children);
  if (children->lane && has_ended(children->descriptor)) children_end(children);
  for (int i = 0; i < MAX_MESSAGES && receive(task->pipe, &message); i++) {
    begin(children, &message);
    if (message.descriptor >= 0) CALL1(close, message.descriptor);
  }
  if (children->lane) take(children);
}

void children_end(struct learn_children *children) {
  if (!children->lane) return;
  leave(children->lane, children->descriptor);
  children->lane = NULL;
}
