# SPDX-License-Identifier: Apache-2.0
# The namespaces of all modules and of their classes: what an import adds to those of others, replaces in them, or takes away.

HARMLESS = {
    ('sys', 'modules'),
    ('posix', 'environ'),  # see change_variables
    ('_frozen_importlib', '_module_locks'),
    ('_frozen_importlib', '_blocking_on'),
    ('sys', 'path_importer_cache'),
    ('re', '_cache'),
    ('re', '_cache2'),
    ('_strptime', '_regex_cache'),
    ('fnmatch', '_cache'),
    ('typing', '_cleanups'),
    ('ctypes', '_c_functype_cache'),
    ('ctypes', '_pointer_type_cache'),
    ('_ctypes', '_pointer_type_cache'),
    ('struct', '_cache'),
    ('enum', '_auto_null'),
}
# What classes remember of being looked at, and enumerations of flags that were put together.
OF_CLASSES = {
    *('__annotations__', '__doc__', '__parameters__', '_abc_impl', '__abstractmethods__'),
    *('_value2member_map_', '_unhashable_values_'),
}
SPEC = type(sys.__spec__)
# Attributes of specs that say nothing of how a module was found: whether it is whole.
UNTOLD_OF_SPECS = {'_initializing', '_uninitialized_submodules'}


