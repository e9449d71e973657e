# SPDX-License-Identifier: Apache-2.0
# Generators of the module random that an import has made, wherever its module holds them. Their state is drawn again in each
# process, unless it was set to something: in a template that is watched all that draw it are given the same bytes (watch.c),
# so that those are known which nobody has seeded or used.

# Nested as deeply as a module may hold one.
NESTED = 6


def class_of_generator(value):
    """The class of the interpreter that it is made of, whose state is drawn when it is made; of anything else None."""
    return next((one for one in type(value).__mro__ if one.__name__ == 'Random' and one.__module__ == '_random'), None)


def is_generator(value):
    return class_of_generator(value) is not None


def state_of_generator(value):
    return class_of_generator(value).getstate(value)


def seed_of_generator(value):
    """What draws its state again, whatever its own class says to that."""
    return class_of_generator(value).seed.__get__(value)


def generators_in(name, namespace):
    """
    By place, generators that a module holds: in its namespace, as defaults of its functions, in its classes and their
    instances, and in lists, tuples and dictionaries there. What is in one of these has the same place.
    """
    found, seen = {}, {}

    def visit(place, value, depth):
        if id(value) in seen or depth == 0:
            return
        seen[id(value)] = value
        if is_generator(value):
            found.setdefault(place, []).append(value)
            return
        for key, one in parts_of_holder(name, value):
            visit('%s.%s' % (place, key) if key else place, one, depth - 1)

    for key, value in list(namespace.items()):
        visit(str(key), value, NESTED)
    return found


def parts_of_holder(name, value):
    """What may hold a generator in turn: (name of an attribute or nothing, value), ..."""
    kind = type(value)
    if kind is list or kind is tuple:
        return [('', one) for one in value]
    if kind is dict:
        return [('', one) for one in value.values()]
    if kind is staticmethod or kind is classmethod:
        return [('', value.__func__)]
    if kind is property:
        return [(key, getattr(value, key)) for key in ('fget', 'fset', 'fdel')]
    if kind is FUNCTION:
        return [('', value.__defaults__), ('', value.__kwdefaults__)] if defined_in(value) == name else []
    if type in kind.__mro__:
        return list(NAMESPACE_OF_TYPE(value).items()) if defined_in(value) == name else []
    return [('', one) for one in members_of(value)] if defined_in(kind) == name else []
