// SPDX-License-Identifier: Apache-2.0
// The memory for the records is not there before the child asks for it: what a child inherits it can still write to when
// it has given up its rights, as the workers of some servers do.
#define _GNU_SOURCE
#include "child.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "../../format/hash.h"
#include "../../learn/shared.h"
#include "../../learn/surroundings.h"
#include "../../static/sys/syscalls.h"

static struct {
  int socket;
  dev_t device;
  ino_t inode;
  uint64_t rights; /* of the process that learns, as a number; 0: unknown */
} way;

void child_allow(int socket) {
  struct stat status;
  if (CALL4(newfstatat, socket, "", &status, AT_EMPTY_PATH) != 0 || !S_ISSOCK(status.st_mode)) return;
  way.socket = socket;
  way.device = status.st_dev;
  way.inode = status.st_ino;
  way.rights = own_rights();
}

/* The program may have closed the descriptor, and opened something of its own in its place. */
static bool is_still_there(void) {
  struct stat status;
  return CALL4(newfstatat, way.socket, "", &status, AT_EMPTY_PATH) == 0 && S_ISSOCK(status.st_mode) &&
         status.st_dev == way.device && status.st_ino == way.inode;
}

static bool hand_over(int descriptor) {
  char byte = 0;
  struct iovec content = {&byte, 1};
  union {
    struct cmsghdr head;
    uint8_t bytes[CMSG_SPACE(sizeof(int))];
  } control = {.bytes = {0}};
  control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  memcpy(control.bytes + CMSG_LEN(0), &descriptor, sizeof descriptor);
  const struct msghdr message = {
      .msg_iov = &content, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  return CALL3(sendmsg, way.socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

struct learn_shared *child_begin(void) {
  /* Of other rights, or with another filter, which may end a process for a call that it does not know. */
  if (way.rights == 0 || own_rights() != way.rights || !may_be_so_large(LEARN_SHARED_BYTES) || !is_still_there())
    return NULL;
  if (room_of_addresses() < LEARN_ROOM_BYTES + (int64_t)LEARN_SHARED_BYTES) return NULL;
  long descriptor = CALL2(memfd_create, "pycds-learn", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (descriptor < 0) return NULL;
  const long seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  bool ready =
      CALL2(ftruncate, descriptor, LEARN_SHARED_BYTES) == 0 && CALL3(fcntl, descriptor, F_ADD_SEALS, seals) == 0;
  struct learn_shared *at = ready ? learn_map((int)descriptor) : NULL;
  bool sent = at && CALL3(madvise, at, LEARN_SHARED_BYTES, MADV_DONTFORK) == 0 && hand_over((int)descriptor);
  CALL1(close, descriptor);
  if (at && !sent) CALL2(munmap, at, LEARN_SHARED_BYTES);
  return sent ? at : NULL;
}
