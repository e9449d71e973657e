# SPDX-License-Identifier: Apache-2.0
# What a module has others fill in by asking for it: names that its `__getattr__` puts into its namespace, and the module that a
# class or a function then says it is of (`__module__`), which that sets from one text to another. Whoever asks first does it, and
# whoever asks later finds it done: so which import has done it depends on which others there were.
#
# In a template that is watched, each import finds what it would find if nobody were there but what it has imported: what others
# have filled in is taken out before its code runs, and is there again behind. So everybody is seen who asks, and each of
# them does it when it is put in place, as long as it is not done. The template that is watched elsewhere has everything
# filled in for all, and classes and functions of the other module from the moment when their own is loaded: whoever has looked,
# in whatever way, and kept what comes of it, has left something else. The template that is frozen takes nothing out.


class Fill:
    def __init__(self, place, holder, before, after, keys, line):
        """
        :param holder: a namespace of a module, where a name is filled in; or the class or function
        :param keys: names of the class before, in their order; and its first line, which CPython 3.13 forgets with the module
        """
        self.place, self.payload, self.keys, self.line = place, (holder, before, after), keys, line
        self.owners = set()  # modules whose import has asked
        self.shown = True
        # What is no class, function or module may be made anew for each who asks, as `typing` makes its aliases.
        self.is_made = type(holder) is dict and type(after) not in (FUNCTION, MODULE) and type not in type(after).__mro__

    def hide(self, referents):
        holder, before, _ = self.payload
        if type(holder) is dict:
            holder.pop(self.place[1], None)
        elif type(holder) is FUNCTION:
            holder.__module__ = before
        else:
            namespace = referents(NAMESPACE_OF_TYPE(holder))[0]
            namespace['__module__'] = before
            if self.line is not MISSING:
                namespace['__firstlineno__'] = self.line
            reorder(holder, self.keys, referents)


