# SPDX-License-Identifier: Apache-2.0
# What modules hold, as digests: equal in two processes that have imported the same, but for what comes from the clock, the
# number of the process, the host or chance. Addresses are no values and sets have no order. Classes and functions count for
# the module that defines them. Only in a template that is watched, which no process is made of.
import _imp
import builtins
import io

DEPTH = 12
# What is beyond is not compared; more than libraries hold.
MOST_VALUES = 1000000
LEAST_ADDRESS = 0x10000
ONLY_DIGITS = bytes(byte if byte in b'0123456789' else 32 for byte in range(256))
# Around a number that may be an address; not in what `repr` makes of a text.
NUMBER = '\0'
# Before what an object of an extension module says of itself.
OPAQUE = '\1'
PUNCTUATION = {ord(character): ' ' for character in '{}[]()<>,:;'}
SIMPLE = {type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented)}
SLOT, GETSET = type(FUNCTION.__globals__), type(FUNCTION.__code__)
# Names that importing gives, caches, and what says more of the interpreter than of the module.
UNSEEN = {
    *('__builtins__', '__cached__', '__doc__', '__loader__', '__spec__', '__warningregistry__'),
    *('__dict__', '__weakref__', '_abc_impl', '__static_attributes__', '__firstlineno__'),
}


class Values:
    """Walks through what modules hold."""

    def __init__(self, seeded, named, objects, homes):
        """
        :param seeded: by address: generators of random numbers whose state is drawn again in each process
        :param named: by address: objects of which an attribute is (locals.py, parsers.py), and its name
        :param homes: by address: the module of what says now that it is of another one (fills.py)
        :param objects: all that the collector knows. The addresses of classes among them, as numbers in texts, stay true
        """
        self.seeded = seeded
        self.homes = homes
        self.named = named
        self.addresses = {id(one): one for one in (*vars(builtins).values(), *objects) if type in type(one).__mro__}
        self.seen = {}  # by address; kept, so that the addresses stay those of what was seen
        self.mapped = mapped_ranges()
        self.kinds = {}  # of extension modules: whether they are maps without an order
        self.module = ''
        self.texts = []

    def digests_of(self, name, namespace):
        """
        By attribute, two dictionaries. First two digests: one in which numbers that may be addresses do not count, and one in
        which they do. Then one for which what is in it may come in any order.
        """
        self.module = name
        found, orderless = {}, {}
        # In an order of their own: what was seen before is not walked again, and what others fill in (fills.py) may stand anywhere.
        for key in sorted(key for key in namespace if type(key) is str):
            value = namespace[key]
            if key in UNSEEN or self.home_of(value) not in (None, name):
                continue
            # What a cache remembers is no matter of the module that has it.
            if (name, key) in FORGOTTEN or (name, key) in HARMLESS or (name, key) == LINES:
                continue
            found[key], orderless[key] = self.digests_of_value(value)
        return found, orderless

    def home_of(self, value):
        return self.homes.get(id(value)) or defined_in(value)

    def digests_of_value(self, value):
        self.texts = []
        self.walk(value, DEPTH)
        masked = [without_numbers(text) for text in self.texts]
        exact = '%s %s' % (digest(masked), digest([text.replace(NUMBER, '') for text in self.texts]))
        return exact, digest(sorted(part for text in masked for part in parts_of(text)))

    def walk(self, value, depth):
        kind = type(value)
        if kind in SIMPLE:
            self.texts.append(self.text_of_simple(value))
            return
        self.texts.append(NAME_OF_TYPE(kind))
        if id(value) in self.seen or depth == 0 or len(self.seen) > MOST_VALUES:
            return
        self.seen[id(value)] = value
        bases = kind.__mro__
        if type in bases:
            self.walk_class(value, depth)
        elif MODULE in bases:
            self.texts.append(str(namespace_of(value).get('__name__')))
        elif kind is FUNCTION:
            self.walk_function(value, depth)
        elif dict in bases:
            for key, one in list(dict.items(value)):
                self.walk(key, depth - 1)
                self.walk(one, depth - 1)
        elif list in bases or tuple in bases:
            for one in (list if list in bases else tuple).__iter__(value):
                self.walk(one, depth - 1)
        elif set in bases or frozenset in bases:
            self.walk_set(value)
        else:
            if is_generator(value) and id(value) not in self.seeded:
                self.texts.append(repr(state_of_generator(value)))
            self.walk_object(value, depth)

    def walk_set(self, value):
        """Without what its elements hold: which of them was seen before is a matter of their order."""
        elements = (set if set in type(value).__mro__ else frozenset).__iter__(value)
        self.texts.extend(sorted(map(self.shallow, elements), key=without_numbers))

    def walk_map(self, value, depth):
        for key, one in sorted(((self.text_of(key), one) for key, one in value.items()), key=lambda pair: pair[0]):
            self.texts.append(key)
            self.walk(one, depth - 1)

    def walk_class(self, value, depth):
        self.texts.append(NAME_OF_TYPE(value))
        if self.home_of(value) != self.module:
            return
        for key, one in list(NAMESPACE_OF_TYPE(value).items()):
            if key not in UNSEEN:
                self.texts.append(str(key))
                self.walk(one, depth - 1)

    def walk_function(self, value, depth):
        self.texts.append(value.__qualname__)
        if self.home_of(value) != self.module:
            return
        for one in (value.__defaults__, value.__kwdefaults__, value.__dict__):
            self.walk(one, depth - 1)
        for cell in value.__closure__ or ():
            try:
                self.walk(cell.cell_contents, depth - 1)
            except ValueError:
                self.texts.append('empty')

    def walk_object(self, value, depth):
        parts = members_of(value)
        if id(value) in self.named:
            parts = [{key: one for key, one in part.items() if key != self.named[id(value)]} for part in parts]
        for part in parts:
            self.walk(part, depth - 1)
        kind = type(value)
        if not parts and type(kind.__repr__) is not FUNCTION and kind.__repr__ is not object.__repr__:
            if kind not in self.kinds:
                self.kinds[kind] = is_map_without_order(kind)
            if self.kinds[kind]:
                self.walk_map(value, depth)
                return
            try:
                self.texts.append(OPAQUE + self.text_of(value))
            except Exception:
                pass

    def shallow(self, value):
        if type(value) in SIMPLE:
            return self.text_of_simple(value)
        return ','.join(map(self.shallow, value)) if type(value) is tuple else name_of(value)

    def text_of_simple(self, value):
        if type(value) is int and value >= LEAST_ADDRESS and any(start <= value < end for start, end in self.mapped):
            return NUMBER + repr(value) + NUMBER
        return self.text_of(value)

    def text_of(self, value):
        text = without_addresses(repr(value))
        for number in sorted(numbers_in(text)):
            of = self.addresses.get(int(number))
            # Where it is a part of another number that one is no address.
            if of is not None:
                text = text.replace(number, '<%s.%s>' % (defined_in(of), NAME_OF_TYPE(of)))
        return text


