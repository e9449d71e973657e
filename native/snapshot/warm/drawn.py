# SPDX-License-Identifier: Apache-2.0
# Names that an import has drawn, of the form that `uuid.uuid4` gives them, and keeps in texts of its namespace: nothing else
# may be made of them. Each process draws them anew, in the place where the old ones are, so that whoever has the same text
# has the new name. Where a text is a key of a dictionary or part of something else than a namespace it stays out.

NAME_LENGTH = 36
DASHES = 8, 13, 18, 23
NAME_BYTES = 16


class Drawn:
    """What imports of a template that is watched have drawn."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.names = []  # (by which module, name), of those that are being loaded
        self.since = 0  # how many since the last look
        self.held = {}  # by address: the texts that have them
        if recorder.watching:
            watch_calls(posix.urandom, self.note)

    def note(self, args, named, result, error):
        code = getattr(namespace_of(self.recorder.modules.get('uuid')).get('uuid4'), '__code__', None)
        owner = self.recorder.stack[-1]
        if error is None and args == (NAME_BYTES,) and sys._getframe(1).f_code is code and owner and not self.recorder.idle:
            self.names.append((owner, name_of_bytes(result)))
            self.since += 1

    def take(self):
        """How many were drawn since the last call."""
        count, self.since = self.since, 0
        return count

    def settle(self, owner, module):
        """The module has been loaded, or that has failed: None."""
        names = [name for by, name in self.names if by == owner]
        self.names = [one for one in self.names if one[0] != owner]
        for name in names:
            texts = {key: value for key, value in namespace_of(module).items() if type(value) is str and value.count(name) == 1}
            if len(set(map(id, texts.values()))) != 1:
                self.recorder.fault('ENTROPY', 'a name that it has drawn')
                continue
            key, text = next(iter(texts.items()))
            self.held[id(text)] = text
            self.recorder.event('drawn', key, text.index(name))

    def renewed(self, namespace):
        return [key for key, value in namespace.items() if id(value) in self.held]


def name_of_bytes(drawn):
    """As `str(uuid.UUID(bytes=drawn, version=4))`."""
    digits = bytearray(drawn)
    digits[6], digits[8] = digits[6] & 0x0F | 0x40, digits[8] & 0x3F | 0x80
    return '-'.join(digits[start:end].hex() for start, end in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 16)))


def is_drawn_name(text):
    rest = ''.join(character for at, character in enumerate(text) if at not in DASHES)
    digits = '0123456789abcdef'
    return len(text) == NAME_LENGTH and all(text[at] == '-' for at in DASHES) and set(rest) <= set(digits) and rest[12] == '4'


def is_interned(text):
    return sys.intern(''.join((text[:1], text[1:]))) is text


def is_in_namespaces(recorder, text, fresh):
    """Whether only namespaces have it, and as no key; of a fresh one only the caller knows."""
    spaces, own, address = set(map(id, recorder.namespaces.watched)), of_recorder(recorder), id(text)

    def holders(value):
        return [one for one in recorder.referrers(value) if type(one) is not FRAME]

    def unseen_references(value):
        return sys.getrefcount(value) - sum(one is value for one in recorder.referents(*holders(value)))

    # A generator would hold it, too.
    for one in holders(text):
        if id(one) not in own and (id(one) not in spaces or [key for key in map(id, one) if key == address]):
            return False
    return unseen_references(text) <= unseen_references(fresh)


def event_of_drawn(event, owner, recorder):
    """The event with the text; raises ValueError where it is not as it was, other than in a child."""
    what, key, at = event
    fresh = ''.join(('a text ', 'of nobody'))
    text = namespace_of(owner).get(key)
    is_name = type(text) is str and text.isascii() and is_drawn_name(text[at : at + NAME_LENGTH])
    if not is_name or not (recorder.idle or (is_in_namespaces(recorder, text, fresh) and not is_interned(text))):
        raise ValueError('%s is no name that it has drawn, or something else than a module has it' % key)
    return what, key, text, at
