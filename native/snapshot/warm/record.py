# SPDX-License-Identifier: Apache-2.0
# All that was seen of the modules of a template that is watched, for whoever chooses those of a snapshot.


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
            for (by, library), read in recorder.environment.read_by.items():
                if by == first and (library in seen or library not in owner):
                    recorder.environment.reads.setdefault(name, set()).update(read)
            for event in recorder.events.get(first, ()):
                if event[0] == 'pool' and event not in recorder.events.setdefault(name, []):
                    recorder.events[name].append(event)


# In the place of a number of bytes: shadow.c.
OF_NULL_DEVICE = -2


def loaded(recorder):
    return [name for name in recorder.modules if name not in recorder.base and name not in recorder.shared.known]


def record_of(recorder):
    """All that was seen, as what JSON can say."""
    recorder.inside = True
    recorder.fills.leave()
    recorder.program.leave()
    leave_levels(recorder)
    recorder.located.blame()
    recorder.subclasses.name_all()
    recorder.warnings.name_all()
    called, graph = executed(), graph_of(recorder)
    counters = recorder.counts.settle_readers(called, graph)
    kept = settle_readers_of_kept(recorder, called, graph)
    settle_gifts(recorder, called, graph)
    settle_readers_of_streams(recorder, called)
    settle_kept_functions(recorder)
    names = loaded(recorder)
    drop_modules_lacking(recorder)
    settle_logged(recorder)
    settle_bases(recorder)
    settle_askers_for_threads(recorder)
    settle_keepers_of_errors(recorder)
    modules = []
    replaced = replaced_of(recorder)
    own_reads = {name: set(read) for name, read in recorder.environment.reads.items()}
    for name in filter(CONTEXTS.__contains__, names):
        check_contexts(recorder, name)
    for name in filter(SEES_CHILDREN.__contains__, names):
        check_seeds(recorder, name)
    named = {**dict.fromkeys(recorder.locals.known, '_attr_name'), **dict.fromkeys(recorder.parsers.known, 'prog')}
    values = Values(recorder.generators.again, named, recorder.all_objects(), recorder.fills.homes())
    inherit(recorder)
    recorder.leave_globals()
    # What variables were is in no record and in no snapshot.
    key = int.from_bytes(os.urandom(7), 'little')
    for name in recorder.locals.used():
        recorder.faults.setdefault(name, []).append(('ENTROPY', 'random'))
    for name in names:
        recorder.stack.append(name)
        if name in recorder.environment.rewritten:
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
        for variable in sorted(recorder.environment.reads.get(name, ())):
            # Who has asked the C library, and who Python, is not known.
            if recorder.environment.of_c.get(variable, name) != name:
                recorder.faults.setdefault(name, []).append(('VARIABLES', variable))
                continue
            if variable in recorder.environment.readers:
                if name not in recorder.environment.readers[variable]:
                    # What a library has read before that is not known.
                    if variable not in own_reads.get(name, ()):
                        recorder.faults.setdefault(name, []).append(('VARIABLES', variable))
                    continue
                events.insert(0, ('sees', variable, False))
            value = None if variable in recorder.environment.readers else dict.get(os.environ._data, os.fsencode(variable))
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
        'shared': list(recorder.shared.known),
        'changes': [list(change) for change in recorder.namespaces.changes],
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
    for address, (name, bases) in recorder.namespaces.bases.items():
        one = recorder.namespaces.classes[address]
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


# Of a module that has only asked: blame.ts decides.
EXCUSED = {'TIME', 'PID', 'HOST'}
