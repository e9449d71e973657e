# SPDX-License-Identifier: Apache-2.0
# Codecs that imports look up: the interpreter and the package encodings remember each by its name. After each step of an
# import they are made to forget it, so that whoever looks it up next is seen too; effects.py has them remember it again.


class Codecs:
    def __init__(self):
        self.base = _encodings._cache.copy()

    def take(self):
        """
        Has those forgotten that were looked up since the last call: (name, codec), ... None stands for the codec where there
        is none of that name, and where somebody has it: looked up again it is another one.
        """
        cache = _encodings._cache
        if not added_to_dict(self.base, cache):
            return []
        names = list(cache)[len(self.base) :]
        found = [cache.pop(name) for name in names]
        forget_codecs()
        for name in self.base:
            _codecs.lookup(name)
        lone = [sys.getrefcount(one) == LONE and are_methods_lone(one) for one in found]
        return [(name, one if is_lone else None) for name, one, is_lone in zip(names, found, lone)]


# References to what is in one list, while a loop goes through it and a function has it.
LONE = 3
METHOD = type(Codecs().take)


def are_methods_lone(codec):
    """A codec has each of its functions twice."""
    return codec is not None and all(sys.getrefcount(one) == LONE + 1 for one in codec if type(one) is METHOD)


def forget_codecs():
    """Who takes a search function away has the interpreter forget all codecs."""
    _codecs.register(NAME_OF_TYPE)
    _codecs.unregister(NAME_OF_TYPE)


first_codec = _codecs.lookup('utf-8')


def remember_first():
    _encodings._cache[FIRST] = first_codec
    _codecs.lookup(FIRST)
    del _encodings._cache[FIRST]
