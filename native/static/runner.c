// SPDX-License-Identifier: Apache-2.0
// Runs one command in an unpacked root file system: in namespaces of its own, or under chroot alone. In the root that
// there is, it only becomes the user.
//
// It is a static program without a C library. The command's environment, which an image chooses, reaches it as
// data and becomes an environment only after the root was changed: nothing of it can act on this machine.
//
// Descriptor 3 gives the order: fields that end with a NUL, each a letter and a text.
//   r PATH       the root; / stays           w PATH   working directory inside
//   a TEXT       a word of the command       e TEXT   a variable, NAME=VALUE
//   u, g, s ID   user, group, further group  h NAME   host name
//   n FLAGS      clone flags of new namespaces, decimal; absent: chroot only
//   m U:G        map user U and group G to the caller: needs a user namespace
//   b FROM, t TO, o TO   bind FROM to TO inside, writable or read-only
//   R            root file system read-only  c MASK   bounding set of capabilities, decimal
//   p PID        enter the namespaces of a process instead of making new ones
//   d            make device nodes where there are none
// All targets inside exist: whoever gives the order has made them.
// Descriptor 4 tells how it goes: "P<pid>\n" for the process of the command, "F<errno> <what>\n" when it could not
// be started. It closes when the command runs.
#define _GNU_SOURCE
#include "sys/memory.h"
#include "sys/syscalls.h"
#include "sys/text.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum {
  ORDER_FD = 3,
  STATUS_FD = 4,
  ORDER_LIMIT = 8 << 20,
  LIST_LIMIT = 1 << 16,
  GROUP_LIMIT = 256,
  BIND_LIMIT = 256,
  PATH_LIMIT = 8192,
  EXIT_FAILED = 125,
  CAPABILITY_LIMIT = 64,
  MEMORY_MAJOR = 1,
};

struct bind {
  const char *from;
  const char *to;
  int readonly;
};

struct order {
  const char *root;
  const char *cwd;
  const char *hostname;
  const char *map;
  char *args[LIST_LIMIT];
  char *env[LIST_LIMIT];
  size_t arg_count;
  size_t env_count;
  uint32_t groups[GROUP_LIMIT];
  size_t group_count;
  struct bind binds[BIND_LIMIT];
  size_t bind_count;
  uint32_t uid;
  uint32_t gid;
  unsigned long namespaces;
  unsigned long capabilities;
  long enter;
  int readonly;
  int devices;
};

static struct order order;

/* The digits that a text begins with. */
static unsigned long number_of(const char *text) { return text_decimal(&text); }

/* Appends to a path or a line; what does not fit is cut off, which no path of an order comes near. */
static size_t append(char *buffer, size_t at, const char *text) {
  for (; *text && at < PATH_LIMIT - 1; text++) buffer[at++] = *text;
  buffer[at] = 0;
  return at;
}

static size_t append_number(char *buffer, size_t at, unsigned long value) {
  char digits[TEXT_DECIMAL_BYTES];
  return append(buffer, at, text_of_decimal(digits, value));
}

static void tell(const char *kind, unsigned long value, const char *what) {
  char line[PATH_LIMIT];
  size_t at = append_number(line, append(line, 0, kind), value);
  at = append(line, append(line, at, what[0] ? " " : ""), what);
  at = append(line, at, "\n");
  CALL3(write, STATUS_FD, line, at);
}

static void fail(long error, const char *what) {
  tell("F", (unsigned long)-error, what);
  CALL1(exit_group, EXIT_FAILED);
  __builtin_unreachable();
}

static void must(long result, const char *what) {
  if (result < 0) fail(result, what);
}

static char *read_order(void) {
  char *buffer = (char *)call6(SYS_mmap, 0, ORDER_LIMIT, 3, 0x22, -1, 0);
  size_t size = 0;
  if ((unsigned long)buffer > -4096UL) fail((long)buffer, "memory");
  for (;;) {
    long count = CALL3(read, ORDER_FD, buffer + size, ORDER_LIMIT - 1 - size);
    must(count, "order");
    if (count == 0) break;
    size += (size_t)count;
  }
  if (size == 0 || size >= ORDER_LIMIT - 1 || buffer[size - 1]) fail(-E2BIG, "order");
  return buffer;
}

static void add_bind(const char *to, int readonly) {
  if (order.bind_count == 0) fail(-EINVAL, "order");
  struct bind *last = &order.binds[order.bind_count - 1];
  last->to = to;
  last->readonly = readonly;
}