def is_map_without_order(kind):
    """
    Whether maps of an extension module cannot be changed, and each comes in an order that was drawn for it: where the same is made
    of the same things more than once.
    """
    names = set(dir(kind))
    if not MAP <= names or not CHANGEABLE.isdisjoint(names) or any(type(getattr(kind, name)) is FUNCTION for name in MAP):
        return False
    try:
        orders = {tuple(kind([(word, word) for word in WORDS])) for _ in range(4)}
    except Exception:
        return False
    return len(orders) > 1 and all(sorted(order) == WORDS for order in orders)


MAP, CHANGEABLE = {'keys', 'items', '__getitem__', '__iter__', '__len__'}, {'__setitem__', '__delitem__', 'clear', 'pop'}
WORDS = sorted('the quick brown fox jumps over a lazy dog'.split())


def members_of(value):
    """The dictionary of an instance, and what is in its slots."""
    parts = []
    for one in type(value).__mro__:
        # A property of that name runs code, which imports what a lazy object stands for.
        members = list(NAMESPACE_OF_TYPE(one).items())
        for member in [value for key, value in members if type(value) is SLOT or (key == '__dict__' and type(value) is GETSET)]:
            try:
                parts.append(member.__get__(value))
            except Exception:
                pass
    return parts


def digest(texts):
    return _imp.source_hash(0, '|'.join(texts).encode('utf-8', 'replace')).hex()


def name_of(value):
    kind = type(value)
    name = NAME_OF_TYPE(value) if type in kind.__mro__ else value.__qualname__ if kind is FUNCTION else ''
    return '%s %s' % (NAME_OF_TYPE(kind), name)


def parts_of(text):
    """Of what an object says of itself: it may hold a set or a map, whose order nobody else can ask for."""
    return text.translate(PUNCTUATION).split() if text.startswith(OPAQUE) else [text]


def without_numbers(text):
    """As it is with other addresses."""
    return text if NUMBER not in text else 'address'.join(text.split(NUMBER)[::2])


def numbers_in(text):
    """Those in decimal that are long enough for an address."""
    words = text.encode('utf-8', 'replace').translate(ONLY_DIGITS).split()
    return {word.decode() for word in words if 6 <= len(word) <= 20}


def mapped_ranges():
    with io.open('/proc/self/maps') as lines:
        return [tuple(int(end, 16) for end in line.split(' ', 1)[0].split('-')) for line in lines]


def without_addresses(text):
    """Hexadecimal numbers of six digits and more are addresses."""
    if '0x' not in text:
        return text
    parts = text.split('0x')
    return parts[0] + '0x'.join(part.lstrip('0123456789abcdef') if is_address(part) else '0x' + part for part in parts[1:])


def is_address(part):
    return len(part) - len(part.lstrip('0123456789abcdef')) >= 6