class Namespaces:
    def __init__(self, recorder):
        self.recorder = recorder
        # Namespaces of modules and classes, and what was last seen of them.
        self.watched, self.owners, self.places, self.looks = [], [], {}, {}
        self.objects, self.classes, self.kinds = {}, {}, {}
        self.names = {}  # by address of a module: the name that counts, where there are more
        self.bases = {}  # by address of a class: the module that has it, and what it was derived from at first
        self.prints = b''
        self.compared = set()  # addresses of lists, dictionaries and sets in them whose changes are known by now
        self.changes = []
        self.bound = set()  # modules that became attributes of their packages
        self.rebound = {}
        # By place: (who has put a function or a spec in the place of another, the effect's payload: that one, the function,
        # nothing; whose import has called or read that one before)
        self.replaced = {}
        self.watched_spec = watched_spec(self.spec_read)
        self.readers_of_specs = {}  # by address: the modules whose import has read one

    def settle(self):
        recorder = self.recorder
        for modules in (recorder.modules, recorder.hidden):
            for name, module in list(modules.items()):
                if name in recorder.shared.known:
                    continue
                # Some have two names.
                if self.objects.get(name) is not module and self.names.setdefault(id(module), name) == name:
                    self.objects[name] = module
                    self.follow(name, None, namespace_of(module))
                    self.watch_spec(namespace_of(module))
                self.settle_kind(name, module)
        now = fingerprints(self.watched)
        if now == self.prints:
            return
        self.compared = set()
        for place in range(len(self.watched)):
            if now[8 * place : 8 * place + 8] != self.prints[8 * place : 8 * place + 8]:
                self.settle_namespace(place)
        self.prints = fingerprints(self.watched)

    def settle_kind(self, name, module):
        recorder = self.recorder
        kind, owner = type(module), recorder.stack[-1]
        if self.kinds.setdefault(name, kind) is not kind:
            self.kinds[name] = kind
            # Who has made a module says what it is (importlib.util.LazyLoader).
            if owner and name not in ('__main__', owner) and ('set', name) not in recorder.events[owner]:
                recorder.fault('CHANGED', name + '.__class__')

    def watch_spec(self, namespace):
        """From now on it is seen which modules' imports read the spec of this one."""
        spec = namespace.get('__spec__')
        if self.recorder.watching and type(spec) is SPEC:
            spec.__class__ = self.watched_spec

    def spec_read(self, spec, attribute):
        recorder = self.recorder
        if not recorder.inside and not recorder.idle and attribute not in UNTOLD_OF_SPECS:
            self.readers_of_specs.setdefault(id(spec), set()).add(recorder.stack[-1])

    def follow(self, name, class_name, namespace):
        """From now on changes of this namespace, of a module or of one of its classes, are seen."""
        place = self.places.setdefault((name, class_name), len(self.watched))
        if place < len(self.watched):
            self.watched[place] = namespace
        else:
            self.watched.append(namespace)
            self.owners.append((name, class_name))
        self.looks[place] = look(namespace)
        if class_name is None:
            self.follow_classes(name, namespace)

    def follow_classes(self, name, namespace):
        recorder = self.recorder
        for key, value in list(namespace.items()):
            if type in type(value).__mro__ and id(value) not in self.classes and self.is_class_of(name, value):
                # What was made in a function, or by a name that another has taken since, is found by that of the module alone.
                class_name = value.__qualname__ if is_found_by_name(namespace, value) else key
                self.classes[id(value)] = value
                recorder.fills.classes[name, class_name] = value
                self.bases[id(value)] = name, BASES(value)
                if recorder.watching and recorder.stack[-1] == name and id(value) not in recorder.subclasses.makers:
                    recorder.subclasses.makers[id(value)] = name
                    recorder.event('made', value)
                self.follow(name, class_name, recorder.referents(vars(value))[0])
                self.follow_inner(name, class_name, value)

    def is_class_of(self, name, value):
        """Some say that they are of a module that there is not."""
        of = defined_in(value)
        return of == name or (of not in self.recorder.modules and of not in self.recorder.hidden and namespace_of(self.objects.get(name)).get(value.__qualname__) is value)

    def follow_inner(self, name, outer_name, outer):
        """Classes that have their name in another one."""
        for key, value in NAMESPACE_OF_TYPE(outer).items():
            is_class = type in type(value).__mro__ and id(value) not in self.classes
            if is_class and defined_in(value) == name and value.__qualname__ == '%s.%s' % (outer.__qualname__, key):
                self.classes[id(value)] = value
                inner_name = '%s.%s' % (outer_name, key)
                self.follow(name, inner_name, self.recorder.referents(vars(value))[0])
                self.follow_inner(name, inner_name, value)

    def look_again(self, owners):
        """What was changed in these namespaces since they were looked at was changed by nobody."""
        for place in [self.places[owner] for owner in owners if owner in self.places]:
            namespace = self.watched[place]
            self.looks[place] = look(namespace)
            if 8 * place < len(self.prints):
                self.prints = self.prints[: 8 * place] + fingerprints([namespace]) + self.prints[8 * place + 8 :]

    def settle_namespace(self, place):
        owner = self.recorder.stack[-1]
        name, class_name = self.owners[place]
        namespace, before = self.watched[place], self.looks.get(place)
        if owner and owner != name and before is not None:
            if class_name is None:
                self.compare(name, namespace, before)
            else:
                self.compare_class(name, class_name, namespace, before)
        self.looks[place] = look(namespace)
        if class_name is None:
            self.follow_classes(name, namespace)
            self.watch_spec(namespace)

    def compare_class(self, name, class_name, namespace, before):
        """Something else than the class' own module has changed the class."""
        recorder = self.recorder
        keys, values, containers, _, contents = before
        old, copies = dict(zip(keys, values)), dict(zip(map(id, containers), contents))
        followed = self.followed()
        for key, value in [*namespace.items(), *((key, MISSING) for key in keys if key not in namespace)]:
            known = old.get(key, MISSING)
            place = (name, '%s.%s' % (class_name, key))
            if key in OF_CLASSES or (name, class_name) == FINALIZERS:
                continue
            # Gone with the module that the class says it is of.
            if key == '__firstlineno__' and (name, '%s.__module__' % class_name) in recorder.fills.by_place:
                continue
            if known is value:
                if id(value) not in followed and id(value) in copies and holds_others(copies[id(value)], value):
                    self.compare_contents(place, copies[id(value)], value)
            elif known is MISSING or value is MISSING:
                recorder.event('effect', 'attribute', place, (known, value, keys))
            elif not recorder.counts.take(place, known, value) and not recorder.fills.take_class(place, known, value, old):
                self.rebind(place, known, value)

    def followed(self):
        """Addresses of what is looked at by itself."""
        return {id(list_of(self.recorder.modules, place)) for place in LISTS + DICTS} - {id(None)}

    def compare(self, name, namespace, before):
        """Something else than the module itself has changed its namespace."""
        recorder = self.recorder
        keys, values, containers, _, contents = before
        # Made by the first of several that use it: it never was there as it would be without the others.
        is_shared = name not in recorder.base and name not in recorder.begun and namespace.get('__spec__') is None
        old = dict(zip(keys, values))
        copies = dict(zip(map(id, containers), contents))
        followed = self.followed()
        warned = False
        for key, value in namespace.items():
            known = old.pop(key, MISSING)
            place = (name, key)
            if place in HARMLESS or place in FORGOTTEN or place in ATTRIBUTES:
                continue
            if key == '__warningregistry__':
                is_expected = id(value) in recorder.warnings.registries and not value
                warned = not is_expected and (known is not value or len(copies.get(id(value), value)) != len(value))
            elif known is value:
                if id(value) not in followed and id(value) in copies and holds_others(copies[id(value)], value):
                    self.compare_contents(place, copies[id(value)], value)
            elif value is recorder.modules.get('%s.%s' % place, self) and known is MISSING:
                self.bound.add('%s.%s' % place)
            elif known is MISSING and recorder.fills.take_name(place, self.objects[name], value):
                continue
            elif (known is MISSING or known is None) and not is_shared:
                recorder.event('effect', 'attribute', place, (known, value, keys))
            elif not recorder.counts.take(place, known, value):
                self.rebind(place, known, value)
        if warned and not recorder.watching:
            recorder.warnings.warned_in.add((recorder.stack[-1], name))
        elif warned:
            recorder.fault('WARNED', name)
            # A warning that is ignored leaves its registry, and no entry in it: the next would not be seen.
            del namespace['__warningregistry__']
        for key in old:
            if (name, key) not in FORGOTTEN:
                self.changes.append((recorder.stack[-1], name, key + ' (removed)'))

    def rebind(self, place, before, now):
        """What is put back later has never been changed; it may have been for as long as something was imported."""
        if is_equal(before, now):
            return
        owner, original = self.rebound.pop(place, (self.recorder.stack[-1], before))
        change = (owner, *place)
        self.take_back(owner, place)
        if change in self.changes:
            self.changes.remove(change)
        if original is now:
            return
        self.rebound[place] = owner, original
        are_functions = type(original) is type(now) and is_function(now) and is_function(original)
        if owner == self.recorder.stack[-1] and (are_functions or place in SIZES_OF_CACHES or self.is_second_name(place, now)):
            self.replace(place, original, now)
        else:
            self.changes.append(change)

    def is_second_name(self, place, now):
        """Whether a spec is that of the module being loaded, for which a loader has handed out another one."""
        recorder = self.recorder
        name, owner = place[0], recorder.stack[-1]
        is_spec = place[1] == '__spec__' and is_spec_of(now, owner)
        return is_spec and owner in recorder.modules and recorder.modules[owner] is recorder.modules.get(name)

    def replace(self, place, original, now):
        """Something stands in the place of another module's function, spec or setting; replaced.py says who else has got hold of either."""
        owner = self.recorder.stack[-1]
        payload = original, now, []
        self.replaced[place] = owner, payload, self.users_of(original)
        self.recorder.event('effect', 'attribute', place, payload)

    def users_of(self, value):
        """The modules whose import has called a function, or read a spec."""
        if is_function(value):
            return callers_of(getattr(value, '__func__', value).__code__)
        return sorted(self.readers_of_specs.get(id(value), ()))

    def take_back(self, owner, place):
        recorder = self.recorder
        if place not in self.replaced:
            return
        payload = self.replaced.pop(place)[1]
        recorder.events[owner] = [event for event in recorder.events[owner] if event[-1] is not payload]
        recorder.effects = [effect for effect in recorder.effects if effect[-1] is not payload]

    def compare_contents(self, place, before, now):
        # What more than one module has is changed once: where it was first.
        if id(now) in self.compared:
            return
        self.compared.add(id(now))
        more = added(before, now)
        if more is None:
            self.changes.append((self.recorder.stack[-1], place[0], place[1] + ' (contents)'))
        elif any(more) if type(now) is list else more:
            self.recorder.event('effect', type(now).__name__, place, more)


