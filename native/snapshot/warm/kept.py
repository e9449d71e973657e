# SPDX-License-Identifier: Apache-2.0
# What modules keep for themselves: names that functions of theirs assign, but for functions, classes and modules, and attributes of
# their classes that functions of theirs set, of None, True and False. As a program has them set, by seeding a generator, making a
# finalizer or giving a library its settings, what others have imported stays what it is, unless they have looked: these are held while
# there is what they saw.
# Who may have looked is known as in counts.py.


def settle_readers_of_kept(recorder, called, graph):
    """
    Gives those that may have looked a condition.

    :param called: of `executed`
    :return: the places of all that is kept, which no import has changed
    """
    events, places = recorder.events, places_of_kept(recorder)
    seen = {name: names_seen_by(codes) for name, codes in called.items()}
    order = {name: at for at, name in enumerate(recorder.begun)}
    for holder in dict.fromkeys(place[0] for place in places):
        keeper = Keeper(holder, [place for place in places if place[0] == holder], namespace_of(recorder.modules[holder]))
        for name in [name for name in recorder.begun if name in graph.entries and name not in graph.closure(holder)]:
            # One whose load had ended by then saw nothing of it.
            if order[name] > order.get(holder, -1) or holder in graph.closure(name):
                events[name][:0] = [('finds', 'kept', '\n'.join(place), '') for place in keeper.seen_by(seen.get(name, {}))]
    return places


class Keeper:
    """A module with the places where it keeps something."""

    def __init__(self, name, places, namespace):
        self.namespace, shown = namespace, shown_by(namespace)
        # A statement names a module that is beside it by the last part of its name.
        self.called = {name, name.rpartition('.')[2]}
        self.names = {place: place[1].rpartition('.')[2] for place in places}
        self.by_star = [place for place in places if place[1] in shown]

    def seen_by(self, seen):
        """
        Where somebody may have looked.

        :param seen: of `names_seen_by`
        """
        has_star = any((STAR, one) in found for one in self.called for found in seen.values())
        looked = dict.fromkeys(self.by_star if has_star else ())
        for file, found in seen.items():
            # What nobody has filled in yet may be found in any way; what has a value is a common name.
            is_named = file == self.namespace.get('__file__') or not self.called.isdisjoint(found)
            is_any = lambda place: is_named or '.' in place[1] or self.namespace[place[1]] is None
            looked.update((place, None) for place, one in self.names.items() if one in found and is_any(place))
        return looked


# What is the process's, or its interpreter's, and followed otherwise.
OF_PROCESS = {*HARMLESS, *FORGOTTEN, ('site', 'USER_BASE'), ('site', 'USER_SITE')}

# Stands for all names that others may have: `from module import *`.
STAR = '*'


def names_seen_by(codes):
    """By file, the names in these codes; pairs of STAR and a name: all names of what has that name."""
    seen = {}
    for code in codes:
        found = seen.setdefault(code.co_filename, set())
        found.update(code.co_names, (one for one in code.co_consts if type(one) is str))
        if (STAR,) in code.co_consts:
            found.update((STAR, name) for name in code.co_names)
    return seen


def shown_by(namespace):
    """The names that `from module import *` gives."""
    listed = namespace.get('__all__')
    return listed if type(listed) in (list, tuple) else [key for key in namespace if type(key) is str and not key.startswith('_')]


def places_of_kept(recorder):
    changed = {place for _, place, _ in recorder.effects} | {(of, name) for _, of, name in recorder.namespaces.changes} | set(recorder.namespaces.replaced)
    assigned, found = assigned_names(recorder.all_objects), []
    for name, module in recorder.namespaces.objects.items():
        namespace = namespace_of(module)
        if recorder.modules.get(name) is module:
            names = [key for key in sorted(assigned.get(id(namespace), ())) if (name, key) not in OF_PROCESS]
            found += [(name, key) for key in names if key in namespace and not is_code(namespace[key])]
    found += [place for place, value in values_of_classes(recorder) if is_kept(value) and place[0] in recorder.modules]
    return [place for place in found if place not in changed and (place[0], place[1].rpartition('.')[0]) not in changed]


def is_kept(value):
    return value is None or type(value) is bool


def is_code(value):
    """What others may call or import from: it is compared anyhow, whoever has looked."""
    return callable(value) or issubclass(type(value), MODULE)


def holder_of_kept(modules, place):
    """What has it, where it still is what it is at first; else None."""
    try:
        holder, name = holder_of(modules, place)
    except KeyError:
        return None
    value = attributes_of(holder).get(name, MISSING)
    is_known = is_kept(value) if '.' in place[1] else value is not MISSING and not is_code(value)
    return holder if is_known else None


# By name in functools: what remembers what the function has answered that it calls.
REMEMBERS = 'cached_property.__get__'


def keepers_between(recorder, frame, owner):
    """
    Modules whose functions have asked for what an import asks for, and may remember the answer: those that remember all answers
    (functools.lru_cache, cached_property), and methods that set attributes, of an object or a class that their module has.
    """
    found, before = set(), None
    while frame is not None and name_in(frame) != owner:
        code, name = frame.f_code, name_in(frame)
        keeper = before if name == 'functools' and code.co_qualname == REMEMBERS else name if is_keeping(frame) else None
        if keeper != 'functools' and keeper not in recorder.base and keeper in recorder.events:
            found.add(keeper)
        frame, before = frame.f_back, name
    return found


def is_keeping(frame):
    code = frame.f_code
    *classes, name = code.co_qualname.split('.')
    if name in ('__init__', '__new__', '<module>'):
        return False
    one, namespace = None, frame.f_globals
    for part in (*classes, name):
        one = getattr(namespace.get(part), '__func__', namespace.get(part))
        namespace = attributes_of(one)
    if NAME_OF_TYPE(type(one)) == '_lru_cache_wrapper':
        return True
    of = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
    is_lasting = type(of) is not MODULE and any(value is of for value in frame.f_globals.values())
    return of is not None and is_lasting and bool(names_at(code, setting_instructions()))


# ---- where a module is put in place ----


def is_kept_as_found(place, holder, value):
    """Whether who has looked would have seen the same."""
    now = attributes_of(holder).get(place[1].rpartition('.')[2])
    return now is value or is_equal(now, value)
