# SPDX-License-Identifier: Apache-2.0
# Describes the modules of a template. In one that is watched: as a record, for whoever chooses the modules (JSON). In one
# that is frozen: as the table that the runtime serves modules from (shadow.h), with what the record knows of them.
import io

def kind_of(spec):
    import _frozen_importlib as bootstrap
    import _frozen_importlib_external as external

    loader = getattr(spec, 'loader', None)
    if loader is bootstrap.BuiltinImporter:
        return 'builtin'
    if loader is bootstrap.FrozenImporter:
        return 'frozen'
    if type(loader) is external.SourceFileLoader:
        return 'source'
    if type(loader) is external.ExtensionFileLoader:
        return 'extension'
    return 'namespace' if type(loader) is external.NamespaceLoader else 'other' if loader is not None else None


def describe(name, module):
    """What is needed to find a module again; raises ValueError where it cannot be said."""
    # Its own: of one that is not loaded until it is used (importlib.util.LazyLoader) nothing may be asked.
    spec = namespace_of(module).get('__spec__')
    # Some put another object in the place of their own.
    return describe_spec(name, spec if getattr(spec, 'name', None) == name else find_spec(name))


def find_spec(name):
    import _frozen_importlib as bootstrap

    parent = sys.modules.get(name.rpartition('.')[0])
    return bootstrap._find_spec(name, search_path_of(parent))


def describe_failed(name):
    """The same for one whose import has failed, and will again."""
    about = describe_spec(name, find_spec(name))
    if about['kind'] not in ('source', 'extension'):
        raise ValueError('LOADER')
    return dict(about, kind='failed')


def suffixes():
    import _imp

    return [*_imp.extension_suffixes(), '.py', '.pyc']


def describe_spec(name, spec):
    kind = kind_of(spec)
    if kind is None or spec.name != name:
        raise ValueError('LOADER')
    origin = spec.origin
    if kind == 'namespace':
        origin = list(spec.submodule_search_locations)[0]
    # Some modules say that they are packages, to have modules of their own making.
    package = kind in ('source', 'extension') and origin.rpartition('/')[2].startswith('__init__.')
    about = {'name': name, 'kind': kind, 'package': package, 'origin': '', 'entry': '', 'bytes': 0, 'mtime': 0}
    if kind in ('builtin', 'frozen', 'other'):
        return about
    directory = origin.rpartition('/')[0]
    entry = directory.rpartition('/')[0] if package else directory
    parent = sys.modules.get(name.rpartition('.')[0])
    search = sys.path if '.' not in name else search_path_of(parent) or ()
    if entry not in list(search) or (package and type(spec.submodule_search_locations) is not list):
        raise ValueError('PLACE')
    if kind == 'namespace':
        # Of one directory: whatever else there is on the way may add to it, so shadow.c looks there.
        places = [one for one in search if '.' in name or one == entry]
        if places != [entry] or list(spec.submodule_search_locations) != [origin]:
            raise ValueError('PLACE')
        about.update(origin=origin, entry=entry)
        return about
    status = posix.stat(origin)
    about.update(origin=origin, entry=entry, bytes=status.st_size, mtime=int(status.st_mtime))
    return about


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
    recorder.flushed()
    recorder.written = [posix.lseek(fd, 0, 2) for fd in (1, 2)]
    for name in record['asked']:
        try:
            __import__(name)
        except BaseException:
            pass
    failed = [(name, 'it wrote something' if error is None else str(error)) for error, name in recorder.anew if name in before]
    stale = [one for one in before.values() if not any(one is other for other in recorder.base.values())]
    return failed or [(name, '') for name in before if any(recorder.modules.get(name) is one for one in (None, *stale))]


def inherit(recorder):
    """What a library has read is a matter of all modules that use it, whichever was the first to load it."""
    owner = {library: name for name, all in recorder.libraries.items() for library in all}
    for name, own in list(recorder.libraries.items()):
        seen, work = set(own), list(own)
        while work:
            for other in needed(work.pop()):
                if other not in seen and other in owner:
                    seen.add(other)
                    work.append(other)
        for first in {owner[library] for library in seen} - {name, ''}:
            recorder.files.setdefault(name, set()).update(recorder.files.get(first, ()))
            # The interpreter may have done it for any.
            for (by, library), read in recorder.read_by.items():
                if by == first and (library in seen or library not in owner):
                    recorder.reads.setdefault(name, set()).update(read)
            for event in recorder.events.get(first, ()):
                if event[0] == 'pool' and event not in recorder.events.setdefault(name, []):
                    recorder.events[name].append(event)


def replaced_of(recorder):
    """
    Functions and specs that imports have put in the place of others, for blame.ts: (by, place, modules that have got hold of
    the original before, or used it, modules that have the other one, or used it); an empty name: something else than a
    namespace has it.
    """
    owners = {id(namespace): owner for namespace, (owner, _) in zip(recorder.namespaces, recorder.owners)}
    # What the recorder itself remembers.
    own = {id(recorder.rebound), *map(id, recorder.rebound.values())}
    own.update(id(payload) for _, payload, _ in recorder.replaced.values())
    own.update(map(id, recorder.fills.functions.values()))
    own.update(id(fill.payload) for fill in recorder.fills.by_place.values())
    own |= of_recorder(recorder)

    def holders_of(value):
        return [other for other in recorder.referrers(value) if type(other) is not FRAME]

    def hidden(value):
        """How many references to it nobody is seen to hold."""
        return sys.getrefcount(value) - sum(one is value for one in recorder.referents(*holders_of(value)))

    def names_with(values, is_hidden, users, but):
        names = {owners.get(id(other), '') for one in values for other in holders_of(one) if id(other) not in own}
        return sorted({*names, *users, *([''] if is_hidden else [])} - but)

    def most_hidden(parts):
        return max(hidden(one) for one in parts)

    # Those of a call and of a variable.
    fewest = most_hidden([lambda: None])
    found = []
    for place, (by, payload, users) in recorder.replaced.items():
        if place in SIZES_OF_CACHES:
            continue
        originals, functions = with_function(payload[0]), with_function(payload[1])
        cells = (functions[-1].__closure__ or ()) if type(functions[-1]) is FUNCTION else ()
        # A static method has its function, and what stands in the place of another may have kept that for itself.
        own.update(map(id, (originals, functions, cells, *originals, *functions, *cells)))
        have_original = names_with(originals, most_hidden(originals) > fewest, users, {by, place[0]})
        its_users = recorder.users_of(payload[1])
        have_function = names_with(functions, most_hidden(functions) > fewest, its_users, {by, place[0]})
        found.append([by, place_text(place), have_original, have_function])
    return found


