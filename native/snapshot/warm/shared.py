# SPDX-License-Identifier: Apache-2.0
# Modules that extension modules share: the first that needs one makes it.


class SharedModules:
    def __init__(self, recorder):
        self.recorder = recorder
        self.known = {}  # by name: how many refer to what it has
        self.flags = {}  # values of theirs, by module and name

    def settle(self):
        for name in list(self.known):
            if name in self.recorder.modules:
                self.look(name)

    def look(self, name):
        """Who needs what a shared module has refers to it ever after."""
        recorder = self.recorder
        module, known = recorder.modules[name], self.known[name]
        namespace, now, flags = namespace_of(module), {'': sys.getrefcount(module)}, []
        for key in [key for key in namespace if key not in OF_MODULES]:
            if type(namespace[key]) is bool:
                # So that the next that sets it is seen too.
                self.flags[name, key] = namespace.pop(key)
                flags.append(key)
            elif type in type(namespace[key]).__mro__:
                now[key] = sys.getrefcount(namespace[key])
            else:
                self.keep(name)
                return
        used = [key for key in now if now[key] > known.get(key, 0)]
        self.known[name] = now
        if flags or (used and recorder.extensions[-1:] == recorder.stack[-1:]):
            recorder.event('share', name, [key for key in used if key] + flags)

    def keep(self, name):
        """It has something that others could not bring: it is the module's that has made it."""
        del self.known[name]
        for events in self.recorder.events.values():
            for place, event in enumerate(events):
                if event[:2] == ('share', name):
                    events[place] = ('set', name)
                    return
        self.recorder.event('set', name)
