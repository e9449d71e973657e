# SPDX-License-Identifier: Apache-2.0
# The environment: which variables each import has read, and which it has put behind all others. Python's own reads are seen here,
# those of the C library come by the probe.


class Environment:
    def __init__(self, recorder):
        self.recorder = recorder
        self.reads = {}
        self.read_by = {}  # the same of libraries: by module that was loaded then, and library
        self.variables = None
        self.put = []  # (by, variables before, and then)
        self.of_c = {}  # by name, who has put one in that the C library alone has
        # By name of a variable that a module has put in: who has read it before, and that module.
        self.readers = {}
        self.rewritten = {}  # by module: the variables as they were before it changed them

    def settle(self):
        """Those that a module has put behind all others; change_variables looks at other changes."""
        recorder = self.recorder
        now, owner = (list(dict.items(os.environ._data)), c_variables()), recorder.stack[-1]
        before, self.variables = self.variables, now
        if before is None or now == before or not owner:
            return
        fresh = [added_behind(*both) for both in zip(before, now)]
        if None not in fresh and self.put_in(before[1], *fresh):
            self.put.append((owner, before, now))
        elif self.put and self.put[-1] == (owner, now, before):
            self.put.pop()
            known, everywhere = [added_behind(*both) for both in zip(now, before)]
            for name in map(name_of_variable, everywhere):
                since = {one for one, read in self.reads.items() if name in read} - self.readers.pop(name) - {owner}
                for one in since:
                    recorder.faults.setdefault(one, []).append(('VARIABLES', name))
                self.of_c.pop(name, None)
                self.take_away('variable', name)
                self.take_away('c_variable', name)
        else:
            return
        # There is nothing else to find.
        if recorder.watching:
            recorder.process.state[VARIABLES] = now

    def put_in(self, before, known, everywhere):
        """What Python has come to know, and what the C library has behind `before`; False: that is no part of this, in its order."""
        recorder = self.recorder
        of_python, owner = [b'%s=%s' % pair for pair in known], recorder.stack[-1]
        names = list(map(name_of_variable, everywhere))
        if [entry for entry in everywhere if entry in of_python] != of_python or not all(names):
            return False
        if len(set(names)) != len(names) or not set(names).isdisjoint(map(name_of_variable, before)):
            return False
        for name, entry in zip(names, everywhere):
            self.readers.setdefault(name, {one for one, read in self.reads.items() if name in read} | {owner})
            if entry in of_python:
                recorder.event('effect', 'variable', name, os.fsdecode(entry.partition(b'=')[2]))
            else:
                self.of_c[name] = owner
                recorder.event('effect', 'c_variable', name, entry)
        return True

    def take_away(self, what, place):
        recorder = self.recorder
        owner = recorder.stack[-1]
        payloads = [event[3] for event in recorder.events[owner] if event[:3] == ('effect', what, place)]
        recorder.events[owner] = [event for event in recorder.events[owner] if event[:3] != ('effect', what, place)]
        recorder.effects = [effect for effect in recorder.effects if effect[:2] != (what, place) or effect[2] not in payloads]

    def change(self, before, now):
        """What a module has put in for as long as it was imported, and taken out again, nobody finds."""
        owner = self.recorder.stack[-1]
        if self.rewritten.setdefault(owner, before) == now:
            del self.rewritten[owner]

    def read(self, name, is_before=False):
        """
        A variable of the environment was read. Returns what it has instead; None: what it has.

        :param is_before: nobody knows whether that was before what else the module has done
        """
        recorder = self.recorder
        if name == 'HOME' and asks_for_user_base(recorder):
            return b'/elsewhere' if ELSEWHERE else None
        # Where programs are: the answer is asked for again.
        if name == 'PATH' and asks_for_processor(recorder.modules.get('platform')):
            return None
        owner = recorder.stack[-1]
        if not owner:
            return None
        for one in (owner, *keepers_between(recorder, sys._getframe(1), owner)):
            self.reads.setdefault(one, set()).add(name)
        # Another one has put it in before.
        event = 'sees', name, True
        if owner not in self.readers.get(name, (owner,)) and event not in recorder.events[owner]:
            recorder.events[owner].insert(0 if is_before else len(recorder.events[owner]), event)
        return None

    def read_all(self):
        recorder = self.recorder
        if recorder.stack[-1] and not recorder.inside:
            recorder.fault('ENVIRONMENT')


def added_behind(before, now):
    """What a list has behind all that it had; None: it has been changed otherwise."""
    return now[len(before) :] if now[: len(before)] == before else None


def name_of_variable(entry):
    """'': it is none."""
    name, _, _ = entry.partition(b'=')
    return os.fsdecode(name) if name != entry else ''


def watch_environment(recorder):
    """Python's own reads of the environment; those of the C library come by the probe."""

    class Watched(dict):
        def __getitem__(self, key):
            instead = recorder.environment.read(os.fsdecode(key))
            return dict.__getitem__(self, key) if instead is None else instead

        def __contains__(self, key):
            recorder.environment.read(os.fsdecode(key))
            return dict.__contains__(self, key)

        def get(self, key, default=None):
            instead = recorder.environment.read(os.fsdecode(key))
            return dict.get(self, key, default) if instead is None else instead

        def __setitem__(self, key, value):
            # It may have been there with the same value.
            recorder.environment.read(os.fsdecode(key))
            dict.__setitem__(self, key, value)

        def __iter__(self):
            recorder.environment.read_all()
            return dict.__iter__(self)

        def __len__(self):
            recorder.environment.read_all()
            return dict.__len__(self)

        def items(self):
            recorder.environment.read_all()
            return dict.items(self)

        def copy(self):
            recorder.environment.read_all()
            return dict.copy(self)

    watched = Watched(os.environ._data)
    os.environ._data = watched
    os.environb._data = watched
    # With what the process was started with.
    posix.environ = Watched(posix.environ)