def of_recorder(recorder):
    """Addresses of what it remembers namespaces by."""
    return {id(one) for _, values, containers, _, contents in recorder.looks.values() for one in (values, containers, contents, *contents)}


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
def expect_replaced(replaced, modules, base):
    """
    Whoever has got hold of an original, or of what was put in its place, without being there before or behind that each time,
    has it as a condition to get the same, and is taken from the lists.
    """
    entries = {about['name']: about for about in modules}
    owners = owners_of(entries)
    closures = {}

    def needs(one, other):
        if one not in closures:
            closures[one] = closure(one, entries, owners)
        return other in closures[one]

    for by, place, have_original, have_function in replaced:
        before = [name for name in have_original if name in entries and not needs(by, name)]
        behind = [name for name in have_function if name in entries and not needs(name, by) and name not in have_original]
        for names, is_original in ((before, True), (behind, False)):
            for name in names:
                if entries[name]['kind'] != 'set':
                    entries[name]['events'].insert(0, ['uses', place, is_original])
        is_open = lambda name: name not in base and (name not in entries or entries[name]['kind'] == 'set')
        have_original[:] = [name for name in have_original if is_open(name) or needs(by, name)]
        have_function[:] = [name for name in have_function if is_open(name) or name in base or needs(name, by)]


def with_function(value):
    """A function or a spec; of a static method its function is behind it."""
    return [value, value.__func__] if type(value) is staticmethod else [value]


FRAME = type(sys._getframe())
# In the place of a number of bytes: shadow.c.
OF_NULL_DEVICE = -2


def loaded(recorder):
    return [name for name in recorder.modules if name not in recorder.base and name not in recorder.shared]


def record_of(recorder):
    """All that was seen, as what JSON can say."""
    recorder.inside = True
    recorder.fills.leave()
    recorder.program.leave()
    leave_levels(recorder)
    recorder.located.blame()
    recorder.name_classes()
    recorder.name_warnings()
    called = executed()
    counters = recorder.counts.settle_readers(called)
    kept = settle_readers_of_kept(recorder, called)
    settle_readers_of_gifts(recorder, called)
    settle_readers_of_streams(recorder, called)
    settle_kept_functions(recorder)
    names = loaded(recorder)
    drop_modules_lacking(recorder)
    settle_logged(recorder)
    settle_bases(recorder)
    settle_askers_for_threads(recorder)
    modules = []
    replaced = replaced_of(recorder)
    own_reads = {name: set(read) for name, read in recorder.reads.items()}
    for name in filter(CONTEXTS.__contains__, names):
        check_contexts(recorder, name)
    for name in filter(SEES_CHILDREN.__contains__, names):
        check_seeds(recorder, name)
    named = {**dict.fromkeys(recorder.locals.known, '_attr_name'), **dict.fromkeys(recorder.parsers.known, 'prog')}
    values = Values(recorder.generators, named, recorder.all_objects(), recorder.fills.homes())
    inherit(recorder)
    recorder.leave_globals()
    # What variables were is in no record and in no snapshot.
    key = int.from_bytes(os.urandom(7), 'little')
    for name in recorder.locals.used():
        recorder.faults.setdefault(name, []).append(('ENTROPY', 'random'))
    for name in names:
        recorder.stack.append(name)
        if name in recorder.rewritten:
            recorder.fault('VARIABLES')
        # The end of a process destroys what the program's own module has, where nothing that is frozen holds that.
        if any(value is recorder.base['__main__'] for value in namespace_of(recorder.modules[name]).values()):
            recorder.fault('MAIN')
        for library in recorder.libraries.get(name, ()):
            reason = refuses(library)
            if reason is not None:
                recorder.fault('ONCE', reason)
        put_in = any(('set', name) in events for events in recorder.events.values())
        about = {'name': name, 'kind': 'set'}
        if not put_in:
            try:
                about = describe(name, recorder.modules[name])
            except (ValueError, OSError, AttributeError) as error:
                recorder.fault('LOADER', str(error))
        recorder.stack.pop()
        if about['kind'] == 'namespace':
            others = recorder.files.setdefault(name, set())
            others.update(about['origin'] + suffix for suffix in suffixes())
            others.update(about['origin'] + '/__init__' + suffix for suffix in suffixes())
        variables, events = {}, recorder.events.setdefault(name, [])
        for variable in sorted(recorder.reads.get(name, ())):
            # Who has asked the C library, and who Python, is not known.
            if recorder.of_c.get(variable, name) != name:
                recorder.faults.setdefault(name, []).append(('VARIABLES', variable))
                continue
            if variable in recorder.readers:
                if name not in recorder.readers[variable]:
                    # What a library has read before that is not known.
                    if variable not in own_reads.get(name, ()):
                        recorder.faults.setdefault(name, []).append(('VARIABLES', variable))
                    continue
                events.insert(0, ('sees', variable, False))
            value = None if variable in recorder.readers else dict.get(os.environ._data, os.fsencode(variable))
            variables[variable] = None if value is None else _imp.source_hash(key, value).hex()
        files = []
        for path in sorted(recorder.files.get(name, set()) | files_of_code(called.get(name, ()), about)):
            try:
                status = posix.stat(path)
                files.append([path, OF_NULL_DEVICE, 0] if is_null_device(path) else [path, status.st_size, int(status.st_mtime)])
            except OSError:
                files.append([path, -1, 0])
        found, orderless = values.digests_of(name, namespace_of(recorder.modules[name]))
        put = [event[2:] for event in events if event[:2] in (('effect', 'variable'), ('effect', 'c_variable'))]
        if put:
            found['os.environ'], orderless['os.environ'] = values.digests_of_value(put)
        # Whoever has added lines is to blame for them.
        lines = [event[3] for event in events if event[:3] == ('effect', 'dict', LINES)]
        if lines:
            found['.'.join(LINES)], orderless['.'.join(LINES)] = values.digests_of_value(lines)
        about.update(
            events=[event_of(event) for event in events],
            variables=variables,
            files=files,
            faults=[list(fault) for fault in recorder.faults.get(name, ())],
            values=found,
            orderless=orderless,
            held=recorder.held.get(name, []),
            renewed=[*(RENEWALS[name][1] if name in RENEWALS else ()), *recorder.drawn_names.renewed(namespace_of(recorder.modules[name]))],
            milliseconds=round(1000 * recorder.costs.get(name, 0.0), 3),
        )
        modules.append(about)
    expect_replaced(replaced, modules, recorder.base)
    recorder.fills.expect(modules)
    record = {
        'version': 1,
        'key': str(key),
        'asked': [event[1] for event in recorder.events[''] if event[0] == 'ask'],
        'base': list(recorder.base),
        'modules': modules,
        'faults': [list(fault) for fault in recorder.faults.get('', ())],
        'failed': list(recorder.failed.values()),
        'replaced': replaced,
        'shared': list(recorder.shared),
        'changes': [list(change) for change in recorder.changes],
        'counters': list(map(list, counters)),
        'kept': list(map(list, kept)),
        'early': recorder.fills.early_ones(),
        'moved': recorder.fills.all_moved(),
    }
    # What is going to be left out need not be loaded anew.
    faults = [fault for all in recorder.faults.values() for fault in all]
    fit = all(reason in EXCUSED for reason, _ in faults)
    return dict(record, anew=try_anew(recorder, record) if fit else None)


