# SPDX-License-Identifier: Apache-2.0
# What imports have to do with the standard streams. Some have a function of another module put something over them, by what the
# streams of the process are: that is called when the module is put in place, and in no template. Who may have got hold of a
# stream is held while that is the one that the process has had from its start: where a template is watched it is known which code
# was executed, and names in it tell. What a stream says of itself (which buffers it has, its encoding) is another thing in a start
# with option -u, in a terminal, or where the program has changed it: who has asked is held while it says the same.

import io

# By module: functions that put something over the streams, or take it away again.
OVER_STREAMS = {'colorama.initialise': ('init', 'deinit', 'reinit')}
STREAMS = ('stdin', 'stdout', 'stderr')
# Of sys, too, and plain values that programs set: who has named one is held while it is the same.
SETTINGS = ('dont_write_bytecode', 'pycache_prefix')
# Its attributes that are none of the same for all streams.
SAID_OF_STREAMS = {
    *('buffer', 'closed', 'encoding', 'errors', 'line_buffering', 'newlines', 'write_through'),
    *('seek', 'seekable', 'tell', 'truncate'),
}
# A position, which every writer changes.
NOT_SAID_AGAIN = {'seek', 'tell', 'truncate'}
TEXT_STREAM = io.TextIOWrapper


def put_off_over_streams(module, name):
    """From now on calls of these are told as others that are put off."""
    for function in OVER_STREAMS.get(name, ()):
        if type(namespace_of(module).get(function)) is FUNCTION:
            put_off(module, name, function)


def settle_kept_functions(recorder):
    """A copy of such a function that is no name of a module would be called for ever in its place."""
    for name, functions in OVER_STREAMS.items():
        namespace, own = namespace_of(recorder.modules.get(name)), of_recorder(recorder)
        for value in map(namespace.get, functions):
            holders = [one for one in recorder.referrers(value) if type(one) is not FRAME and id(one) not in own]
            if value is not None and not all(type(one) is dict for one in holders):
                recorder.faults.setdefault(name, []).append(('CHANGED', name))


def settle_readers_of_streams(recorder, called):
    for name, events in recorder.events.items():
        if name:
            named = set().union(*map(names_with_tuples, called.get(name, ())))
            for what, places in (('setting', SETTINGS), ('stream', STREAMS)):
                events[:0] = [('finds', what, place, True) for place in places if place in named]


def names_with_tuples(code):
    """The names in a code, also those that it goes through."""
    constants = [one for one in code.co_consts if type(one) is tuple]
    return {*code.co_names, *(one for all in (code.co_consts, *constants) for one in all if type(one) is str)}


# ---- where a module is put in place ----


def mark_of_stream(stream):
    """What this stream has and no other, without the stream: what was written last is written when nobody has that any more."""
    return attributes_of(stream) if type(stream) is TEXT_STREAM else stream


def stream_by_now(name):
    return to_come.get(('sys', name), getattr(sys, name, None))


def said_of_stream(stream, name):
    value = getattr(getattr(sys, '__%s__' % stream), name)
    return type(value) if name == 'buffer' else value() if name == 'seekable' else value


def put_over_streams(place, args, named):
    module, function = place
    attributes_of(sys.modules[module])[function](*args, **named)
