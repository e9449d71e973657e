# SPDX-License-Identifier: Apache-2.0
# The certificates of TLS contexts that are made anew (effects.py): a template keeps what contexts that are made in the same way have
# loaded, and the process' own get that, as long as the files are what they were.

# By module: what its contexts load when they are made, in order: (file, its facts, the address of what was loaded, or 0).
_certificates = {}


def facts_of_file(path):
    """As of what a module reads (runtime/warm/check.c)."""
    try:
        status = posix.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mode >> 12, status.st_size, int(status.st_mtime)


def keep_authorities(name, module, variables):
    """:param variables: the names of those that the module has as a condition"""
    import _ssl

    loads = []

    def note(context, path):
        loads.append((context, path))
        return False

    file_variable, file, directory_variable, _ = _ssl.get_default_verify_paths()
    is_known = {file_variable, directory_variable} <= variables
    try:
        loading(lambda: CONTEXTS[name](module), note)
    except Exception:
        return
    contexts = [id(context) for context, _ in loads]
    kept = []
    for context, path in loads:
        if path is None and is_known:
            path = os.environ.get(file_variable, file)
        facts = None if path is None else facts_of_file(path)
        kept.append((path, facts, take_store(context) if facts and contexts.count(id(context)) == 1 else 0))
    _certificates[name] = kept


def make_contexts(name, module):
    loads = _certificates.pop(name, [])

    def note(context, path):
        if not loads:
            return False
        file, facts, store = loads.pop(0)
        if not store or path not in (None, file) or facts_of_file(file) != facts:
            return False
        return give_store(context, store)

    return loading(lambda: CONTEXTS[name](module), note)


def check_contexts(recorder, name):
    """
    The TLS contexts that a module has made are its alone, and the library that has drawn for them sees by the number of the
    process that it is in another one.
    """
    namespace, own = namespace_of(recorder.modules[name]), of_recorder(recorder)
    for attribute in CONTEXT_ATTRIBUTES[name]:
        value = namespace.get(attribute)
        others = [one for one in recorder.referrers(value) if one is not namespace and id(one) not in own and type(one) is not FRAME]
        if value is not None and (NAME_OF_TYPE(type(value)) != 'SSLContext' or others):
            recorder.faults.setdefault(name, []).append(('ENTROPY', attribute))
    asked = {library for reason, library in recorder.renewed.get(name, ()) if reason == 'PID'}
    for reason, library in recorder.renewed.get(name, ()):
        if not library.startswith(SEES_FORKS) or library not in asked or not any(map(namespace.get, CONTEXT_ATTRIBUTES[name])):
            recorder.faults.setdefault(name, []).append((reason, library))


# OpenSSL's, whose generator of random numbers is seeded anew in another process.
SEES_FORKS = 'libcrypto.so.'
