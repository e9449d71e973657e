# SPDX-License-Identifier: Apache-2.0
# What imports put into another module or a class of it, or into a list, dictionary or set there, as plugins put themselves into a registry.
# Who has looked at it in its import, without adding to it, has seen what those had put there that came before: it is held where
# they are there again, and none that came later. Who may have looked is known as in counts.py.

# What its functions have answered, by function: who calls them finds the same with and without others.
CACHES = {('typing', '_caches'), *(('numpy', name) for name in ('finfo._finfo_cache', 'iinfo._min_vals', 'iinfo._max_vals'))}

# Of what all modules register with, what is looked up by functions that have its name.
LOOKED_UP = {('logging', '_levelToName'), ('logging', '_nameToLevel')}


def is_gift(what, place, payload):
    """Whether such an effect is one that others may look for by the last name of its place."""
    if what == 'attribute':
        return payload[0] is MISSING and not is_dunder(place[1].rpartition('.')[2])
    is_own = place not in LISTS + DICTS and place not in CACHES and place[0] != 'sys'
    return what in ('dict', 'list', 'set') and (is_own or place in LOOKED_UP)


def settle_readers_of_gifts(recorder, called):
    """
    Gives those that may have looked a condition.

    :param called: of `executed`
    """
    events, givers = recorder.events, {}
    for name, own in events.items():
        for what, *of in own if name else ():
            if what == 'effect' and is_gift(*of):
                givers.setdefault(of[1], []).append(name)
    entries = {name: {'events': own} for name, own in events.items() if name}
    owners, order = owners_of(entries), {name: at for at, name in enumerate(recorder.begun)}
    closures = {name: closure(name, entries, owners) for name in entries} if givers else {}
    for place, those in givers.items():
        holder = owners.get(place[0], place[0])
        for name in [name for name in recorder.begun if name in entries and name not in those]:
            is_near = holder in recorder.base or (holder in closures[name] and name not in closures.get(holder, ()))
            if not is_near or not any(is_named_in(code, place) for code in called.get(name, ())):
                continue
            for giver in dict.fromkeys(those):
                # Of two that come with each other the order is the same each time.
                if giver in order and giver not in closures[name] and name not in closures[giver]:
                    event = 'seen' if order[giver] < order[name] else 'unseen', giver
                    if event not in events[name]:
                        events[name].insert(0, event)
