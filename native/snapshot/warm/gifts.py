# SPDX-License-Identifier: Apache-2.0
# What imports put into another module or a class of it, or into a list, dictionary or set there, as plugins put themselves into a registry.
# Who has looked at it in its import, without adding to it, has seen what those had put there that came before: it is held where
# they are there again, and none that came later. Who may have looked is known as in counts.py. Who has got hold of such an object, also
# where it adds others there, is held while the one that has put it there is there again: it would make one of its own otherwise.

# What its functions have answered, by function: who calls them finds the same with and without others.
CACHES = {('typing', '_caches'), *(('numpy', name) for name in ('finfo._finfo_cache', 'iinfo._min_vals', 'iinfo._max_vals'))}

# Of what all modules register with, what is looked up by functions that have its name.
LOOKED_UP = {('logging', '_levelToName'), ('logging', '_nameToLevel')}


def is_gift(what, place, payload):
    """Whether such an effect is one that others may look for by the last name of its place."""
    if what == 'attribute':
        return payload[0] is MISSING and not is_dunder(place[1].rpartition('.')[2])
    is_own = place not in LISTS + DICTS and place not in CACHES and place[0] != 'sys'
    return what in ('dict', 'list', 'set') and (is_own or place in LOOKED_UP)


def settle_gifts(recorder, called, graph):
    """
    Gives those a condition that may have looked at what others had put somewhere, and those that have got hold of it.

    :param called: of `executed`
    """
    order = {name: at for at, name in enumerate(recorder.begun)}
    looked = dict.fromkeys(readers_of_gifts(recorder, called, graph))
    needed = dict.fromkeys((*holders_of_gifts(recorder, graph), *found_by_others(recorder, graph)))
    for name, giver in {**looked, **needed}:
        # Of two that come with each other the order is the same each time.
        if giver in order and giver not in graph.closure(name) and name not in graph.closure(giver):
            event = 'seen' if order[giver] < order[name] else 'unseen', giver
            if event not in recorder.events[name] and (event[0] == 'seen' or (name, giver) in looked):
                recorder.events[name].insert(0, event)


def readers_of_gifts(recorder, called, graph):
    """Pairs of one that may have looked, and a giver."""
    givers = {}
    for name in graph.entries:
        for what, *of in recorder.events[name]:
            if what == 'effect' and is_gift(*of):
                givers.setdefault(of[1], []).append(name)
    for place, those in givers.items():
        holder = graph.owner(place[0])
        for name in [name for name in recorder.begun if name in graph.entries and name not in those]:
            is_near = holder in recorder.base or (holder in graph.closure(name) and name not in graph.closure(holder))
            if is_near and any(is_named_in(code, place) for code in called.get(name, ())):
                yield from ((name, giver) for giver in those)


def found_by_others(recorder, graph):
    """Pairs of a module that none of the interpreter's finders has found, and one that has added finders."""
    is_adding = lambda event: event[0] == 'effect' and event[2] in FINDERS
    givers = [name for name in graph.entries if any(map(is_adding, recorder.events[name]))]
    for name in graph.entries if givers else ():
        spec = namespace_of(recorder.modules.get(name)).get('__spec__')
        # Not one that it has got later, for a second name.
        if kind_of(spec) == 'other' and spec.name == name:
            yield from ((name, giver) for giver in givers)


FINDERS = (('sys', 'meta_path'), ('sys', 'path_hooks'))

# Objects of these types are the same to all who have equal ones, or are nobody's.
PLAIN = (type(None), bool, int, float, complex, str, bytes, tuple, frozenset, MODULE, type(len))


def objects_given(what, place, payload):
    """What others may have got hold of: what is made once, by whoever asks for it first."""
    if what == 'loggers':
        return [logger for _, logger in payload]
    if what == 'attribute':
        return [payload[1]] if payload[0] is MISSING or payload[0] is None else []
    if not is_gift(what, place, payload):
        return []
    return [value for _, value in payload] if what == 'dict' else [*payload[0], *payload[1]] if what == 'list' else list(payload)


def holders_of_gifts(recorder, graph):
    """Pairs of one that has such an object, which none of those has that come with it, and the giver."""
    given, registries = {}, {}
    base = {id(value) for module in recorder.base.values() for value in namespace_of(module).values()}
    for name in recorder.begun:
        for what, *of in recorder.events.get(name, ()) if name in graph.entries else ():
            if what != 'effect':
                continue
            for one in objects_given(*of):
                # A class or a function is of the module that it is defined in.
                if defined_in(one) in (None, name) and type(one) not in PLAIN and id(one) not in base:
                    given.setdefault(id(one), (one, name, of[1][0]))
            if of[0] in ('dict', 'list', 'set'):
                registry = list_of(recorder.namespaces.objects, of[1])
                registries[id(registry)] = registry
    found = {name: held_in(name, namespace_of(recorder.modules[name]), given, registries) for name in graph.entries if given and name in recorder.modules}
    for name, held in found.items():
        for one, giver, holder in map(given.get, held):
            others = graph.closure(name) - {name, holder}
            if name not in (giver, holder) and not any(id(one) in found.get(other, ()) for other in others):
                yield name, giver


def held_in(name, namespace, given, registries):
    """Addresses of what is given that a module has, as generators_in goes through it, but for what it has as the registry itself."""
    found, seen = set(), {}
    work = [(value, NESTED) for key, value in namespace.items() if key not in OF_MODULES]
    while work:
        value, depth = work.pop()
        if id(value) in seen or id(value) in registries or depth == 0:
            continue
        seen[id(value)] = value
        if id(value) in given:
            found.add(id(value))
        else:
            work += [(one, depth - 1) for _, one in parts_of_holder(name, value)]
    return found
