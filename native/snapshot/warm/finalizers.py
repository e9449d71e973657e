# SPDX-License-Identifier: Apache-2.0
# Finalizers (`weakref.finalize`) that imports have made: the class has all of them in a registry, each with a number, by which
# those that are left are called at the end of the process. They are taken out before the freeze; put back they get the next
# numbers.


class Finalizers:
    def __init__(self):
        self.known = {}  # by itself: what the registry has of each
        before = namespace_of_class(getattr(sys.modules.get('weakref'), 'finalize', None))
        self.is_mine = not before.get('_registry')
        # As it shows itself: count(0).
        self.first = int(repr(before['_index_iter'])[6:-1]) if before else 0

    def take(self, weakref):
        """Those that were made since the last call, in their order; None: one is gone that was there before."""
        registry = namespace_of_class(getattr(weakref, 'finalize', None)).get('_registry')
        if registry is None:
            return []
        before, self.known = self.known, dict(registry)
        # So that the next that makes one is seen to import what that takes.
        if self.is_mine:
            weakref.finalize._registered_with_atexit = False
        if any(registry.get(one) is not info for one, info in before.items()):
            return None
        return [pair for pair in self.known.items() if pair[0] not in before]

    def take_out(self, weakref, pairs):
        for one, _ in pairs:
            del weakref.finalize._registry[one]
        weakref.finalize._index_iter = type(weakref.finalize._index_iter)(self.first)
        if self.is_mine:
            weakref.finalize._dirty = False


OF_FINALIZERS = {('weakref', 'finalize.' + name) for name in ('_registry', '_dirty', '_registered_with_atexit')}


def namespace_of_class(value):
    return NAMESPACE_OF_TYPE(value) if type(value) is type else {}


def is_of_finalizers(place, args, weakref):
    """Whether a call that is put off is that of the first finalizer: the first that is put back does it."""
    function = getattr(getattr(weakref, 'finalize', None), '_exitfunc', None)
    return place == ('atexit', 'register') and function is not None and args[:1] == (function,)
