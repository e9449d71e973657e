# SPDX-License-Identifier: Apache-2.0
# What imports have done elsewhere is taken out before the freeze; the runtime does it again as modules are put in place.


def leave(recorder, entries):
    """Leaves what a module was given by one that it always comes with: it is in its place already."""
    graph = Graph(entries)
    for name, about in entries.items():
        kept = []
        for event in about['events']:
            is_own = event[0] == 'effect' and event[1] in ('attribute', 'count', 'dict', 'fill', 'list', 'set') and event[2] not in LISTS + DICTS
            if is_own and name in graph.closure(graph.owner(event[2][0])):
                recorder.effects = [one for one in recorder.effects if one[2] is not event[3]]
            else:
                kept.append(event)
        about['events'] = kept


def take_out(recorder, objects, entries):
    see_filters_again()
    for name in sorted(objects.keys() & CONTEXTS.keys()):
        namespace = namespace_of(objects[name])
        attributes = namespace.keys() & set(CONTEXT_ATTRIBUTES[name])
        namespace.update(dict.fromkeys(attributes))
        if attributes and not recorder.idle:
            keep_authorities(name, objects[name], entries[name]['variables'].keys())
    for name in objects:
        del recorder.modules[name]
    for name in recorder.shared.known:
        namespace = namespace_of(recorder.modules.pop(name))
        for key in [key for key in namespace if key not in OF_MODULES]:
            del namespace[key]
    graph = Graph(entries)
    for name, about in entries.items():
        parent, _, child = name.rpartition('.')
        holder = recorder.base.get(parent, objects.get(parent))
        about['bind'] = False
        # A package that has its module itself, or has asked for it, has it at its place; others get it as the last attribute.
        if name in recorder.namespaces.bound and name not in graph.closure(parent):
            if attributes_of(holder).get(child) is not objects[name]:
                raise Differs({name: 'it is not an attribute of its package'})
            delattr(holder, child)
            about['bind'] = True
    everything = {**recorder.base, **objects}
    for what, place, payload in reversed(recorder.effects):
        if what == 'list':
            front, back = payload
            items = list_of(everything, place)
            del items[: len(front)]
            del items[len(items) - len(back) :]
        elif what == 'dict':
            items = list_of(everything, place)
            for key, _ in payload:
                if key not in items:
                    raise ValueError('%s has no longer what an import has put there' % place_text(place))
                del items[key]
        elif what == 'set':
            list_of(everything, place).difference_update(payload)
        elif what == 'attribute':
            before, after, keys = payload
            holder, attribute = holder_of(everything, place)
            if before is MISSING:
                delattr(holder, attribute)
            else:
                setattr(holder, attribute, before)
            if after is MISSING:
                reorder(holder, keys, recorder.referents)
        elif what == 'fill':
            one = recorder.fills.by_place[place]
            if is_filled_with(filled_by_now(place[1], payload[0]), payload[2]):
                one.hide(recorder.referents)
        elif what == 'variable':
            del os.environ[place]
        elif what == 'c_variable':
            posix.unsetenv(place)
        elif what == 'descriptor':
            posix.close(payload[1])
        elif what == 'count':
            setattr(payload[2], place[1].rpartition('.')[2], payload[0])
        elif what == 'finalizers':
            made, _, fresh = payload
            take_out_finalizers(class_of_finalizers(everything), made, fresh)
        elif what == 'loggers':
            loggers = everything['logging'].root.manager.loggerDict
            for key in [key for key in loggers if key not in recorder.logging.before]:
                del loggers[key]
    _warnings._filters_mutated()
    for path in [path for path in sys.path_importer_cache if path not in recorder.finders]:
        del sys.path_importer_cache[path]
    for (name, key), empty in FORGOTTEN.items():
        if name in objects and hasattr(objects[name], key):
            setattr(objects[name], key, empty)


def see_filters_again():
    """
    The interpreter keeps the list of filters that it found with the last warning, for as long as `warnings` is not there: behind
    `catch_warnings` that is a copy. This is one more warning, which nobody hears.
    """
    filters = _warnings.filters
    if getattr(sys.modules.get('warnings'), 'filters', None) is filters:
        filters.insert(0, ('ignore', None, Warning, None, 0))
        _warnings.warn_explicit('', UserWarning, '', 1)
        del filters[0]


def reorder(holder, keys, referents):
    """Gives a class its attributes in the order that they had before one of them was removed."""
    namespace = vars(holder)
    real = namespace if type(namespace) is dict else referents(namespace)[0]
    items = dict(real)
    real.clear()
    real.update({key: items[key] for key in keys if key in items})
    real.update(items)
    # For what types remember of their attributes.
    setattr(holder, '__pycds__', None)
    delattr(holder, '__pycds__')
