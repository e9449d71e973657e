# SPDX-License-Identifier: Apache-2.0
# What imports log. Most of it nobody hears, since a logger has no such level: where a template is watched it is seen who asks a logger
# for that, and the module is held while the answer is the same. A record that is made is a fault: which handlers it would
# come to is the program's.


def watch_levels(recorder, module):
    """From now on it is seen who asks a logger, in whatever way, whether it logs at a level."""
    kind = module.Logger
    is_enabled, level_of = kind.isEnabledFor, kind.getEffectiveLevel

    def isEnabledFor(self, level):
        answer = is_enabled(self, level)
        recorder.asked_logger(self, level, answer)
        return answer

    def getEffectiveLevel(self):
        answer = level_of(self)
        if sys._getframe(1).f_code is not is_enabled.__code__:
            recorder.asked_logger(self, '', answer)
        return answer

    for stand_in, original in ((isEnabledFor, is_enabled), (getEffectiveLevel, level_of)):
        stand_in.__doc__, stand_in.__module__, stand_in.__qualname__ = original.__doc__, original.__module__, original.__qualname__
        setattr(kind, original.__name__, stand_in)
        recorder.watched_levels.append((kind, original))


def leave_levels(recorder):
    for kind, original in recorder.watched_levels:
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
