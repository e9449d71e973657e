# SPDX-License-Identifier: Apache-2.0
# Descriptors that imports leave open: of devices that have no state, which give random bytes or nothing. They are closed before the
# freeze, and opened again with the module, where the kernel gives the number that the module remembers: the lowest that is free,
# as it would have given it to the import. What is read from them is seen by watch.c.

# By path: the device, and the modes of access in which it keeps nothing that is written to it.
DEVICES_WITHOUT_STATE = {
    '/dev/null': (posix.makedev(1, 3), (posix.O_RDONLY, posix.O_WRONLY, posix.O_RDWR)),
    '/dev/random': (posix.makedev(1, 8), (posix.O_RDONLY,)),
    '/dev/urandom': (posix.makedev(1, 9), (posix.O_RDONLY,)),
}
ACCESS_MODES = posix.O_RDONLY | posix.O_WRONLY | posix.O_RDWR
# As /proc tells it on all processors of 64 bits: files may be large.
FLAGS_OF_ANY = 0o100000 | posix.O_CLOEXEC | posix.O_NONBLOCK | posix.O_APPEND


class Descriptors:
    def __init__(self):
        self.known = open_descriptors()

    def take(self):
        """Those that were opened since the last call and can be opened again: (path, flags, number), ...; and the paths of all others."""
        before, self.known = self.known, open_descriptors()
        opened, others = [], []
        for number in sorted(before.keys() | self.known.keys()):
            was, path = before.get(number), self.known.get(number)
            if was == path:
                continue
            flags = None if was is not None else flags_without_state(number, path)
            if flags is None:
                others += [one for one in (was, path) if one is not None]
            else:
                opened.append((path, flags, number))
        return opened, others


def open_descriptors():
    """By number, what it is of."""
    found = {}
    for name in posix.listdir('/proc/self/fd'):
        try:
            found[int(name)] = posix.readlink('/proc/self/fd/' + name)
        except FileNotFoundError:
            # That of the listing itself.
            pass
    return found


def flags_without_state(number, path):
    """The flags of a descriptor of such a device; None: it is none."""
    if path not in DEVICES_WITHOUT_STATE or not is_descriptor_of(number, path):
        return None
    with io.open('/proc/self/fdinfo/%d' % number) as lines:
        flags = next(int(line.split()[1], 8) for line in lines if line.startswith('flags:'))
    access = flags & ACCESS_MODES
    is_known = access in DEVICES_WITHOUT_STATE[path][1] and not flags & ~ACCESS_MODES & ~FLAGS_OF_ANY
    return flags if is_known else None


# ---- where a module is put in place ----

# Numbers: what the walk has opened, until its modules are put in place; whatever is left is given up.
held_descriptors = []


def is_descriptor_of(number, path):
    """Whether it is of that device, whatever else may have the path."""
    status = posix.fstat(number)
    return status.st_mode & KINDS_OF_FILES == CHARACTER_DEVICE and status.st_rdev == DEVICES_WITHOUT_STATE[path][0]


def is_opened_again(path, flags, number):
    try:
        own = posix.open(path, flags)
    except OSError:
        return False
    held_descriptors.append(own)
    return own == number and is_descriptor_of(own, path)


def keep_open(flags, number):
    held_descriptors.remove(number)
    posix.set_inheritable(number, not flags & posix.O_CLOEXEC)


def close_held():
    while held_descriptors:
        posix.close(held_descriptors.pop())
