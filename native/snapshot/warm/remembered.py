# SPDX-License-Identifier: Apache-2.0
# What functions remember of the modules of others.


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
