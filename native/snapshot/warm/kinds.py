# SPDX-License-Identifier: Apache-2.0
# Of what kind that is which a module holds when its body has run, and of simple values which: what a program does before it
# imports a module shows in that, where the module has got hold of it. Runs in a training run (trace/tracer.py) and in a
# template that is watched, and asks no object anything. What these have put in the place of others themselves is of no kind.

import sys

MODULE = type(sys)
FUNCTION = type(lambda: None)
BUILTIN = type(len)
HEAP_TYPE = 1 << 9
# Larger numbers may be addresses.
MOST_NUMBER = 1 << 16
DIGITS = {ord(digit): None for digit in '0123456789'}
NAMESPACE_OF_TYPE = type.__dict__['__dict__'].__get__
NAME_OF_TYPE = type.__dict__['__qualname__'].__get__


def namespace_of(module):
    try:
        namespace = object.__getattribute__(module, '__dict__')
    except AttributeError:
        return {}
    return namespace if type(namespace) is dict else {}


def is_dunder(name):
    return name.startswith('__') and name.endswith('__')


def name_with_module(kind):
    """None: it is one of this namespace, whose classes say of no module that they are of it."""
    namespace = NAMESPACE_OF_TYPE(kind)
    # A type of an extension module may be without one.
    own = namespace.get('__module__') if namespace is not None else None
    if type(own) is not str:
        if type.__dict__['__flags__'].__get__(kind) & HEAP_TYPE:
            return None
        own = 'builtins'
    return own + '.' + NAME_OF_TYPE(kind)


def kind_held(value):
    """None: that is not to be compared."""
    kind = type(value)
    if kind is FUNCTION:
        if value.__globals__ is globals():
            return None
        return 'function %s.%s' % (value.__module__, value.__qualname__)
    # A function whose calls a template puts off.
    if kind is BUILTIN and type(value.__self__) is tuple:
        return None
    bases = type.__dict__['__mro__'].__get__(kind)
    # Which modules are whose attributes by then is a matter of who has imported them.
    if MODULE in bases:
        return None
    name = name_with_module(value if type in bases else kind)
    return None if name is None else ('class ' if type in bases else '') + name


def value_held(value):
    """Of a simple value; '': it is none, or may be another one in each process."""
    kind = type(value)
    if value is None or kind is bool or (kind is int and -MOST_NUMBER < value < MOST_NUMBER):
        return repr(value)
    # A text may be what a set of texts began or ended with, in an order that goes by the secret of hash().
    return ''


def kinds_of(module):
    """'ATTRIBUTE KIND', or 'ATTRIBUTE KIND VALUE', of each attribute; a kind of '' is not to be compared."""
    found = []
    for name, value in list(namespace_of(module).items()):
        if type(name) is str and not is_dunder(name):
            # A name may have a number in it that is another one each time.
            kind = (kind_held(value) or '').translate(DIGITS)
            found.append(' '.join((name, kind, value_held(value))).rstrip())
    return found
