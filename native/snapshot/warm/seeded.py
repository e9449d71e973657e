# SPDX-License-Identifier: Apache-2.0
# A library whose generator of random numbers sees by a page that it is in another process: the kernel wipes that in children, and so
# it is in each process of a snapshot. What the import has drawn for the generator is not used there, since it draws anew before
# it gives anything. Of such a module it is known that it draws for nothing else; all the rest is looked at.

# By extension module: the device that it keeps open to draw from. s2n compares what is open there with what it has opened.
SEES_CHILDREN = {'_awscrt': '/dev/urandom'}
# What a library would draw by otherwise, or give others its generator by.
DRAWS_OTHERWISE = b'getrandom', b'getentropy', b'syscall', b'RAND_set_rand_method', b'RAND_set_rand_engine', b'ENGINE_set_default'
# By module: (the descriptor, where its library keeps the numbers of the device's file).
_devices = {}


def numbers_of_file(number):
    status = posix.fstat(number)
    return status.st_dev.to_bytes(8, sys.byteorder) + status.st_ino.to_bytes(8, sys.byteorder)


def wiped_pages():
    """The addresses of mappings that are zeros in a child."""
    found, start = [], 0
    for line in read_whole('/proc/self/smaps').splitlines():
        first = line.split(None, 1)[0]
        if b'-' in first:
            start = int(first.split(b'-')[0], 16)
        elif first == b'VmFlags:' and b'wf' in line.split():
            found.append(start)
    return found


def device_of_seeds(recorder, name):
    """(descriptor, address) of a module of SEES_CHILDREN; raises ValueError where it is not as it is known."""
    path = attributes_of(recorder.modules[name]).get('__file__')
    strings = read_whole(path) if type(path) is str else b''
    descriptors = [event[3][1] for event in recorder.events.get(name, ()) if event[:3] == ('effect', 'descriptor', SEES_CHILDREN[name])]
    if len(descriptors) != 1 or any(b'\0%s\0' % one in strings for one in DRAWS_OTHERWISE):
        raise ValueError('it draws otherwise')
    maps = recorder.libraries.get(name, ())
    pages = [one for page in wiped_pages() for one in places_in(maps, page.to_bytes(8, sys.byteorder))]
    files = places_in(maps, numbers_of_file(descriptors[0]))
    if len(pages) != 1 or len(files) != 1:
        raise ValueError('it sees no child')
    return descriptors[0], files[0]


def places_in(maps, value):
    return [address for one in maps for address in places_of(one, value)]


def check_seeds(recorder, name):
    try:
        device_of_seeds(recorder, name)
        is_known = True
    except (ValueError, OSError):
        is_known = False
    own = str(attributes_of(recorder.modules[name]).get('__file__')).rpartition('/')[2]
    for reason, library in recorder.renewed.get(name, ()):
        if not is_known or library != own:
            recorder.faults.setdefault(name, []).append((reason, library))


def keep_device(recorder, name):
    if not recorder.idle:
        _devices[name] = device_of_seeds(recorder, name)


# ---- in each process ----


def renew_device(module):
    number, address = _devices[module.__name__]
    write_at(address, numbers_of_file(number))
