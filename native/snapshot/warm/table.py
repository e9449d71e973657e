# SPDX-License-Identifier: Apache-2.0
# The modules of a template that is frozen, as the table that the runtime serves them from (shadow.h), with what the record knows of
# them.

PLACE = ('kind', 'origin', 'entry', 'bytes', 'mtime')


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
                recorder.warnings.warned_in.discard((name, event[2]))
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
    if recorder.warnings.warned_in:
        raise Differs({by: 'it emitted a warning in the name of %s' % name for by, name in recorder.warnings.warned_in})
    for about in record['failed']:
        if about['name'] in entries:
            raise ValueError('%s is imported and is not' % about['name'])
        table.append((about['name'], None, *(about[key] for key in PLACE), about['package'], (), (), (), None, False, (), (), ()))
    for name, owner in owners_of(entries).items():
        table.append((name, objects[name], 'set', '', '', 0, 0, False, (('ask', owner),), (), (), None, False, (), (), ()))
    return table


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
    place = next(place for place in recorder.namespaces.replaced if place_text(place) == name)
    _, (original, instead, _), _ = recorder.namespaces.replaced[place]
    return 'condition', what, place, (original if which else instead, which)


def event_of_warning(event, modules):
    _, name, text, category, module, line = event
    # Of a module that could not be imported nothing is left.
    registry = attributes_of(modules[name]).get('__warningregistry__') if name in modules else None
    kind = class_of_name(modules, category)
    if (type(registry) is not dict and name in modules) or kind is None:
        raise ValueError('a warning is not ignored as before: %s' % text)
    return 'effect', 'warned', name, (registry, text, kind, module, line)


def key_of(record):
    return int(record['key'])


def expect(recorder, record):
    """Tells a template that is frozen what only one that is watched finds out."""
    recorder.shared.known = dict.fromkeys(record['shared'])
    recorder.fills.expected = set()
    for about in record['modules']:
        for event in about['events']:
            if event[:2] == ['effect', 'seed']:
                name, *places = event[2].split(' ')
                recorder.generators.seeded[name] = places
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