def is_found_by_name(namespace, value):
    """Whether a class is found in its module by what it says that it is called there."""
    one = None
    for part in value.__qualname__.split('.'):
        one = namespace.get(part)
        namespace = attributes_of(one)
    return one is value


def look(namespace):
    """What a namespace holds; with the sizes of what can hold more, and copies of it."""
    values = list(namespace.values())
    # What is built in belongs to a module of its own.
    builtin = namespace.get('__builtins__')
    containers = [value for value in values if type(value) in (dict, list, set) and value is not builtin]
    return list(namespace), values, containers, list(map(len, containers)), [one.copy() for one in containers]


def holds_others(before, now):
    """As `fingerprints` of warm.c goes by: other values of a dictionary are none, nor of what is large what has come for something else."""
    if len(before) != len(now):
        return True
    has_keys = type(now) is not list and len(now) <= MOST_KEYS
    return has_keys and set(map(id, before)) != set(map(id, now))


def is_equal(one, other):
    """Whether nobody can tell one value from the other: those of the time zone are made again when they are looked up."""
    kind = type(one)
    if kind is not type(other):
        return False
    if kind is tuple:
        return len(one) == len(other) and all(map(is_equal, one, other))
    return kind in (int, float, str, bytes, bool) and one == other


def is_spec_of(value, name):
    return isinstance(value, SPEC) and value.name == name


def watched_spec(note):
    """A class of specs that tells each time that one is read, compared or shown."""

    class ModuleSpec(SPEC):
        def __getattribute__(self, name):
            note(self, name)
            return SPEC.__getattribute__(self, name)

        def __eq__(self, other):
            note(self, '')
            return SPEC.__eq__(self, other)

        def __repr__(self):
            note(self, '')
            return SPEC.__repr__(self)

    ModuleSpec.__qualname__, ModuleSpec.__module__ = SPEC.__qualname__, SPEC.__module__
    return ModuleSpec


def is_function(value):
    """Whether it is one in Python, or a static method of one."""
    return type(getattr(value, '__func__', value) if type(value) is staticmethod else value) is FUNCTION
