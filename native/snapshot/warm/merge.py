# SPDX-License-Identifier: Apache-2.0
# What a template that is frozen has seen, beside what the record has of the one that was watched: it has to be the same, and the objects are
# those of this one.


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
    pairs = tuple((key, namespace.get(key, recorder.shared.flags.get((name, key)))) for key in keys)
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


def first_difference(here, there):
    for one, other in zip(here, there):
        if one != other:
            return one, other
    return len(here), len(there)