def settle_bases(recorder):
    """Nobody is seen to derive a class from other ones than at first."""
    for address, (name, bases) in recorder.bases.items():
        one = recorder.classes[address]
        if BASES(one) != bases:
            recorder.faults.setdefault(name, []).append(('CHANGED', name_of_class(one) + '.__bases__'))


def drop_modules_lacking(recorder):
    """Modules of packages, which come by importing them."""
    for events in recorder.events.values():
        events[:] = [event for event in events if event[:2] != ('finds', 'lacks') or event[2].replace('\n', '.') not in recorder.modules]


def files_of_code(codes, about):
    """Files of code that a module's import has run besides its own, by a loader that it has asked itself."""
    files = {code.co_filename for code in codes if code.co_name == '<module>'}
    return {path for path in files if path.startswith('/') and path not in (about.get('origin'), PROGRAM)}


def event_of(event):
    if event[0] != 'effect':
        return list(event)
    return ['effect', event[1], place_text(event[2]), size_of(event)]


def place_text(place):
    return place if isinstance(place, str) else '.'.join(place)


def size_of(event):
    _, what, _, payload = event
    if what == 'finalizers':
        return len(payload[2])
    return len(payload[0]) + len(payload[1]) if what == 'list' else len(payload) if what in ('dict', 'set', 'loggers', 'seed', 'parsers') else 1


def json_of(value):
    if value is None or value is True or value is False:
        return {None: 'null', True: 'true', False: 'false'}[value]
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        characters = []
        for character in value:
            code = ord(character)
            if character in '"\\':
                characters.append('\\' + character)
            elif 32 <= code < 127:
                characters.append(character)
            elif code < 0x10000:
                characters.append('\\u%04x' % code)
            else:
                code -= 0x10000
                characters.append('\\u%04x\\u%04x' % (0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF)))
        return '"%s"' % ''.join(characters)
    if isinstance(value, dict):
        return '{%s}' % ', '.join('%s: %s' % (json_of(k), json_of(v)) for k, v in value.items())
    return '[%s]' % ', '.join(map(json_of, value))


def value_of(text):
    return eval(text, {'null': None, 'true': True, 'false': False, '__builtins__': {}})


def read_record(path):
    with io.open(path, encoding='utf-8') as file:
        return value_of(file.read())


def write_record(path, record):
    """
    What modules hold goes into a file of its own, beside the record: a template that is frozen has no use for it, and
    texts that an interpreter reads may stay in it for ever.
    """
    held = {about['name']: [about.pop('values'), about.pop('orderless'), about.pop('held')] for about in record['modules']}
    for name, document in ((path, record), (path + '.values', held)):
        with io.open(name, 'w', encoding='utf-8') as file:
            file.write(json_of(document) + '\n')


# ---- the table ----

# Of a module that has only asked: blame.ts decides.
EXCUSED = {'TIME', 'PID', 'HOST'}
PLACE = ('kind', 'origin', 'entry', 'bytes', 'mtime')


class Differs(ValueError):
    """Modules were imported otherwise than in the template that was watched: by name, how."""

    def __init__(self, found):
        self.found = found
        super().__init__('; '.join('%s: %s' % item for item in list(found.items())[:3]))


def differing(recorder, record):
    """The same, before anything is taken out."""
    modules = {about['name']: about for about in record['modules']}
    names = loaded(recorder)
    found = {owner: 'it ' + ', '.join(faults[0]) for owner, faults in recorder.faults.items()}
    for name in modules.keys() - set(names):
        found.setdefault(name, 'it was not imported')
    seen = {name: about['events'] for name, about in modules.items()}
    changed = {about['name'] for about in recorder.failed.values()} ^ {about['name'] for about in record['failed']}
    for events in (recorder.events, seen):
        for owner, all in events.items():
            for what, name, *_ in all:
                if what in ('ask', 'set') and (name in changed or (name in names and name not in modules)):
                    found.setdefault(owner, 'it imported %s' % name)
    for by, of, attribute in set(map(tuple, recorder.changes_now())) ^ set(map(tuple, record['changes'])):
        found.setdefault(by, 'it changed %s.%s' % (of, attribute))
    for name in set(record['shared']) - recorder.modules.keys():
        for owner, events in seen.items():
            if any(event[:2] == ['share', name] for event in events):
                found.setdefault(owner, 'it has nothing of %s' % name)
    return {name: how for name, how in found.items() if name in modules}


