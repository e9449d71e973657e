# SPDX-License-Identifier: Apache-2.0
# Generators of the module random that an import has made, wherever its module holds them. Their state is drawn again in each
# process, unless it was set to something: in a template that is watched all that draw it are given the same bytes (watch.c),
# so that those are known which nobody has seeded or used.


class Generators:
    def __init__(self, recorder):
        self.recorder = recorder
        self.seeds = {}  # by module: how many have drawn their state
        self.again = {}  # by address: those that are seeded again
        self.models = {}  # by class: one that was made by this, and how often it has drawn
        self.seeded = {}  # by module: where a template that was watched has held some
        self.states = {}  # of those that all modules share, by module

    def settle(self, name, namespace, drawn):
        """Generators that have drawn their state, which are seeded again: all those that are as they were made."""
        recorder = self.recorder
        found = generators_in(name, namespace)
        found = {place: [one for one in those if id(one) not in self.again] for place, those in found.items()}
        if recorder.watching:
            places = [place for place, those in found.items() if those and all(map(self.is_as_made, those))]
        else:
            places = self.seeded[name]
        fresh = [one for place in places for one in found.get(place, ())]
        self.again.update((id(one), one) for one in fresh)
        if fresh:
            recorder.event('effect', 'seed', ' '.join((name, *places)), list(map(seed_of_generator, fresh)))
        if drawn > sum(map(self.draws_of, fresh)):
            recorder.fault('ENTROPY')

    def is_as_made(self, generator):
        return state_of_generator(generator) == state_of_generator(self.made(class_of_generator(generator))[0])

    def draws_of(self, generator):
        """How often its state was drawn when it was made."""
        plain = next((one for one in type(generator).__mro__ if one.__module__ == 'random' and one.__name__ == 'Random'), None)
        is_plain = plain is not None and type(generator).seed is plain.seed and type(generator).__init__ is plain.__init__
        return self.made(plain if is_plain else class_of_generator(generator))[1]

    def made(self, kind):
        """A generator of this class that has just been made, and how often it has drawn."""
        recorder = self.recorder
        if kind not in self.models:
            recorder.inside = True
            recorder.probe()
            one = kind()
            self.models[kind] = one, dict(recorder.probe()).get('SEEDS', 0)
            recorder.inside = False
        return self.models[kind]

    def settle_shared(self):
        """Whoever seeds one that all modules share, or draws from it, changes what others will draw."""
        for name, state in states_of_generators(self.recorder.modules):
            if self.states.setdefault(name, state) != state:
                self.states[name] = state
                self.recorder.fault('ENTROPY', name)


def states_of_generators(modules):
    plain, numpy = (namespace_of(modules.get(name)) for name in ('random', 'numpy.random.mtrand'))
    if '_inst' in plain:
        yield 'random', plain['_inst'].getstate()
    if '_rand' in numpy:
        _, keys, *rest = numpy['_rand'].get_state(legacy=True)
        yield 'numpy.random', (keys.tobytes(), rest)


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