static void parse(char *at) {
  order.cwd = "/";
  order.capabilities = ~0UL;
  for (; *at; at += text_length(at) + 1) {
    char *text = at + 1;
    if (order.arg_count == LIST_LIMIT - 1 || order.env_count == LIST_LIMIT - 1 || order.group_count == GROUP_LIMIT ||
        order.bind_count == BIND_LIMIT)
      fail(-E2BIG, "order");
    switch (*at) {
      case 'r': order.root = text; break;
      case 'w': order.cwd = text; break;
      case 'a': order.args[order.arg_count++] = text; break;
      case 'e': order.env[order.env_count++] = text; break;
      case 'u': order.uid = (uint32_t)number_of(text); break;
      case 'g': order.gid = (uint32_t)number_of(text); break;
      case 's': order.groups[order.group_count++] = (uint32_t)number_of(text); break;
      case 'h': order.hostname = text; break;
      case 'n': order.namespaces = number_of(text); break;
      case 'm': order.map = text; break;
      case 'b': order.binds[order.bind_count++].from = text; break;
      case 't': add_bind(text, 0); break;
      case 'o': add_bind(text, 1); break;
      case 'R': order.readonly = 1; break;
      case 'c': order.capabilities = number_of(text); break;
      case 'p': order.enter = (long)number_of(text); break;
      case 'd': order.devices = 1; break;
      default: fail(-EINVAL, "order");
    }
  }
  if (!order.root || !order.arg_count) fail(-EINVAL, "order");
}

