# SPDX-License-Identifier: Apache-2.0
# Finalizers (`weakref.finalize`) that imports have made: their class has all of them in a registry, each with a number, by which
# those that are left are called at the end of the process. They are taken out before the freeze, and get the next numbers as they
# are put back.

# The class that has an object's finalizers called at the end of the process, if it is there by then.
FINALIZERS = ('weakref', 'finalize')


def class_of_finalizers(modules):
    """None where it is not what it should be."""
    kind = attributes_of(modules.get(FINALIZERS[0])).get(FINALIZERS[1])
    return kind if hasattr(kind, '_index_iter') else None


def state_of_finalizers(kind):
    """How many were made; whether they are called at the end of the process; whether that is to look for others."""
    return int(repr(kind._index_iter)[len('count(') : -1]), kind._registered_with_atexit, kind._dirty


def _put_finalizers(kind, made, fresh):
    if not kind._registered_with_atexit:
        import atexit

        atexit.register(kind._exitfunc)
        kind._registered_with_atexit = True
    # The last is called first.
    numbers = [next(kind._index_iter) for _ in range(made)]
    for one, about, place in fresh:
        about.index = numbers[place]
        kind._registry[one] = about
    kind._dirty = True


def take_out_finalizers(kind, before, fresh):
    made, is_registered, is_dirty = before
    for one, *_ in fresh:
        del kind._registry[one]
    kind._index_iter = type(kind._index_iter)(made)
    kind._registered_with_atexit, kind._dirty = is_registered, is_dirty