class Fills:
    def __init__(self, recorder):
        self.recorder = recorder
        self.by_place = {}
        self.has_views = recorder.watching and not ELSEWHERE
        self.expected = None  # in a template that is frozen: the places, in words
        self.early = {}  # by module: (attribute, what it says it is of)
        self.come = {}  # by address of what that is true of already: the module that has it
        self.classes = {}  # by module and name
        self.functions = {}  # by address: (a function, the module that it said it is of when that was loaded)
        self.with_names_made = set()  # namespaces that others may fill, as recorder.namespaces.owners has them
        # By module: those of all that it has imported, and itself, whose import has asked. One that is still being loaded may lack
        # some: then what is there already is filled in again.
        self.brought = {}
        self.stood_in = {}  # by module: its namespace, and the `__getattr__` that another one stands for
        self.setters = {}  # by what was put into sys.modules: the module that did it

    # ---- what an import has done ----

    def take_name(self, place, module, value):
        """Whether a name was added to a namespace that others fill."""
        if not self.is_one(place, has_names_made(module)):
            return False
        self.note(place, namespace_of(module), MISSING, value)
        function, before = self.functions.get(id(value), (None, ''))
        if function is value and type(value.__module__) is str and value.__module__ != before:
            own = before, '%s.__module__' % value.__qualname__
            if self.is_one(own, True):
                self.note(own, value, before, value.__module__)
        return True

    def take_class(self, place, before, after, old):
        """Whether a class of another module says now that it is of another one."""
        holder = self.classes.get((place[0], place[1].rpartition('.')[0]))
        # What comes to be of a module that others do not fill is a change like others.
        is_filled = type(before) is str and type(after) is str and before != after and has_names_made(self.recorder.modules.get(after))
        if holder is None or not place[1].endswith('.__module__') or not self.is_one(place, is_filled):
            return False
        known = self.by_place.get(place)
        if known is not None and after == known.payload[1]:
            self.recorder.fault('CHANGED', place_text(place))
        else:
            self.note(place, holder, before, after, list(old), old.get('__firstlineno__', MISSING))
        return True

    def is_one(self, place, may_be):
        return may_be if self.expected is None else place_text(place) in self.expected

    def note(self, place, holder, before, after, keys=(), line=MISSING):
        known = self.by_place.get(place)
        if known is None:
            known = self.by_place[place] = Fill(place, holder, before, after, keys, line)
        elif known.payload[0] is not holder or not is_filled_with(known.payload[2], after):
            # Asked again it gives something else.
            self.recorder.fault('CHANGED', place_text(place))
            return
        known.shown = True
        known.owners.add(self.recorder.stack[-1])
        self.brought.setdefault(self.recorder.stack[-1], set()).add(self.recorder.stack[-1])
        self.recorder.event('effect', 'fill', place, known.payload)

    def failed(self, name):
        """What the import of a module has done that has failed is its importer's."""
        for one in self.by_place.values():
            if name in one.owners:
                one.owners.remove(name)
                one.owners.add(self.recorder.stack[-1])
                self.brought.setdefault(self.recorder.stack[-1], set()).add(self.recorder.stack[-1])

    def loaded(self, name, module):
        for value in namespace_of(module).values():
            if type(value) is FUNCTION and value.__module__ == name:
                self.functions.setdefault(id(value), (value, name))
        if has_names_made(module):
            self.with_names_made.add((name, None))
        if name in self.early:
            self.come_early(name, namespace_of(module))

    # ---- what the others find ----

    def come_early(self, name, namespace):
        for attribute, after in self.early[name]:
            of = attribute.rpartition('.')[0]
            holder = self.classes.get((name, of), namespace.get(of))
            if type(holder) is FUNCTION or type in type(holder).__mro__:
                fill(attribute, (holder, None, after))
                self.come[id(holder)] = name
        self.recorder.namespaces.look_again({owner_of((name, attribute)) for attribute, _ in self.early[name]})

    def settle(self):
        """The same as at the start and end of a load, of what is filled in alone."""
        recorder = self.recorder
        if not self.has_views or recorder.idle:
            return
        owners = [one for one in self.with_names_made | set(map(owner_of, self.by_place)) if one in recorder.namespaces.places]
        places = [recorder.namespaces.places[one] for one in owners]
        now = fingerprints([recorder.namespaces.watched[place] for place in places])
        changed = [i for i, at in enumerate(places) if now[8 * i : 8 * i + 8] != recorder.namespaces.prints[8 * at : 8 * at + 8]]
        recorder.namespaces.compared = set()
        for i in changed:
            recorder.namespaces.settle_namespace(places[i])
        recorder.namespaces.look_again({owners[i] for i in changed})

    def switch(self):
        """Has the module whose code runs from now on find what it would if nobody else were there."""
        recorder = self.recorder
        owner = recorder.stack[-1]
        if not self.has_views or not self.by_place or not owner or recorder.idle:
            return
        brought = self.brought.get(owner, ())
        others = [one for one in self.by_place.values() if one.shown == one.owners.isdisjoint(brought)]
        self.show([one for one in others if not one.shown], [one for one in others if one.shown])

    def show(self, ones, but=()):
        for one in ones:
            fill(one.place[1], one.payload)
            one.shown = True
        for one in but:
            one.hide(self.recorder.referents)
            one.shown = False
        stood_in = self.stand_in()
        self.recorder.namespaces.look_again({*stood_in, *(owner_of(one.place) for one in (*ones, *but))})

    def stand_in(self):
        """Whoever asks again for what is taken out, and may be made anew, gets what the first has got; returns namespaces."""
        hidden = {one.place[0]: one.payload[0] for one in self.by_place.values() if one.is_made and not one.shown}
        changed = hidden.keys() ^ self.stood_in.keys()
        for name in changed:
            if name in hidden and type(hidden[name].get('__getattr__')) is FUNCTION:
                self.stood_in[name] = hidden[name], hidden[name]['__getattr__']
                hidden[name]['__getattr__'] = self.asked_again(*self.stood_in[name])
            elif name in self.stood_in:
                namespace, original = self.stood_in.pop(name)
                namespace['__getattr__'] = original
        return {(name, None) for name in changed}

    def asked_again(self, namespace, original):
        def __getattr__(name):
            value = original(name)
            for one in self.by_place.values():
                if one.is_made and one.payload[0] is namespace and one.place[1] == name:
                    value = namespace[name] = one.payload[2]
            return value

        return __getattr__

    def asks(self, name):
        """The module that is being loaded asks for that one: what comes with it is there for this one too."""
        stack = self.recorder.stack
        if not self.has_views or stack[-1] == '':
            return
        name = self.setters.get(name, name)
        brought = self.brought.setdefault(stack[-1], set())
        # With one that is not loaded yet comes what has led here.
        for one in [name, *(stack[stack.index(name) + 1 : -1] if name in stack else ())]:
            brought |= self.brought.get(one, set())

    def begin(self, name):
        self.brought[name] = set()
        while '.' in name:
            name = name.rpartition('.')[0]
            self.asks(name)

    # ---- the record ----

    def leave(self):
        """Everything is there for all, from now on."""
        if self.has_views:
            self.show([one for one in self.by_place.values() if not one.shown])
        self.has_views = False

    def early_ones(self):
        """(module, attribute, what it says it is of), where that is not so each time that the module is there."""
        graph, found = graph_of(self.recorder), []
        for (of, attribute), one in self.by_place.items():
            if type(one.payload[0]) is not dict and graph.closure(of).isdisjoint(one.owners):
                found.append([of, attribute, one.payload[2]])
        return found

    def all_moved(self):
        """(module, attribute, what it says it is of), of all classes and functions that come to say so."""
        return [[of, attribute, one.payload[2]] for (of, attribute), one in self.by_place.items() if type(one.payload[0]) is not dict]

    def homes(self):
        """By address of a class or function, the module that has it, whatever that says of itself."""
        return self.come | {id(one.payload[0]): of for (of, _), one in self.by_place.items() if type(one.payload[0]) is not dict}

    def of_classes(self):
        """(class, as entries.h has it), of those that nobody has filled in, now that this is taken out."""
        for one in self.by_place.values():
            holder, before, after = one.payload
            if type in type(holder).__mro__ and filled_by_now('', holder) == before:
                yield holder, (before, after, None if one.line is MISSING else one.line)

    def with_object(self, kind, what, place):
        """An event with what there is in this template; raises ValueError."""
        for known, one in self.by_place.items():
            if place_text(known) == place:
                return kind, what, known, one.payload
        raise ValueError('nothing was filled in: %s' % place)

    def expect(self, modules):
        """An extension module may have looked and kept it where nobody sees that: it is held while there is what it saw."""
        graph = Graph({about['name']: about for about in modules})
        for about in [about for about in modules if about['kind'] == 'extension']:
            inner = graph.closure(about['name'])
            for place, one in self.by_place.items():
                if type(one.payload[0]) is not dict and place[0] in inner and inner.isdisjoint(one.owners):
                    about['events'].insert(0, ['unfilled', place_text(place)])


