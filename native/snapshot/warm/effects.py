# SPDX-License-Identifier: Apache-2.0
# What importing a module may change outside its own namespace, so that a snapshot can hold the module before its program
# has imported it: looked at between the imports of a template, taken out before it is frozen, put back by `put_back` when
# a program imports the module. The closed list: whatever else an import changes outside is a fault (recorder.py).
#
# Of the namespace that all files share `put_back` alone, and what it needs, stays.
import _codecs
import _warnings
import encodings as _encodings
import os
import posix
import sys

# Lists by module and name: importing appends to them, or puts something in front.
FILTERS = ('_warnings', 'filters')
LISTS = (
    FILTERS,
    ('sys', 'meta_path'),
    ('sys', 'path_hooks'),
    ('gc', 'callbacks'),
    ('logging', '_handlerList'),
    ('threading', '_threading_atexits'),
)
# The interpreter's own dictionary, in which extension modules find each other, which is no attribute. Whoever kept it would keep what is in it
# beyond the end of the interpreter.
STATE = ('sys', '<state of the interpreter>')
# What stays in it: a module whose library is not loaded anew (runtime/warm/anew.c), and that looks for itself there.
STAYS = {'cached_datetime_module'}
# Lines of files, by name: not only of those that exist.
LINES = ('linecache', 'cache')
# Dictionaries: importing adds to them.
DICTS = (
    STATE,
    ('copyreg', 'dispatch_table'),
    ('copyreg', '_extension_registry'),
    ('copyreg', '_inverted_registry'),
    LINES,
    ('logging', '_levelToName'),
    ('logging', '_nameToLevel'),
    ('_sqlite3', 'adapters'),
    ('_sqlite3', 'converters'),
    ('_csv', '_dialects'),
)
# How much caches hold, of which nobody can tell how full they are: an import may set it.
SIZES_OF_CACHES = {('re', '_MAXCACHE')}
# Attributes of modules that are there before any import. importlib gives its own names to the modules that import it.
ATTRIBUTES = tuple(
    (module, name)
    for module in ('_frozen_importlib', '_frozen_importlib_external')
    for name in ('__name__', '__package__', '__file__')
)
# Functions whose calls are put off until the program imports the module that made them: (module, name).
CALLS = (('atexit', 'register'), ('posix', 'register_at_fork'))
TAKES_BACK = 'atexit', 'unregister'
MISSING = '<pycds: nothing>'


def holder_of(modules, place):
    """The object that has an attribute, and the attribute's name: place is (module, name), with the class in the name."""
    holder = modules[place[0]]
    *classes, name = place[1].split('.')
    for one in classes:
        holder = attributes_of(holder)[one]
    return holder, name


def attributes_of(holder):
    """Of a module or a class; what a program has put into sys.modules in the place of a module may have none.

    It is not asked itself: a module may wait to be loaded until then (importlib.util.LazyLoader).
    """
    try:
        return (type if issubclass(type(holder), type) else object).__getattribute__(holder, '__dict__')
    except AttributeError:
        return {}


def attribute_of(modules, place):
    if place == STATE:
        return interpreter_dictionary()
    holder, name = holder_of(modules, place)
    return attributes_of(holder).get(name, MISSING)


def list_of(modules, place):
    if place[0] not in modules:
        return None
    found = attribute_of(modules, place)
    return found if type(found) in (list, dict, set) else None


def added_to_set(before, after):
    return None if before - after else sorted(after - before, key=repr)


def added(before, after):
    """What was added to a list, dictionary or set; None where it was changed in another way."""
    return {list: added_to_list, dict: added_to_dict, set: added_to_set}[type(before)](before, after)


def added_to_list(before, after):
    """What was put in front of a list and behind it; None where it was changed in another way."""
    for first in range(len(after) - len(before) + 1) if before else (0,):
        if all(a is b for a, b in zip(before, after[first:])):
            return after[:first], after[first + len(before) :]
    return None


def added_to_dict(before, after):
    """The items that were added behind; None where anything else was changed."""
    if len(after) < len(before):
        return None
    pairs = list(after.items())
    for (key, value), (key_before, value_before) in zip(pairs, before.items()):
        if key is not key_before or value is not value_before:
            return None
    return pairs[len(before) :]