def write_differing(path, error):
    with io.open(path + '.differing', 'w', encoding='utf-8') as file:
        file.write(json_of(error.found if type(error) is Differs else {}))


def merge(name, seen, recorder):
    """The events of a module as the record has them, with the objects of this template; raises ValueError."""
    own = [event for event in recorder.events.get(name, ()) if event[0] == 'effect']
    # What somebody else had filled in before is not there for whoever is watched.
    here, filled = [event for event in own if event[1] != 'fill'], {place_text(event[2]) for event in own if event[1] == 'fill'}
    here += [('effect', 'fill', place, None) for place in sorted(filled - {event[2] for event in seen if event[:2] == ['effect', 'fill']})]
    merged = []
    for event in seen:
        if event[:2] == ['effect', 'fill']:
            merged.append(recorder.fills.with_object(*event[:3]))
            continue
        if event[0] != 'effect':
            merged.append(tuple(event) if event[0] != 'share' else share_of(event, recorder))
            continue
        own = take(here, event)
        if own is not None and can_split(own, event):
            own, rest = split(own, event[3], recorder)
            here.insert(0, rest)
        if own is None or event_of(own) != event:
            raise ValueError('it did %s before, and now %s' % (event, own and event_of(own)))
        merged.append(own)
    if here:
        raise ValueError('it did more than before: %s' % event_of(here[0]))
    return merged


def take(here, event):
    """
    That which was seen before, of those that are left: what all modules register with is looked at in one go, and so are different
    modules around the load of an extension module. Of these nobody can tell which was first; of what one module has it shows.
    """
    for at, own in enumerate(here):
        if event_of(own)[:3] == event[:3]:
            return here.pop(at)
        is_together = own[1] == 'loggers' or own[2] in LISTS + DICTS
        if not is_together and event[2].startswith(place_text(own[2][:1]) + '.'):
            break
    return here[0] if here else None


def can_split(own, event):
    """
    Whether it is what was seen with more of its kind: a template that is watched looks at each import statement, one that is
    frozen where a load begins or ends.
    """
    _, what, _, payload = own
    has_order = what in ('dict', 'loggers') or (what == 'list' and not all(payload))
    return has_order and event_of(own)[:3] == event[:3] and 0 < event[3] < size_of(own)


def split(own, size, recorder):
    """The first effects of several, and the others."""
    _, what, place, payload = own
    if what != 'list':
        parts = payload[:size], payload[size:]
    elif payload[0]:
        # What comes later stands in front.
        parts = (payload[0][-size:], []), (payload[0][:-size], [])
    else:
        parts = ([], payload[1][:size]), ([], payload[1][size:])
    at = next(at for at, one in enumerate(recorder.effects) if one[2] is payload)
    recorder.effects[at : at + 1] = [(what, place, part) for part in parts]
    return [('effect', what, place, part) for part in parts]


def share_of(event, recorder):
    """With the module, and what it has; and how much that is when it has nothing of others."""
    _, name, keys = event
    module = recorder.modules[name]
    namespace = namespace_of(module)
    pairs = tuple((key, namespace.get(key, recorder.flags.get((name, key)))) for key in keys)
    return 'share', name, module, pairs, sum(key in OF_MODULES for key in namespace)

def in_order_of_loads(seen, here):
    """
    The events that were seen, in the order in which this template has loaded what the module asks for: one that goes through
    a set of names does so in another order in each process.
    """
    loads = list(dict.fromkeys(event[1] for event in here if event[0] == 'ask' and list(event) in seen))
    before = list(dict.fromkeys(event[1] for event in seen if event[0] == 'ask' and event[1] in loads))
    if before == loads:
        return seen
    # A module that is asked for again is there.
    rest, ordered = dict(zip(before, loads)), []
    for event in seen:
        if event[0] != 'ask' or event[1] not in loads:
            ordered.append(event)
        elif event[1] in rest:
            ordered.append(['ask', rest.pop(event[1])])
    return ordered


def owners_of(modules):
    """Who put what is no module of its own into sys.modules."""
    return {event[1]: name for name, about in modules.items() for event in about['events'] if event[0] == 'set'}


def replay(asked, modules, base, failed):
    """The order in which modules enter sys.modules; what the runtime does when they are asked for."""
    order = []
    state = dict.fromkeys(base, True)
    owners = owners_of(modules)

    def visit(name):
        if name in state or name in failed:
            return
        if name in owners:
            visit(owners[name])
            return
        parent = name.rpartition('.')[0]
        if parent:
            visit(parent)
        # Its package may have asked for it.
        if name in state:
            return
        state[name] = False
        for event in modules[name]['events']:
            if event[0] == 'ask':
                visit(event[1])
            elif event[0] == 'set' and event[1] not in state:
                state[event[1]] = True
                order.append(event[1])
        state[name] = True
        order.append(name)

    for name in asked:
        visit(name)
    return order


def cycles(modules):
    """By module: the first of those that ask for each other, which is the one that others may begin with."""
    number, low, first, stack, counter = {}, {}, {}, [], [0]

    owners = owners_of(modules)

    def edges(name):
        parent = name.rpartition('.')[0]
        asked = [owners.get(event[1], event[1]) for event in modules[name]['events'] if event[0] == 'ask']
        return [one for one in ([parent] if parent else []) + asked if one in modules]

    for root in modules:
        if root in number:
            continue
        work = [(root, None)]
        while work:
            name, rest = work.pop()
            if rest is None:
                counter[0] += 1
                number[name] = low[name] = counter[0]
                stack.append(name)
                rest = iter(edges(name))
            for one in rest:
                if one not in number:
                    work.append((name, rest))
                    work.append((one, None))
                    break
                if one in stack:
                    low[name] = min(low[name], number[one])
            else:
                if low[name] == number[name]:
                    at = stack.index(name)
                    members = stack[at:]
                    del stack[at:]
                    for member in members:
                        first[member] = members
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
    return first


