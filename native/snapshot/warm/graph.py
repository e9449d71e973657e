# SPDX-License-Identifier: Apache-2.0
# Who asks for whom, by the events of modules.


def owners_of(modules):
    """Who put what is no module of its own into sys.modules."""
    return {event[1]: name for name, about in modules.items() for event in about['events'] if event[0] == 'set'}


def replay(asked, modules, base, failed):
    """The order in which modules enter sys.modules; what the runtime does when they are asked for."""
    order = []
    state = dict.fromkeys(base, True)
    owners = owners_of(modules)

    def visit(name):
        if name in state or name in failed:
            return
        if name in owners:
            visit(owners[name])
            return
        parent = name.rpartition('.')[0]
        if parent:
            visit(parent)
        # Its package may have asked for it.
        if name in state:
            return
        state[name] = False
        for event in modules[name]['events']:
            if event[0] == 'ask':
                visit(event[1])
            elif event[0] == 'set' and event[1] not in state:
                state[event[1]] = True
                order.append(event[1])
        state[name] = True
        order.append(name)

    for name in asked:
        visit(name)
    return order


def cycles(modules):
    """By module: the first of those that ask for each other, which is the one that others may begin with."""
    number, low, first, stack, counter = {}, {}, {}, [], [0]

    owners = owners_of(modules)

    def edges(name):
        parent = name.rpartition('.')[0]
        asked = [owners.get(event[1], event[1]) for event in modules[name]['events'] if event[0] == 'ask']
        return [one for one in ([parent] if parent else []) + asked if one in modules]

    for root in modules:
        if root in number:
            continue
        work = [(root, None)]
        while work:
            name, rest = work.pop()
            if rest is None:
                counter[0] += 1
                number[name] = low[name] = counter[0]
                stack.append(name)
                rest = iter(edges(name))
            for one in rest:
                if one not in number:
                    work.append((name, rest))
                    work.append((one, None))
                    break
                if one in stack:
                    low[name] = min(low[name], number[one])
            else:
                if low[name] == number[name]:
                    at = stack.index(name)
                    members = stack[at:]
                    del stack[at:]
                    for member in members:
                        first[member] = members
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
    return first


class Graph:
    """Which modules come with which, for as long as none of these asks for more."""

    def __init__(self, entries):
        """
        :param entries: by name, what has the events of a module
        """
        self.entries, self.owners, self.closures = entries, owners_of(entries), {}

    def closure(self, name):
        """A module with all that comes with it; nothing of one that is not among these."""
        if name not in self.closures:
            self.closures[name] = seen = set()
            work = [name]
            while work:
                one = work.pop()
                if one not in seen and one in self.entries:
                    seen.add(one)
                    work.append(one.rpartition('.')[0])
                    work.extend(self.owner(event[1]) for event in self.entries[one]['events'] if event[0] == 'ask')
        return self.closures[name]

    def owner(self, name):
        """Who has put it into sys.modules, which most do themselves."""
        return self.owners.get(name, name)

    def roots_of(self, names):
        """Those that none of the others comes with, each with all that comes with it."""
        roots = {}
        for name in names:
            if not any(name in needed for needed in roots.values()):
                own = self.closure(name)
                roots = {root: needed for root, needed in roots.items() if root not in own}
                roots[name] = own
        return roots


def graph_of(recorder):
    """That of what a template has seen."""
    return Graph({name: {'events': own} for name, own in recorder.events.items() if name})