def _put_logger(module, name, logger):
    manager = module.root.manager
    known = manager.loggerDict.get(name)
    manager.loggerDict[name] = logger
    if known is not None:
        manager._fixupChildren(known, logger)
    manager._fixupParents(logger)
    logger._cache.clear()


def matches(item, text, category, module, line):
    """Whether a filter of warnings concerns one. As Python/_warnings.c has it."""
    _, message, kind, where, number = item
    for one, given in ((message, text), (where, module)):
        if one is not None and not (one == given if type(one) is str else one.match(given)):
            return False
    return issubclass(category, kind) and number in (0, line)


def default_action(holder):
    return holder._defaultaction if holder is _warnings else holder.defaultaction


def add_filters(items, front, back):
    """As warnings does it."""
    for item in reversed(front):
        if item in items:
            items.remove(item)
        items.insert(0, item)
    items.extend(item for item in back if item not in items)


def filters_by_now(holder):
    """With those that the modules of this walk would have added."""
    items = holder.filters
    if FILTERS in to_come:
        items = list(items)
        for front, back in to_come[FILTERS]:
            add_filters(items, front, back)
    return items


def is_ignored(warning):
    holder = sys.modules.get('warnings', _warnings)
    for item in filters_by_now(holder):
        if matches(item, *warning):
            return item[0] == 'ignore'
    return default_action(holder) == 'ignore'


def draw_letters(module):
    """As the constructor of asgiref.local.Local does."""
    return ''.join(module.random.choice(module.string.ascii_letters) for i in range(8))


def name_of_local(one, letters):
    return '_asgiref_local_impl_{}_{}'.format(id(one), letters)


def put_back(what, place, payload):
    """Does again what was taken out. Called in the order in which importing would have done it."""
    modules = sys.modules
    if what == 'list':
        items = attribute_of(modules, place)
        front, back = payload
        if place == FILTERS:
            add_filters(items, front, back)
            _warnings._filters_mutated()
        else:
            items[:0] = front
            items.extend(back)
    elif what == 'dict':
        attribute_of(modules, place).update(payload)
    elif what == 'set':
        attribute_of(modules, place).update(payload)
    elif what == 'attribute':
        holder, name = holder_of(modules, place)
        if payload[1] is MISSING:
            delattr(holder, name)
        else:
            setattr(holder, name, payload[1])
    elif what == 'fill':
        fill(place[1], payload)
    elif what == 'loggers':
        for name, logger in payload:
            _put_logger(modules['logging'], name, logger)
    elif what == 'finalizers':
        _put_finalizers(class_of_finalizers(modules), *payload[1:])
    elif what == 'call':
        args, named = payload
        if place == ('posix', 'register_at_fork'):
            # It has been made of a template by something that is much like a fork.
            after = named.get('after_in_child')
            if after is not None:
                after()
            posix.register_at_fork(*args, **named)
        else:
            modules[place[0]].register(*args, **named)
    elif what == 'warned':
        registry, text, category, module, line = payload
        # It is ignored, and leaves that it was.
        _warnings.warn_explicit(text, category, module, line, module, registry)
    elif what == 'renew':
        RENEWALS[place][2](payload)
    elif what == 'variable':
        os.environ[place] = payload
    elif what == 'c_variable':
        set_c_variable(payload)
    elif what == 'seed':
        for draw in payload:
            draw()
    elif what == 'codec':
        _encodings._cache.setdefault(place, payload)
        _codecs.lookup(place)
    elif what == 'processor':
        payload.uname().processor
    elif what == 'descriptor':
        keep_open(*payload)
    elif what == 'located':
        _locate(place, payload)
    elif what == 'parsers':
        name_parsers(payload)
    elif what == 'count':
        setattr(payload[2], place[1].rpartition('.')[2], payload[1])
    elif what == 'streams':
        put_over_streams(*payload)
    elif what == 'locals':
        module, made = payload
        for one in made:
            one._attr_name = name_of_local(one, draw_letters(module))


def are_as_read(payload):
    """Whether files whose lines were read are what they were; of others a loader is going to be asked."""
    for _, entry in payload:
        if len(entry) == 4 and entry[1] is not None:
            try:
                status = posix.stat(entry[3])
            except OSError:
                return False
            if (status.st_size, status.st_mtime) != (entry[0], entry[1]):
                return False
    return True


