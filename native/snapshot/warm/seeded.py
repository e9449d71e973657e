# SPDX-License-Identifier: Apache-2.0
# A library whose generator of random numbers sees by a page that it is in another process: the kernel wipes that in children, and so
# it is in each process of a snapshot. What the import has drawn for the generator is not used there, since it draws anew before
# it gives anything. Of such a module it is known that it draws for nothing else; all the rest is looked at.

# By extension module: the device that it keeps open to draw from. s2n compares what is open there with what it has opened, but for
# older ones, which do not ask for that.
SEES_CHILDREN = {'_awscrt': '/dev/urandom'}
# What a library would draw by otherwise.
DRAWS_OTHERWISE = b'getrandom', b'getentropy', b'syscall'
# By which it may give OpenSSL its generator for that of all: what is found again and taken away (engine.c).
GIVES_ENGINE = 'ENGINE_set_default'
# By module: (the descriptor, where its library keeps the numbers of the device's file or 0, its engine or 0).
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
    """As _devices has it, of a module of SEES_CHILDREN; raises ValueError where it is not as it is known."""
    path = attributes_of(recorder.modules[name]).get('__file__')
    strings = read_whole(path) if type(path) is str else b''
    descriptors = [event[3][1] for event in recorder.events.get(name, ()) if event[:3] == ('effect', 'descriptor', SEES_CHILDREN[name])]
    if len(descriptors) != 1 or any(b'\0%s\0' % one in strings for one in DRAWS_OTHERWISE):
        raise ValueError('it draws otherwise')
    maps = recorder.libraries.get(name, ())
    pages = [one for page in wiped_pages() for one in places_in(maps, page.to_bytes(8, sys.byteorder))]
    files = places_in(maps, numbers_of_file(descriptors[0]))
    if len(pages) != 1:
        raise ValueError('it sees no child')
    if len(files) > 1 or (not files and (name, file_name(path)) in recorder.numbered):
        raise ValueError('it keeps somewhere else which file the device is')
    engine = engine_of(path)
    if engine is None:
        raise ValueError('OpenSSL has an engine that is not its own')
    return descriptors[0], files[0] if files else 0, engine


def file_name(path):
    return str(path).rpartition('/')[2]


def places_in(maps, value):
    return [address for one in maps for address in places_of(one, value)]


def check_seeds(recorder, name):
    try:
        engine = device_of_seeds(recorder, name)[2]
        is_known = True
    except (ValueError, OSError):
        is_known = False
    own = file_name(attributes_of(recorder.modules[name]).get('__file__'))
    for reason, by in sorted(recorder.renewed.get(name, ())):
        if not is_known or by != (own if reason == 'ENTROPY' else GIVES_ENGINE if engine else None):
            recorder.faults.setdefault(name, []).append((reason, by))


def keep_device(recorder, name):
    device = device_of_seeds(recorder, name)
    # Nobody is given random numbers by it before its module is there; and it may be made anew.
    take_engine(device[2])
    if not recorder.idle:
        _devices[name] = device


# ---- in each process ----


def renew_device(module):
    number, address, engine = _devices[module.__name__]
    if address:
        write_at(address, numbers_of_file(number))
    give_engine(engine)