static void write_file(const char *path, const char *text) {
  long fd = CALL4(openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
  must(fd, path);
  must(CALL3(write, fd, text, text_length(text)), path);
  CALL1(close, fd);
}

/* Maps the one user and the one group that are allowed without privileges: those of the caller. */
static void map_ids(unsigned long uid, unsigned long gid) {
  char line[PATH_LIMIT];
  const char *group = order.map;
  while (*group && *group != ':') group++;
  write_file("/proc/self/setgroups", "deny");
  size_t at = append_number(line, 0, number_of(order.map));
  at = append_number(line, append(line, at, " "), uid);
  append(line, at, " 1\n");
  write_file("/proc/self/uid_map", line);
  at = append_number(line, 0, number_of(*group ? group + 1 : group));
  at = append_number(line, append(line, at, " "), gid);
  append(line, at, " 1\n");
  write_file("/proc/self/gid_map", line);
}

/* The root as it is mounted now. */
static long root_fd;

static void open_root(void) {
  root_fd = CALL4(openat, AT_FDCWD, order.root, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  must(root_fd, "root");
}

/* Names a path inside so that mount(2) finds it: the image's symlinks lead nowhere but inside. */
static const char *inside(char *buffer, const char *path) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
  long fd = CALL4(openat2, root_fd, path, &how, sizeof how);
  must(fd, path);
  append_number(buffer, append(buffer, 0, "/proc/self/fd/"), (unsigned long)fd);
  return buffer;
}

/* In a user namespace flags that are set outside must stay, and cannot be asked for: they are tried. */
static void make_readonly(const char *target, const char *name) {
  static const unsigned long KEPT[] = {0, MS_NODEV, MS_NOSUID | MS_NODEV, MS_NOSUID | MS_NODEV | MS_NOEXEC};
  unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY;
  long result = -1;
  for (size_t i = 0; result < 0 && i < sizeof KEPT / sizeof *KEPT; i++)
    result = CALL5(mount, 0, target, 0, flags | KEPT[i], 0);
  must(result, name);
}

static void bind_mount(const char *from, const char *to, int readonly) {
  char target[PATH_LIMIT];
  must(CALL5(mount, from, inside(target, to), 0, MS_BIND | MS_REC, 0), to);
  /* The path leads to what was just mounted there. */
  if (readonly) make_readonly(inside(target, to), to);
}

static const char *const DEVICES[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};

static void mount_devices(void) {
  char path[PATH_LIMIT];
  must(CALL5(mount, "tmpfs", inside(path, "/dev"), "tmpfs", MS_NOSUID, "mode=755"), "/dev");
  /* Nothing of the image is below it, so these paths can be made. */
  long dev = CALL4(openat, root_fd, "dev", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  must(dev, "/dev");
  CALL3(mkdirat, dev, "shm", 01777);
  CALL3(symlinkat, "/proc/self/fd", dev, "fd");
  CALL3(symlinkat, "/proc/self/fd/0", dev, "stdin");
  CALL3(symlinkat, "/proc/self/fd/1", dev, "stdout");
  CALL3(symlinkat, "/proc/self/fd/2", dev, "stderr");
  for (size_t i = 0; i < sizeof DEVICES / sizeof *DEVICES; i++) {
    long fd = CALL4(openat, dev, DEVICES[i] + sizeof "/dev/" - 1, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    must(fd, DEVICES[i]);
    CALL1(close, fd);
    bind_mount(DEVICES[i], DEVICES[i], 0);
  }
  must(CALL5(mount, "tmpfs", inside(path, "/dev/shm"), "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"), "/dev/shm");
}

static void mount_all(void) {
  char path[PATH_LIMIT];
  must(CALL5(mount, 0, "/", 0, MS_REC | MS_PRIVATE, 0), "private mounts");
  must(CALL5(mount, order.root, order.root, 0, MS_BIND | MS_REC, 0), "root");
  open_root();
  if (CALL5(mount, "proc", inside(path, "/proc"), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, 0) < 0)
    /* Where parts of /proc are hidden from us, a new one is refused; the one at hand will do. */
    must(CALL5(mount, "/proc", inside(path, "/proc"), 0, MS_BIND | MS_REC, 0), "/proc");
  mount_devices();
  for (size_t i = 0; i < order.bind_count; i++)
    bind_mount(order.binds[i].from, order.binds[i].to, order.binds[i].readonly);
  if (order.readonly) make_readonly(inside(path, "/"), "root");
  must(CALL1(fchdir, root_fd), "root");
  must(CALL2(pivot_root, ".", "."), "root");
  must(CALL2(umount2, ".", MNT_DETACH), "old root");
}

/* A new network namespace has a loopback that is down. */
static void loopback_up(void) {
  struct ifreq request = {.ifr_name = "lo"};
  long fd = CALL3(socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  CALL3(ioctl, fd, SIOCSIFFLAGS, &request);
  CALL1(close, fd);
}

static void make_devices(void) {
  static const unsigned MINORS[] = {3, 5, 7, 8, 9};
  CALL3(mkdirat, AT_FDCWD, "/dev", 0755);
  for (size_t i = 0; i < sizeof MINORS / sizeof *MINORS; i++)
    if (CALL4(mknodat, AT_FDCWD, DEVICES[i], S_IFCHR | 0666, MEMORY_MAJOR << 8 | MINORS[i]) == 0)
      CALL3(fchmodat, AT_FDCWD, DEVICES[i], 0666);
}

/* The ioctl of ioctl_ns(2) that opens the user namespace which owns another one. */
static const long NS_GET_USERNS = 0xb701;

static long open_namespace(const char *name) {
  char path[PATH_LIMIT];
  size_t at = append_number(path, append(path, 0, "/proc/"), (unsigned long)order.enter);
  append(path, append(path, at, "/ns/"), name);
  return CALL4(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
}

/* To enter the user namespace where we are already is invalid, and nothing that has to be done. */
static void enter_user_namespace(long fd) {
  long result = CALL2(setns, fd, 0);
  if (result != -EINVAL) must(result, "user");
}

/* The user namespace of a process may lie below the one that owns its other namespaces, which has the right to
 * enter them all: it comes first. Left outside, the command would have the rights of this machine's users. */
static void enter_namespaces(void) {
  static const char *const NAMES[] = {"ipc", "uts", "net", "pid", "mnt"};
  long fds[sizeof NAMES / sizeof *NAMES];
  long user = open_namespace("user");
  if (user != -ENOENT) must(user, "user"); /* a kernel without them */
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
    fds[i] = open_namespace(NAMES[i]);
    must(fds[i], NAMES[i]);
  }
  long owner = CALL2(ioctl, fds[0], NS_GET_USERNS);
  if (owner >= 0) enter_user_namespace(owner);
  for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) must(CALL2(setns, fds[i], 0), NAMES[i]);
  if (user >= 0) enter_user_namespace(user);
}

/* What root gains by execve. Where the bounding set is not ours to change (without CAP_SETPCAP, in a container that
 * was started with few capabilities), the command must not gain any, be it by a program of another user. */
static void limit_gains(void) {
  for (long capability = 0; capability < CAPABILITY_LIMIT; capability++) {
    long held = CALL5(prctl, PR_CAPBSET_READ, capability, 0, 0, 0);
    if (held == -EINVAL) return; /* this kernel has no more of them */
    must(held, "capabilities");
    if (!held || order.capabilities >> capability & 1) continue;
    long result = CALL5(prctl, PR_CAPBSET_DROP, capability, 0, 0, 0);
    if (result == -EPERM) {
      must(CALL5(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "capabilities");
      return;
    }
    must(result, "capabilities");
  }
}

static void become_user(void) {
  limit_gains();
  if (!order.map) must(CALL2(setgroups, order.group_count, order.groups), "groups");
  must(CALL3(setresgid, order.gid, order.gid, order.gid), "group");
  must(CALL3(setresuid, order.uid, order.uid, order.uid), "user");
  /* A user other than root has lost them; root keeps what the order allows. */
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  must(CALL2(capget, &header, data), "capabilities");
  for (int i = 0; i < 2; i++) {
    uint32_t mask = (uint32_t)(order.capabilities >> 32 * i);
    data[i].effective &= mask;
    data[i].permitted &= mask;
    data[i].inheritable = 0;
  }
  must(CALL2(capset, &header, data), "capabilities");
}

static const char *path_variable(void) {
  for (size_t i = 0; i < order.env_count; i++) {
    const char *text = order.env[i];
    if (text[0] == 'P' && text[1] == 'A' && text[2] == 'T' && text[3] == 'H' && text[4] == '=') return text + 5;
  }
  return "/usr/local/bin:/usr/bin:/bin";
}

static void execute(void) {
  const char *program = order.args[0];
  long error = -ENOENT;
  int has_slash = 0;
  for (const char *at = program; *at; at++) has_slash |= *at == '/';
  if (has_slash) error = CALL3(execve, program, order.args, order.env);
  for (const char *at = path_variable(); !has_slash && *program;) {
    char path[PATH_LIMIT];
    size_t size = 0;
    for (; *at && *at != ':'; at++)
      if (size < PATH_LIMIT / 2) path[size++] = *at;
    path[size] = 0;
    append(path, append(path, size, size ? "/" : "./"), program);
    long result = CALL3(execve, path, order.args, order.env);
    /* As execvp(3): what exists and cannot be run says more than what does not exist. */
    if (result != -ENOENT && result != -ENOTDIR) error = result;
    if (!*at++) break;
  }
  fail(error, program);
}

static int is_own_root(const char *path) { return path[0] == '/' && !path[1]; }

/* In the process of the command: everything from here to execve. */
static void run_command(unsigned long uid, unsigned long gid) {
  if (order.namespaces) {
    if (order.map) map_ids(uid, gid);
    CALL5(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    mount_all();
    if (order.namespaces & CLONE_NEWNET) loopback_up();
    if (order.hostname) CALL2(sethostname, order.hostname, text_length(order.hostname));
  } else if (!order.enter) {
    must(CALL1(chdir, order.root), "root");
    /* Not everyone who may become another user may do this. */
    if (!is_own_root(order.root)) must(CALL1(chroot, "."), "chroot");
    if (order.devices) make_devices();
  }
  must(CALL1(chdir, order.cwd), order.cwd);
  become_user();
  if (!order.namespaces) CALL5(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  execute();
}

static long fork_with(unsigned long flags) { return call6(SYS_clone, (long)(flags | SIGCHLD), 0, 0, 0, 0, 0); }

/* Waits for the command and ends as it did: a signal becomes the number that shells give it. */
static void wait_for(long pid) {
  int status = 0;
  CALL1(close, STATUS_FD);
  CALL1(close, 1);
  CALL1(close, 2);
  while (CALL4(wait4, pid, &status, 0, 0) == -EINTR) continue;
  CALL1(exit_group, (status & 0x7f) == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f));
}

__attribute__((used, noreturn)) static void start(void) {
  CALL3(fcntl, STATUS_FD, F_SETFD, FD_CLOEXEC);
  CALL3(fcntl, ORDER_FD, F_SETFD, FD_CLOEXEC);
  CALL5(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  CALL1(umask, 022);
  parse(read_order());
  unsigned long uid = (unsigned long)CALL0(geteuid);
  unsigned long gid = (unsigned long)CALL0(getegid);
  if (order.enter) enter_namespaces();
  if (order.namespaces || order.enter) {
    long pid = fork_with(order.namespaces);
    must(pid, "namespaces");
    if (pid > 0) {
      tell("P", (unsigned long)pid, "");
      wait_for(pid);
    }
  } else
    tell("P", (unsigned long)CALL0(getpid), "");
  run_command(uid, gid);
  CALL1(exit_group, EXIT_FAILED);
  __builtin_unreachable();
}

#if defined __x86_64__
__asm__(".globl _start\n_start:\n  xor %ebp, %ebp\n  and $-16, %rsp\n  call start\n");
#else
__asm__(".globl _start\n_start:\n  mov x29, #0\n  mov x30, #0\n  b start\n");
#endif