def with_objects(event, owner, recorder, modules):
    """An event of the record as shadow.c has it, with what there is in this template; raises ValueError where that is otherwise."""
    what = event[0]
    if what == 'set':
        return 'set', event[1], modules[event[1]]
    if what == 'unfilled':
        return recorder.fills.with_object('condition', *event)
    if what in ('uses', 'sees'):
        return condition_of(event, recorder)
    if what == 'asks':
        return question_of(event, modules, recorder.idle)
    if what == 'finds':
        condition = condition_of_program(event, modules, recorder.effects)
        return shared_condition(condition, recorder) if event[1] in SHARED else condition
    if what == 'warned':
        return event_of_warning(event, modules)
    if what == 'drawn':
        return event_of_drawn(event, owner, recorder)
    if what == 'located':
        return condition_of_place(event, modules, recorder.idle)
    return event_of_classes(event, modules) if what in ('derives', 'classes') else event


# Findings that many modules have in common, and that an effect alone can change while these are looked at.
SHARED = {'counter', 'kept', 'setting', 'stream', 'streamed'}


def shared_condition(condition, recorder):
    """The same tuple for all that have found the same: it is looked at once then."""
    _, what, place, answer = condition
    parts = answer if type(answer) is tuple else (answer,)
    key = what, place, *(part if type(part) is int else id(part) for part in parts)
    return recorder.shared_conditions.setdefault(key, condition)


def build(recorder, record):
    """
    Takes the modules out of sys.modules, and what importing them did elsewhere; returns the table: an entry of shadow.h
    for each.

    :raises Differs: which of these modules cannot be frozen
    :raises ValueError: why they cannot be, where it is none of theirs
    """
    recorder.settle()
    recorder.parsers.leave()
    found = differing(recorder, record)
    if found:
        raise Differs(found)
    if recorder.locals.used():
        raise ValueError('what asgiref.local made is used')
    remember_first()
    modules = {about['name']: about for about in record['modules']}
    names = loaded(recorder)
    if recorder.faults or list(recorder.base) != record['base'] or sorted(names) != sorted(modules):
        raise ValueError('importing went differently than before: %s' % (first_difference(names, list(modules)),))
    if not all(name in recorder.modules for name in record['shared']):
        raise ValueError('extension modules share something else than before')
    failed = [sorted(all, key=lambda about: about['name']) for all in (recorder.failed.values(), record['failed'])]
    for now, then in (map(sorted, (recorder.changes_now(), record['changes'])), failed):
        if now != then:
            raise ValueError('importing changed something else than before: %s' % (first_difference(now, then),))
    objects = {name: recorder.modules[name] for name in names}
    entries = {name: about for name, about in modules.items() if about['kind'] != 'set'}
    for name, about in entries.items():
        try:
            if describe(name, objects[name]) != {key: about[key] for key in describe(name, objects[name])}:
                raise ValueError('it was found elsewhere')
            about['events'] = merge(name, in_order_of_loads(about['events'], recorder.events.get(name, ())), recorder)
        except ValueError as error:
            found[name] = str(error)
    if found:
        raise Differs(found)
    if replay(record['asked'], entries, recorder.base, recorder.failed) != names:
        difference = first_difference(replay(record['asked'], entries, recorder.base, recorder.failed), names)
        raise Differs({name: 'the order of imports cannot be told: %s' % (difference,) for name in difference if name in entries})
    recorder.leave_globals()
    for name, about in entries.items():
        about['events'] += [('holds', other) for other in sorted(remembered(recorder, objects[name], name)) if other in entries]
    for name in names:
        for reason in filter(None, map(refuses, recorder.libraries.get(name, ()))):
            raise Differs({name: 'it cannot be loaded anew: %s' % reason})
    for name in filter(SEES_CHILDREN.__contains__, entries):
        try:
            keep_device(recorder, name)
        except (ValueError, OSError) as error:
            raise Differs({name: str(error)})
    leave(recorder, entries)
    take_out(recorder, objects, entries)
    groups = cycles(entries)
    began = {name: place for place, name in enumerate(recorder.begun)}
    table = []
    for name, module in recorder.base.items():
        table.append((name, module, 'base', '', '', 0, 0, False, (), (), (), None, False, (), (), ()))
    for name, about in entries.items():
        # A module's load begins with that of its package.
        outer = [one for one in groups[name] if one.rpartition('.')[0] not in groups[name]]
        first = min(outer, key=lambda one: began.get(one, 0))
        parent, _, child = name.rpartition('.')
        events = []
        for event in about['events']:
            if event[0] == 'keys':
                continue
            try:
                event = with_objects(event, objects[name], recorder, {**recorder.base, **objects})
            except ValueError as error:
                raise Differs({name: str(error)})
            if event[:2] == ('effect', 'warned'):
                recorder.warned_in.discard((name, event[2]))
            events.append(event)
        table.append(
            (
                name,
                objects[name],
                about['kind'],
                about['origin'],
                about['entry'],
                about['bytes'],
                about['mtime'],
                about['package'],
                tuple(events),
                tuple((variable, value and bytes.fromhex(value)) for variable, value in about['variables'].items()),
                tuple(tuple(file) for file in about['files']),
                None if first == name else first,
                about['bind'],
                tuple(recorder.libraries.get(name, ())),
                tuple(recorder.globals.get(name, ())),
                keys_in(about['events'], recorder.libraries.get(name, ())),
            )
        )
    if recorder.warned_in:
        raise Differs({by: 'it emitted a warning in the name of %s' % name for by, name in recorder.warned_in})
    for about in record['failed']:
        if about['name'] in entries:
            raise ValueError('%s is imported and is not' % about['name'])
        table.append((about['name'], None, *(about[key] for key in PLACE), about['package'], (), (), (), None, False, (), (), ()))
    for name, owner in owners_of(entries).items():
        table.append((name, objects[name], 'set', '', '', 0, 0, False, (('ask', owner),), (), (), None, False, (), (), ()))
    return table


