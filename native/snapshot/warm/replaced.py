# SPDX-License-Identifier: Apache-2.0
# Functions and specs that imports have put in the place of others: who has got hold of either.


def replaced_of(recorder):
    """
    Functions and specs that imports have put in the place of others, for blame.ts: (by, place, modules that have got hold of
    the original before, or used it, modules that have the other one, or used it); an empty name: something else than a
    namespace has it.
    """
    owners = {id(namespace): owner for namespace, (owner, _) in zip(recorder.namespaces.watched, recorder.namespaces.owners)}
    # What the recorder itself remembers.
    own = {id(recorder.namespaces.rebound), *map(id, recorder.namespaces.rebound.values())}
    own.update(id(payload) for _, payload, _ in recorder.namespaces.replaced.values())
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
    for place, (by, payload, users) in recorder.namespaces.replaced.items():
        if place in SIZES_OF_CACHES:
            continue
        originals, functions = with_function(payload[0]), with_function(payload[1])
        cells = (functions[-1].__closure__ or ()) if type(functions[-1]) is FUNCTION else ()
        # A static method has its function, and what stands in the place of another may have kept that for itself.
        own.update(map(id, (originals, functions, cells, *originals, *functions, *cells)))
        have_original = names_with(originals, most_hidden(originals) > fewest, users, {by, place[0]})
        its_users = recorder.namespaces.users_of(payload[1])
        have_function = names_with(functions, most_hidden(functions) > fewest, its_users, {by, place[0]})
        found.append([by, place_text(place), have_original, have_function])
    return found


def of_recorder(recorder):
    """Addresses of what it remembers namespaces by."""
    return {id(one) for _, values, containers, _, contents in recorder.namespaces.looks.values() for one in (values, containers, contents, *contents)}


def expect_replaced(replaced, modules, base):
    """
    Whoever has got hold of an original, or of what was put in its place, without being there before or behind that each time,
    has it as a condition to get the same, and is taken from the lists.
    """
    entries = {about['name']: about for about in modules}
    graph = Graph(entries)
    needs = lambda one, other: other in graph.closure(one)
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
