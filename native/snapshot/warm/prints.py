# SPDX-License-Identifier: Apache-2.0
# What a program must not have changed, in modules that are there already, before it imports one that is ready.

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
