# SPDX-License-Identifier: Apache-2.0
# What imports log. Most of it nobody hears, since a logger has no such level: where a template is watched it is seen who asks a logger
# for that, and the module is held while the answer is the same. A record that is made is a fault: which handlers it would
# come to is the program's.


class Loggers:
    def __init__(self, recorder):
        self.recorder = recorder
        self.known = {}
        self.makers = {}
        self.settings = {}
        self.manager = None
        self.watched_levels = []
        self.before = set()  # names of those that are there without any import

    def settle(self):
        recorder = self.recorder
        module = recorder.modules.get('logging')
        manager = manager_of(module)
        if manager is None:
            return
        now = manager.loggerDict
        fresh = []
        for name, logger in now.items():
            if self.known.get(name) is not logger:
                if isinstance(logger, module.Logger):
                    fresh.append((name, logger))
                    self.makers[name] = recorder.stack[-1]
                self.known[name] = logger
        if fresh:
            recorder.event('effect', 'loggers', ('logging', ''), fresh)

    def settle_settings(self):
        """What a module has set in a logger that another one has made, which is none of its own submodules."""
        recorder = self.recorder
        module = recorder.modules.get('logging')
        manager = manager_of(module)
        if manager is None:
            return
        loggers = {'': module.root, **{name: one for name, one in manager.loggerDict.items() if isinstance(one, module.Logger)}}
        now = {name: Same((*one.handlers, *one.filters, one.level, one.disabled, one.propagate)) for name, one in loggers.items()}
        before, self.settings = self.settings, now
        owner = recorder.stack[-1]
        for name, settings in now.items():
            maker = self.makers.get(name, '')
            if before.get(name, settings) != settings and maker != owner and not maker.startswith(owner + '.'):
                recorder.fault('CHANGED', "logging.getLogger('%s')" % name)
        managed = Same((manager.disable, manager.loggerClass, manager.logRecordFactory))
        if self.manager not in (None, managed):
            recorder.fault('CHANGED', 'logging.disable')
        self.manager = managed

    def asked(self, logger, level, answer):
        """Somebody asks a logger for its level, or whether it logs at one."""
        recorder = self.recorder
        module = recorder.modules.get('logging')
        if not recorder.stack[-1] or recorder.inside or recorder.idle:
            return
        inside, recorder.inside = recorder.inside, True
        # It may have been made since.
        self.settle()
        recorder.inside = inside
        known = manager_of(module) and (module.root if logger is module.root else module.root.manager.loggerDict.get(logger.name))
        if known is not logger or type(level or 0) is not int:
            recorder.fault('CHANGED', 'a logger of its own')
        else:
            recorder.program.finds('logged', '%s\n%s' % (logger.name, level), answer)


def manager_of(logging):
    """Of the loggers; None where the module is not there, or not whole."""
    return getattr(getattr(logging, 'root', None), 'manager', None)


def watch_levels(recorder, module):
    """From now on it is seen who asks a logger, in whatever way, whether it logs at a level."""
    kind = module.Logger
    is_enabled, level_of = kind.isEnabledFor, kind.getEffectiveLevel

    def isEnabledFor(self, level):
        answer = is_enabled(self, level)
        recorder.logging.asked(self, level, answer)
        return answer

    def getEffectiveLevel(self):
        answer = level_of(self)
        if sys._getframe(1).f_code is not is_enabled.__code__:
            recorder.logging.asked(self, '', answer)
        return answer

    for stand_in, original in ((isEnabledFor, is_enabled), (getEffectiveLevel, level_of)):
        stand_in.__doc__, stand_in.__module__, stand_in.__qualname__ = original.__doc__, original.__module__, original.__qualname__
        setattr(kind, original.__name__, stand_in)
        recorder.logging.watched_levels.append((kind, original))


def leave_levels(recorder):
    for kind, original in recorder.logging.watched_levels:
        setattr(kind, original.__name__, original)


def settle_logged(recorder):
    module = recorder.modules.get('logging')
    if manager_of(module) is not None:
        for name in callers_of(module.Logger.callHandlers.__code__):
            recorder.faults.setdefault(name, []).append(('PRINTED', 'to a logger'))


# ---- where a module is put in place ----


def is_logged_as_then(place, module, answer):
    name, level = place
    if level == '':
        return level_by_now(module, name) == answer
    level = int(level)
    is_enabled = module.root.manager.disable < level and level >= level_by_now(module, name) and not is_disabled(module, name)
    return is_enabled == answer


def logger_by_now(module, name):
    """Also one that the modules of this walk would have made."""
    if name == module.root.name:
        return module.root
    one = module.root.manager.loggerDict.get(name)
    return one if isinstance(one, module.Logger) else to_come.get('loggers', {}).get(name)


def is_disabled(module, name):
    one = logger_by_now(module, name)
    return one is not None and bool(one.disabled)


def level_by_now(module, name):
    while name:
        one = logger_by_now(module, name)
        if one is not None and one.level:
            return one.level
        name = name.rpartition('.')[0]
    return module.root.level