def remembered(recorder, module, name):
    """
    The modules of what others have made its functions remember (`functools.lru_cache`): where such a module is imported anew,
    the answers are those of the old one.
    """
    kind = getattr(recorder.modules.get('functools'), '_lru_cache_wrapper', None)
    own = namespace_of(module)
    values = [*own.values(), *(value for one in own.values() if is_own_class(one, name) for value in vars(one).values())]
    work = []
    for one in values:
        one = one.__func__ if type(one) in (staticmethod, classmethod) else one
        if type(one) is kind:
            # Not what is known of the function itself.
            answers = [value for value in recorder.referents(one) if value is not vars(one) and type(value) is not FUNCTION]
            work += [(value, MOST_DEEP) for value in answers]
    found, seen, homes = set(), set(), recorder.fills.homes()
    while work:
        value, depth = work.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, type(sys)):
            found.add(namespace_of(value).get('__name__'))
        else:
            found.update(homes.get(id(one), defined_in(one)) for one in (value, type(value)))
        if depth and type not in type(value).__mro__ and not isinstance(value, (type(sys), FUNCTION)):
            work += [(one, depth - 1) for one in recorder.referents(value)]
    return {one for one in found if type(one) is str and one != name}


# In what a function has answered.
MOST_DEEP = 4


def is_own_class(value, name):
    return type in type(value).__mro__ and defined_in(value) == name


def keys_in(events, libraries):
    """The addresses of the keys that these libraries keep for this thread."""
    places = [(libraries[event[1]], event[2]) for event in events if event[0] == 'keys']
    return tuple(address for address in (keys_of(*place) for place in places) if address)

def event_of_classes(event, modules):
    """The same with the classes; one that was derived from another one is taken out of what that knows."""
    what, name, *names = event
    of = class_of_name(modules, name)
    others = [class_of_name(modules, one) for one in ' '.join(names).split()]
    if None in (of, *others):
        raise ValueError('a class is not where it was: %s' % (event,))
    if what == 'classes':
        return what, name, of, SUBCLASSES.__get__(of), tuple(others)
    known = subclasses_of(of)
    for key, reference in list(known.items()):
        if reference() is others[0]:
            del known[key]
            # Who asks for something that is not there has it remember a version.
            try:
                type.__getattribute__(of, '<pycds>')
            except AttributeError:
                pass
            return what, name, of, others[0], known, key, reference
    raise ValueError('%s is not derived from %s' % (names, name))


def condition_of(event, recorder):
    what, name, which = event
    if what == 'sees':
        values = [payload for effect, place, payload in recorder.effects if (effect, place) == ('variable', name)]
        return 'condition', what, name, values[0] if which else None
    place = next(place for place in recorder.replaced if place_text(place) == name)
    _, (original, instead, _), _ = recorder.replaced[place]
    return 'condition', what, place, (original if which else instead, which)


def event_of_warning(event, modules):
    _, name, text, category, module, line = event
    # Of a module that could not be imported nothing is left.
    registry = attributes_of(modules[name]).get('__warningregistry__') if name in modules else None
    kind = class_of_name(modules, category)
    if (type(registry) is not dict and name in modules) or kind is None:
        raise ValueError('a warning is not ignored as before: %s' % text)
    return 'effect', 'warned', name, (registry, text, kind, module, line)


# Include/object.h: of classes that no program can change.
IMMUTABLE = 1 << 8


def classes_of(module):
    """The classes of what a module has, what they are made of, and those in them; but for those that none can change."""
    flags_of, bases_of, items_of = (type.__dict__[name].__get__ for name in ('__flags__', '__mro__', '__dict__'))
    found, work = {}, [module, *attributes_of(module).values()]
    while work:
        one = work.pop()
        if not issubclass(type(one), type):
            one = type(one)
        # One that was never made ready has no namespace, and none can change it once it is: only static ones are made so.
        if id(one) in found or flags_of(one) & IMMUTABLE or items_of(one) is None:
            continue
        found[id(one)] = one
        work += (type(one), *(bases_of(one) or ()))
        work += (value for value in items_of(one).values() if issubclass(type(value), type))
    return list(found.values())


def assigning_instructions():
    """Those by which a function assigns a name of its module, or deletes one."""
    found = set()
    for statement in ('one = 0', 'del one'):
        codes = []
        for head in ('', 'global one; '):
            constants = compile('def function(): %s%s' % (head, statement), '', 'exec').co_consts
            codes.append(next(one for one in constants if hasattr(one, 'co_code')).co_code[::2])
        found.update(there for here, there in zip(*codes) if here != there)
    return found


def assigned_in(code, instructions):
    """The names of its module that a code object assigns, and those in it."""
    names = set()
    for one in with_inner(code):
        # Other instructions may be what importing has made of them, and numbers between them anything; these are never changed.
        if not instructions.isdisjoint(one._co_code_adaptive[::2]):
            names |= names_at(one, instructions)
    return names


def assigned_names(get_objects):
    """By the address of a namespace, the names in it that functions assign: they change as these do their work."""
    instructions, known, found = assigning_instructions(), {}, {}
    for function in get_objects():
        if type(function) is type(assigned_names):
            code = function.__code__
            if code not in known:
                known[code] = assigned_in(code, instructions)
            found.setdefault(id(function.__globals__), set()).update(known[code])
    return found