# Its functions, and what makes its readers and writers.
def _is_like(codec, other):
    return type(codec) is type(other) and len(codec) == len(other) and all(map(_does_the_same, codec, other))


def _does_the_same(one, other):
    """Of methods of instances that have nothing of their own, whether they are of the same class."""
    if one == other:
        return True
    of, of_other = getattr(one, '__self__', None), getattr(other, '__self__', None)
    return type(of) is type(of_other) and of is not None and getattr(one, '__func__', one) is getattr(other, '__func__', other)


# What the interpreter remembers as a codec of that name, as long as it has not forgotten all codecs: who takes a search function
# away has it do so, and nobody else can stand before the package encodings.
FIRST = 'pycds_first'


def is_found_first(name, codec):
    """Whether looking a codec up would lead to that one: the package encodings is asked first, and has no other."""
    known = _encodings._cache
    try:
        is_first = _codecs.lookup(FIRST) is first_codec
    except Exception:
        is_first = False
    if not is_first:
        known.pop(FIRST, None)
    return is_first and _is_like(known.get(name, codec), codec)


# What the modules that a walk has come by would put, and has not put yet: attributes and filters of warnings by place, variables
# by name.
to_come = {}


def attribute_by_now(place):
    if place in to_come:
        return to_come[place]
    return attribute_of(sys.modules, place) if place[0] in sys.modules else None


def variable_by_now(name):
    return to_come[name] if name in to_come else os.environ.get(name)


def may_put_back(what, place, payload):
    """Whether nothing is there that would have led importing elsewhere."""
    if what == 'walk':
        to_come.clear()
        answered.clear()
        close_held()
        return True
    may = may_put_back_now(what, place, payload)
    if what in ('attribute', 'count'):
        to_come[place] = payload[1]
    elif what == 'fill':
        to_come[place] = payload[2]
    elif what == 'variable':
        to_come[place] = payload
    elif what == 'loggers':
        to_come.setdefault('loggers', {}).update(payload)
    elif what == 'list' and place == FILTERS:
        to_come.setdefault(place, []).append(payload)
    elif what == 'streams':
        to_come.update((('sys', name), payload) for name in ('stdout', 'stderr'))
    return may


def may_put_back_now(what, place, payload):
    if what == 'loggers':
        module = sys.modules.get('logging')
        if module is None:
            return True
        manager = module.root.manager
        if manager.loggerClass is not None or module._loggerClass is not module.Logger:
            return False
        loggers = manager.loggerDict
        return not any(isinstance(loggers.get(name), module.Logger) for name, _ in payload)
    if what == 'finalizers':
        return all(about.weakref() is not None for _, about, _ in payload[2])
    if what == 'warned':
        try:
            return is_ignored(payload[1:])
        except Exception:
            return False
    if what == 'attribute' and (place in to_come or place[0] in sys.modules):
        return attribute_by_now(place) is payload[0]
    if what == 'fill':
        return may_fill(place, payload)
    if what == 'unfilled':
        return is_unfilled(place, payload)
    if what == 'uses':
        value, is_original = payload
        return attribute_by_now(place) is value or (is_original and place not in to_come and place[0] not in sys.modules)
    if what == 'asks':
        return is_answered_alike(place, *payload)
    if what in FINDINGS:
        return finds_again(what, place, payload)
    if what == 'sees':
        return variable_by_now(place) == payload
    if what == 'dict' and place[0] in sys.modules:
        there = attribute_of(sys.modules, place)
        return not any(key in there for key, _ in payload) and (place != LINES or are_as_read(payload))
    if what == 'renew' and place in CONDITIONS:
        return CONDITIONS[place](payload)
    if what == 'variable':
        return variable_by_now(place) is None
    if what == 'c_variable':
        name = payload[: payload.index(b'=') + 1]
        return place not in to_come and not any(one.startswith(name) for one in c_variables())
    if what == 'codec':
        return is_found_first(place, payload)
    if what == 'parsers':
        return has_first_argument()
    if what == 'count':
        return is_count(place, payload[2], payload[0])
    if what == 'descriptor':
        return is_opened_again(place, *payload)
    if what == 'located':
        return is_found_again(place, payload)
    return True
