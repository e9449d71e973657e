# SPDX-License-Identifier: Apache-2.0
# Whether everything can be imported anew, as the runtime does with what it cannot serve: tried in a child.


def try_anew(recorder, record):
    """
    Whether all that was imported can be imported anew, as it must be where it is ready and cannot be served:
    (name, why) of the modules with which it cannot; else a text, why that is not known. It is tried in a child.
    """
    reader, writer = posix.pipe()
    child = posix.fork()
    if child == 0:
        try:
            result = import_anew(recorder, record)
        except BaseException as error:
            result = '%s: %s' % (type(error).__name__, error)
        posix.write(writer, json_of(result).encode('utf-8', 'replace'))
        posix._exit(0)
    posix.close(writer)
    parts = []
    while part := posix.read(reader, 65536):
        parts.append(part)
    posix.close(reader)
    status = posix.waitpid(child, 0)[1]
    return value_of(b''.join(parts).decode()) if parts else 'the process ended with status %d' % status


def import_anew(recorder, record):
    """Does what the runtime does with what it cannot serve, with everything; then imports it."""
    recorder.idle, recorder.watching = True, False
    sys.modules = recorder.modules
    recorder.faults.clear()
    before = {name: recorder.modules[name] for name in loaded(recorder)}
    build(recorder, record)
    extensions = [
        (before[about['name']], about['kind'] == 'extension')
        for about in record['modules']
        if about['kind'] in ('extension', 'builtin')
    ]
    load_anew([one for name in before for one in recorder.libraries.get(name, ())], extensions)
    recorder.process.flushed()
    recorder.written = [posix.lseek(fd, 0, 2) for fd in (1, 2)]
    for name in record['asked']:
        try:
            __import__(name)
        except BaseException:
            pass
    failed = [(name, 'it wrote something' if error is None else str(error)) for error, name in recorder.anew if name in before]
    stale = [one for one in before.values() if not any(one is other for other in recorder.base.values())]
    return failed or [(name, '') for name in before if any(recorder.modules.get(name) is one for one in (None, *stale))]