def owner_of(place):
    """As recorder.namespaces.owners has it."""
    return place[0], place[1].rpartition('.')[0] or None


def has_names_made(module):
    """Whether its names are made when they are asked for."""
    own = namespace_of(module).get('__getattr__')
    return type(own) is FUNCTION or any(type(NAMESPACE_OF_TYPE(one).get('__getattr__')) is FUNCTION for one in type(module).__mro__)


# ---- where a module is put in place ----


def is_filled_with(value, other):
    return value is other or (type(value) is str and type(other) is str and value == other)


def filled_by_now(name, holder):
    if type(holder) is dict:
        return holder.get(name, MISSING)
    return attributes_of(holder).get('__module__') if type in type(holder).__mro__ else holder.__module__


def may_fill(place, payload):
    """Whether it is as it was before anybody had asked, or as it is behind that."""
    holder, before, after = payload
    now = filled_by_now(place[1], holder)
    return is_filled_with(now, before) or is_filled_with(now, after)


def is_unfilled(place, payload):
    """Whether nobody has asked, nor will have before this is put in place."""
    return place not in to_come and is_filled_with(filled_by_now(place[1], payload[0]), payload[1])


def fill(name, payload):
    holder, _, after = payload
    if type(holder) is dict:
        holder.setdefault(name, after)
    elif filled_by_now(name, holder) != after:
        holder.__module__ = after