def prints_of(recorder, table, record):
    """
    What a program that imports one of the modules must not have changed in those that are there already.

    :return: namespaces of classes, for each entry of the table the names in its module that are assigned as it does its
        work, the numbers of the namespaces of its classes and the names that may become functions, and by number of a
        namespace the names of counters in it and of what the module keeps there, and what a program may fill in there as well
    """
    assigned = assigned_names(recorder.all_objects)
    # Who may have looked has a condition. Each process that multiprocessing makes gives itself another standard input.
    assigned.setdefault(id(vars(sys)), set()).update(('stdin', *SETTINGS))
    # The real dictionaries.
    spaces, numbers, each = [], {}, []
    for _, module, *_ in table:
        own = []
        for one in classes_of(module):
            if id(one) not in numbers:
                numbers[id(one)] = len(spaces)
                spaces.append(recorder.referents(type.__dict__['__dict__'].__get__(one))[0])
            own.append(numbers[id(one)])
        each.append((frozenset(assigned.get(id(attributes_of(module)), ())), tuple(own)))
    modules, counting, filled = {name: module for name, module, *_ in table}, [set() for _ in spaces], {}
    for place in record['counters']:
        holder, name = holder_of(modules, place) if place[0] in modules else (None, '')
        if id(holder) in numbers:
            counting[numbers[id(holder)]].add(name)
    for place in record['kept']:
        holder, name = holder_of_kept(modules, place), place[1].rpartition('.')[2]
        if '.' not in place[1] and holder is not None:
            filled.setdefault(place[0], set()).add(name)
        elif id(holder) in numbers:
            counting[numbers[id(holder)]].add(name)
    each = [(*one, frozenset(filled.get(name, ()))) for one, (name, *_) in zip(each, table)]
    filled_in = [None] * len(spaces)
    for holder, pair in recorder.fills.of_classes():
        if id(holder) in numbers:
            filled_in[numbers[id(holder)]] = pair
    return spaces, each, list(map(frozenset, counting)), filled_in


# How much of the time of imports a snapshot saves: they would come from the archive otherwise, and not all is gained.
GAIN = 0.5


def key_of(record):
    return int(record['key'])


# What an application imports may not be importable without it. A short program, since memory that is used to compile it
# would be taken for what every start changes, and so would what statements for modules that are there already look at.
TRIED = 'for _ in %r.split():\n try: __import__(_)\n except BaseException: pass\n'


def programs_of(path, recorder, record):
    """
    The programs that the snapshot is used for: (kind, text, what their imports have taken here in microseconds, a program
    that imports the same).

    :param path: of a list of (kind, text, names of modules), as JSON
    """
    modules = {about['name']: about for about in record['modules']}
    owners = owners_of(modules)
    programs = []
    for kind, text, names in read_record(path):
        roots = roots_of(names, modules, owners)
        needed = set().union(*roots.values())
        gain = int(1e6 * GAIN * sum(recorder.costs.get(name, 0.0) for name in needed))
        programs.append((kind, text, gain, TRIED % ' '.join(roots) if roots else ''))
    return programs


def roots_of(names, modules, owners):
    """Those that none of the others comes with, each with all that comes with it."""
    roots = {}
    for name in names:
        if not any(name in needed for needed in roots.values()):
            own = closure(name, modules, owners)
            roots = {root: needed for root, needed in roots.items() if root not in own}
            roots[name] = own
    return roots


def first_difference(here, there):
    for one, other in zip(here, there):
        if one != other:
            return one, other
    return len(here), len(there)


def closure(name, entries, owners):
    seen, work = set(), [name]
    while work:
        one = work.pop()
        if one in seen or one not in entries:
            continue
        seen.add(one)
        work.append(one.rpartition('.')[0])
        work.extend(owners.get(event[1], event[1]) for event in entries[one]['events'] if event[0] == 'ask')
    return seen


def leave(recorder, entries):
    """Leaves what a module was given by one that it always comes with: it is in its place already."""
    owners = owners_of(entries)
    for name, about in entries.items():
        kept = []
        for event in about['events']:
            is_own = event[0] == 'effect' and event[1] in ('attribute', 'count', 'dict', 'fill', 'list', 'set') and event[2] not in LISTS + DICTS
            if is_own and name in closure(owners.get(event[2][0], event[2][0]), entries, owners):
                recorder.effects = [one for one in recorder.effects if one[2] is not event[3]]
            else:
                kept.append(event)
        about['events'] = kept


def take_out(recorder, objects, entries):
    for name in sorted(objects.keys() & CONTEXTS.keys()):
        namespace = namespace_of(objects[name])
        attributes = namespace.keys() & set(CONTEXT_ATTRIBUTES[name])
        namespace.update(dict.fromkeys(attributes))
        if attributes and not recorder.idle:
            keep_authorities(name, objects[name], entries[name]['variables'].keys())
    for name in objects:
        del recorder.modules[name]
    for name in recorder.shared:
        namespace = namespace_of(recorder.modules.pop(name))
        for key in [key for key in namespace if key not in OF_MODULES]:
            del namespace[key]
    owners = owners_of(entries)
    for name, about in entries.items():
        parent, _, child = name.rpartition('.')
        holder = recorder.base.get(parent, objects.get(parent))
        about['bind'] = False
        # A package that has its module itself, or has asked for it, has it at its place; others get it as the last attribute.
        if name in recorder.bound and name not in closure(parent, entries, owners):
            if attributes_of(holder).get(child) is not objects[name]:
                raise Differs({name: 'it is not an attribute of its package'})
            delattr(holder, child)
            about['bind'] = True
    everything = {**recorder.base, **objects}
    for what, place, payload in reversed(recorder.effects):
        if what == 'list':
            front, back = payload
            items = list_of(everything, place)
            del items[: len(front)]
            del items[len(items) - len(back) :]
        elif what == 'dict':
            items = list_of(everything, place)
            for key, _ in payload:
                del items[key]
        elif what == 'set':
            list_of(everything, place).difference_update(payload)
        elif what == 'attribute':
            before, after, keys = payload
            holder, attribute = holder_of(everything, place)
            if before is MISSING:
                delattr(holder, attribute)
            else:
                setattr(holder, attribute, before)
            if after is MISSING:
                reorder(holder, keys, recorder.referents)
        elif what == 'fill':
            one = recorder.fills.by_place[place]
            if is_filled_with(filled_by_now(place[1], payload[0]), payload[2]):
                one.hide(recorder.referents)
        elif what == 'variable':
            del os.environ[place]
        elif what == 'c_variable':
            posix.unsetenv(place)
        elif what == 'descriptor':
            posix.close(payload[1])
        elif what == 'count':
            setattr(payload[2], place[1].rpartition('.')[2], payload[0])
        elif what == 'finalizers':
            made, _, fresh = payload
            take_out_finalizers(class_of_finalizers(everything), made, fresh)
        elif what == 'loggers':
            loggers = everything['logging'].root.manager.loggerDict
            for key in [key for key in loggers if key not in recorder.loggers_before]:
                del loggers[key]
    _warnings._filters_mutated()
    for path in [path for path in sys.path_importer_cache if path not in recorder.finders]:
        del sys.path_importer_cache[path]
    for (name, key), empty in FORGOTTEN.items():
        if name in objects and hasattr(objects[name], key):
            setattr(objects[name], key, empty)


