# SPDX-License-Identifier: Apache-2.0
# Counters of other modules, in their namespaces or their classes, that go on as functions of theirs are called by imports: so that
# each object has a number. They are set back before the freeze, and set with the module that has counted, where they are what they
# were when its import began. What has looked at one, without counting, is held while it would see the same number.
#
# Where a template is watched the code is known that was executed for each module: names in it tell who may have looked.


class Counts:
    def __init__(self, recorder):
        self.recorder = recorder
        self.places = set()  # in words, in a template that is frozen: those that the watched one has found
        self.history = []  # (place, before, after)
        self.counting = set()  # pairs of a module and a place
        self.begun = {}  # by module: how long that was when its load began

    def begin(self, name):
        self.begun[name] = len(self.history)

    def take(self, place, before, after):
        """Whether a number that stands at a place is counted there, which then is an effect of the module that is being loaded."""
        recorder = self.recorder
        if type(before) is not int or type(after) is not int:
            return False
        holder = holder_of_number(recorder.namespaces.objects, place, after)
        if holder is None or not (self.is_counting(place) if recorder.watching else place_text(place) in self.places):
            return False
        self.history.append((place, before, after))
        recorder.event('effect', 'count', place, (before, after, holder))
        return True

    def is_counting(self, place):
        """Whether a function of the module that has the number was called, which names it."""
        owner, file = self.recorder.stack[-1], namespace_of(self.recorder.modules.get(place[0])).get('__file__')
        if (owner, place) not in self.counting:
            if any(code.co_filename == file and is_named_in(code, place) for code in executed().get(owner, ())):
                self.counting.add((owner, place))
        return (owner, place) in self.counting

    def settle_readers(self, called, graph):
        """
        Those that may have looked at a number are held while it is what it was when their load began: where its module was not
        there by then, what that has with all that it imports, which count before anybody else.

        :param called: of `executed`
        :return: the places of all numbers
        """
        events, order = self.recorder.events, {name: at for at, name in enumerate(self.begun)}
        firsts = counters_of_classes(self.recorder)
        firsts.update(reversed([(place, before) for place, before, _ in self.history]))
        for place, first in firsts.items():
            inner = graph.closure(place[0])
            for name, since in self.begun.items():
                if name in events and name not in inner and any(is_named_in(code, place) for code in called.get(name, ())):
                    numbers = [first, *(after for one, _, after in self.history[:since] if one == place)]
                    is_there = order.get(place[0], -1) < order[name]
                    events[name].insert(0, ('finds', 'counter', '\n'.join(place), numbers[-1] if is_there else 'first'))
        return list(firsts)


def counters_of_classes(recorder):
    return {place: value for place, value in values_of_classes(recorder) if type(value) is int}


def values_of_classes(recorder):
    """(place, value) of what functions of the same module may set in classes, by the name of the class."""
    instructions, found, seen = setting_instructions(), {}, set()
    modules = {id(namespace_of(module)): name for name, module in recorder.namespaces.objects.items()}
    for function in recorder.all_objects():
        name = modules.get(id(function.__globals__)) if type(function) is FUNCTION else None
        if name is None or function.__code__ in seen:
            continue
        seen.add(function.__code__)
        for code in with_inner(function.__code__):
            for one in map(function.__globals__.get, code.co_names):
                if type not in type(one).__mro__ or defined_in(one) != name:
                    continue
                for attribute in code.co_names:
                    value, place = NAMESPACE_OF_TYPE(one).get(attribute, MISSING), (name, '%s.%s' % (NAME_OF_TYPE(one), attribute))
                    if (is_kept(value) or type(value) is int) and attribute in names_at(code, instructions):
                        if holder_of_number(recorder.namespaces.objects, place, value) is one:
                            found[place] = value
    return list(found.items())


def setting_instructions():
    """Those by which a function sets an attribute."""
    without, with_one = (
        compile('def function(): ' + text, '', 'exec').co_consts[0].co_code[::2] for text in ('one.two; one(0)', 'one.two = 0')
    )
    return set(with_one) - set(without)


def with_inner(code):
    yield code
    for constant in code.co_consts:
        if type(constant) is type(code):
            yield from with_inner(constant)


def names_at(code, instructions):
    """The names that a code has in these instructions, not those of what is in it."""
    # CPython keeps this text in the object that it was asked of.
    words = code.co_code
    numbers = [number for one, number in zip(words[::2], words[1::2]) if one in instructions]
    # The higher part of a number is in an instruction of its own: any name may be meant.
    are_whole = len(code.co_names) <= 256 or not numbers
    return {code.co_names[number] for number in numbers} if are_whole else set(code.co_names)


def executed():
    """By name of a module, the code that its import has executed, but for the recorder's own and that of importlib."""
    return {name: [code for code in codes if not code.co_filename.startswith(UNASKED)] for name, codes in codes_called().items()}


UNASKED = ('<pycds ', '<frozen importlib.')


def is_named_in(code, place):
    name = place[1].rpartition('.')[2]
    return name in code.co_names or name in code.co_consts


def holder_of_number(modules, place, number):
    """The module or the class that has it; None: it cannot be found again."""
    try:
        holder, name = holder_of(modules, place)
    except KeyError:
        return None
    return holder if attributes_of(holder).get(name) is number else None


# ---- where a module is put in place ----


def count_by_now(place, holder):
    return to_come.get(place, attributes_of(holder).get(place[1].rpartition('.')[2]))


def is_count(place, holder, number):
    now = count_by_now(place, holder)
    return type(now) is int and now == number
