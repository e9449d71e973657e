# SPDX-License-Identifier: Apache-2.0
# Which classes are derived from a class that an import has asked for them: the answer is a condition, and who has made which class
# an event. Others are left alone.

SUBCLASSES = type.__dict__['__subclasses__']
BASES = type.__dict__['__bases__'].__get__


class Subclasses:
    def __init__(self, recorder):
        self.recorder = recorder
        # By address: classes that were asked for those derived from them; of those that are known by now, pairs of addresses.
        self.asked_of, self.derived = {}, set()
        self.base_classes = all_classes() if recorder.watching else {}
        self.makers = {}  # by address of a class, who has made it and bound it to its name; None: that is known better

    def settle(self):
        """What has been derived from classes that were asked before."""
        recorder = self.recorder
        inside, recorder.inside = recorder.inside, True
        for of in self.asked_of.values():
            for one in SUBCLASSES(of):
                if (id(of), id(one)) not in self.derived:
                    self.derived.add((id(of), id(one)))
                    if id(one) not in self.makers:
                        self.makers[id(one)] = None
                        recorder.event('made', one)
        recorder.inside = inside

    def asked(self, of):
        """A class was asked for those that are derived from it; of a module's own they are known."""
        recorder = self.recorder
        owner = recorder.stack[-1]
        if not owner or recorder.inside or recorder.idle or defined_in(of) == owner:
            return
        recorder.inside = True
        self.settle()
        # Nothing else: what the module has done until its next import is one effect, also where nobody watches.
        recorder.namespaces.follow_classes(owner, namespace_of(recorder.modules.get(owner)))
        recorder.inside = False
        answer = SUBCLASSES(of)
        if not can_hide(of) or not all(map(self.is_made_by_known, answer)):
            recorder.fault('CLASSES', name_of_class(of))
            return
        if id(of) not in self.asked_of:
            self.asked_of[id(of)] = of
            self.derived.update((id(of), id(one)) for one in answer)
        event = ('classes', of, answer)
        events = recorder.events[owner]
        since = next((i for i in range(len(events), 0, -1) if events[i - 1][0] != 'classes'), 0)
        if event not in events[since:]:
            recorder.event(*event)

    def is_made_by_known(self, one):
        """Whether it was there before, or is known since it was made."""
        return id(one) in self.base_classes or id(one) in self.makers

    def name_all(self):
        """Writes the events of classes with their names; a module that has asked for one that has none has a fault."""
        recorder = self.recorder
        if self.asked_of:
            recorder.collector.collect()
        inside, recorder.inside = recorder.inside, True
        held = {id(of): set() for of in self.asked_of.values()}
        for owner, events in recorder.events.items():
            named = []
            for event in events:
                if event[0] != 'made':
                    named.append(event)
                    continue
                for of in BASES(event[1]):
                    if id(of) in held and is_named_class(recorder.modules, event[1]) and is_named_class(recorder.modules, of):
                        held[id(of)].add(id(event[1]))
                        named.append(('derives', of, event[1]))
            recorder.events[owner] = in_order_of_making(named)
        for owner, events in recorder.events.items():
            recorder.stack.append(owner)
            recorder.events[owner] = [event for event in map(self.named_event, events, [held] * len(events)) if event]
            recorder.stack.pop()
        recorder.inside = inside

    def named_event(self, event, held):
        if event[0] == 'derives':
            return 'derives', *map(name_of_class, event[1:])
        if event[0] != 'classes':
            return event
        _, of, answer = event
        # Whatever is left of those that nobody can name would be another one in each process.
        are_known = all(id(one) in held[id(of)] or id(one) in self.base_classes for one in (*answer, *SUBCLASSES(of)))
        if are_known and all(is_named_class(self.recorder.modules, one) for one in (of, *answer)):
            return 'classes', name_of_class(of), ' '.join(map(name_of_class, answer))
        self.recorder.fault('CLASSES', name_of_class(of))
        return None


def all_classes():
    """By address, those that there are."""
    found, work = {}, [object]
    while work:
        one = work.pop()
        if id(one) not in found:
            found[id(one)] = one
            work.extend(SUBCLASSES(one))
    return found


def name_of_class(one):
    return '%s.%s' % (defined_in(one), NAME_OF_TYPE(one))


def class_of_name(modules, name):
    """The class that is at that place; None where there is none."""
    module = name
    while module and module not in modules:
        module = module.rpartition('.')[0]
    holder = modules.get(module)
    for part in name[len(module) + 1 :].split('.'):
        holder = attributes_of(holder).get(part)
    return holder if holder is not None and type in type(holder).__mro__ else None


def is_named_class(modules, one):
    return class_of_name(modules, name_of_class(one)) is one


def can_hide(of):
    """Whether it can be kept from knowing what is derived from it: not what is built in, nor what has a registry of its own."""
    return subclasses_of(of) is not None and not any('_abc_impl' in NAMESPACE_OF_TYPE(one) for one in type.__dict__['__mro__'].__get__(of))


def in_order_of_making(events):
    """Those that were derived one after another, in the order in which their class has them."""
    ordered, run = [], []
    for event in (*events, None):
        if event is not None and event[0] == 'derives':
            run.append(event)
            continue
        places = {id(of): [id(one) for one in SUBCLASSES(of)] for _, of, _ in run}
        run.sort(key=lambda pair: places[id(pair[1])].index(id(pair[2])))
        ordered += run
        run = []
        if event is not None:
            ordered.append(event)
    return ordered