def reorder(holder, keys, referents):
    """Gives a class its attributes in the order that they had before one of them was removed."""
    namespace = vars(holder)
    real = namespace if type(namespace) is dict else referents(namespace)[0]
    items = dict(real)
    real.clear()
    real.update({key: items[key] for key in keys if key in items})
    real.update(items)
    # For what types remember of their attributes.
    setattr(holder, '__pycds__', None)
    delattr(holder, '__pycds__')


def expect(recorder, record):
    """Tells a template that is frozen what only one that is watched finds out."""
    recorder.shared = dict.fromkeys(record['shared'])
    recorder.fills.expected = set()
    for about in record['modules']:
        for event in about['events']:
            if event[:2] == ['effect', 'seed']:
                name, *places = event[2].split(' ')
                recorder.seeded[name] = places
            elif event[:2] == ['effect', 'parsers']:
                recorder.parsers.makers.add(about['name'])
            elif event[:2] == ['effect', 'fill']:
                recorder.fills.expected.add(event[2])
            elif event[:2] == ['effect', 'count']:
                recorder.counts.places.add(event[2])


def expect_early(recorder, record):
    """Tells a template that is watched elsewhere what the first one has seen filled in."""
    for of, attribute, after in record['early']:
        recorder.fills.early.setdefault(of, []).append((attribute, after))


def read_names(path):
    with io.open(path, encoding='utf-8') as file:
        return file.read().split()


def forget():
    """Leaves in this namespace only what goes on being used."""
    used = {
        'ASKED_OF_MODULES',
        'CHARACTER_DEVICE',
        'CONDITIONS',
        'CONTEXTS',
        'CONTEXT_ATTRIBUTES',
        'DEVICES_WITHOUT_STATE',
        'FILTERS',
        'FINALIZERS',
        'FINDINGS',
        'FIRST',
        'FREQUENCIES',
        'IMPORT_NAME',
        'INTERPRETER',
        'KINDS_OF_FILES',
        'LINES',
        'LINK',
        'MISSING',
        'MODULE',
        'MOST_TIMES',
        'OF_DISTRIBUTIONS',
        'REGULAR',
        'RENEWALS',
        'STACKS',
        'STATE',
        'TEXT_STREAM',
        '__builtins__',
        '_certificates',
        '_devices',
        '_codecs',
        '_context_of_requests',
        '_does_the_same',
        '_encodings',
        '_exists',
        '_file_and_target',
        '_frame_of_program',
        '_frozen_importlib',
        '_frozen_importlib_external',
        '_has_distributions',
        '_has_spec',
        '_is_imported_directly',
        '_is_like',
        '_is_regular',
        '_lines_of_processors',
        '_locate',
        '_made',
        '_may_find',
        '_names_in',
        '_put_finalizers',
        '_put_logger',
        '_renew_joblib',
        '_warnings',
        'add_filters',
        'answer_of',
        'answered',
        'are_as_read',
        'are_same',
        'attribute_by_now',
        'attribute_of',
        'attributes_of',
        'c_variables',
        'class_of_finalizers',
        'close_held',
        'count_by_now',
        'default_action',
        'distributions_in',
        'draw_letters',
        'facts_of_file',
        'file_of_module',
        'fill',
        'filled_by_now',
        'filters_by_now',
        'finders_in_front',
        'finds_again',
        'first_codec',
        'give_engine',
        'give_store',
        'has_first_argument',
        'held_descriptors',
        'holder_of',
        'is_answered_alike',
        'is_as_known',
        'is_count',
        'is_date_as_then',
        'is_descriptor_of',
        'is_disabled',
        'is_filled_with',
        'is_found_again',
        'is_found_first',
        'is_ignored',
        'is_kept_as_found',
        'is_lacking',
        'is_logged_as_then',
        'is_mapped',
        'is_opened_again',
        'is_path_like',
        'is_quiet',
        'is_unfilled',
        'keep_open',
        'kind_of_file',
        'leads_to',
        'level_by_now',
        'loading',
        'logger_by_now',
        'make_contexts',
        'mark_of_stream',
        'matches',
        'may_fill',
        'may_put_back',
        'may_put_back_now',
        'modules_then',
        'name_of_local',
        'name_parsers',
        'numbers_of_file',
        'os',
        'place_of_spec',
        'portions_in',
        'posix',
        'public_names',
        'put_back',
        'put_over_streams',
        'read_whole',
        'said_of_stream',
        'renew_device',
        'rewrite',
        'set_c_variable',
        'stream_by_now',
        'sys',
        'text_of_answer',
        'text_of_error',
        'to_come',
        'variable_by_now',
        'write_at',
    }
    names = globals()
    for name in list(names):
        if name not in used:
            del names[name]
