# SPDX-License-Identifier: Apache-2.0
# Who looks which modules there are: in a template that is watched `sys.modules` is another object, which tells.

# Functions that copy sys.modules to look one name up in the copy.
LOOKS_UP = {('_signature_fromstr', 'inspect.py')}
# Bodies that give modules of these packages a second name, and look for them among all names. Which names they are is all
# that their code could compare with; other texts are what it gives to functions, one as the argument `module`.
NAMES_OF_PACKAGES = {'requests.packages': ('urllib3', 'idna', 'chardet', 'charset_normalizer')}
PARTS_OF_NAMES = {'.', 'requests.packages.', 'requests.packages.chardet', 'ignore', 'Trying to detect', 'module'}
# Who may look at sys.modules: their own answers are followed elsewhere.
IMPORTING = {'importlib._bootstrap', 'importlib._bootstrap_external', '_frozen_importlib', '_frozen_importlib_external'}


class Lookups:
    def __init__(self, recorder):
        self.recorder = recorder

    def looked(self, name):
        """Python code that is not importlib's has looked for a module; returns it, or None where there is none."""
        recorder = self.recorder
        module = recorder.modules.get(name)
        owner = recorder.stack[-1]
        if recorder.inside or not owner or type(name) is not str or name == owner or owner.startswith(name + '.'):
            return module
        if sys._getframe(2).f_globals.get('__name__') in IMPORTING:
            return module
        if name in recorder.hidden:
            recorder.show(name)
            module = recorder.modules[name]
        event = ('unseen' if module is None else 'seen', name)
        if name not in recorder.base and event not in recorder.events[owner]:
            recorder.event(*event)
        return module

    def looked_at_all(self):
        recorder = self.recorder
        frame = sys._getframe(2)
        code = frame.f_code
        packages = NAMES_OF_PACKAGES.get(recorder.stack[-1])
        if packages and code.co_name == '<module>' and texts_of(code) <= {*packages, *PARTS_OF_NAMES}:
            self.looked_at_packages(packages)
        elif recorder.stack[-1] and not recorder.inside and recorder.located.looks(frame):
            return
        elif recorder.stack[-1] and not recorder.inside and (code.co_name, code.co_filename.rpartition('/')[2]) not in LOOKS_UP:
            recorder.fault('MODULES', code.co_name)

    def looked_at_packages(self, packages):
        """Of all names only those of some packages count; they have to be the same again."""
        recorder = self.recorder
        if recorder.inside:
            return
        for name in recorder.modules:
            if name.partition('.')[0] in packages:
                self.looked(name)
        if not any(event[0] == 'names' for event in recorder.events[recorder.stack[-1]]):
            recorder.event('names', ' '.join(packages))


def texts_of(code):
    """All texts that are constants of a code."""
    texts, work = set(), list(code.co_consts)
    while work:
        one = work.pop()
        if type(one) is str:
            texts.add(one)
        elif type(one) in (tuple, frozenset):
            work.extend(one)
        elif hasattr(one, 'co_consts'):
            work.extend(one.co_consts)
    return texts - {code.co_name, code.co_qualname}


def watch_modules(recorder):
    """What Python code finds under the name sys.modules; the interpreter's own dictionary stays what it was."""
    real = sys.modules

    class Modules(dict):
        def __getitem__(self, name):
            recorder.lookups.looked(name)
            return real[name]

        def __contains__(self, name):
            recorder.lookups.looked(name)
            return name in real

        def get(self, name, default=None):
            recorder.lookups.looked(name)
            return real.get(name, default)

        def __setitem__(self, name, module):
            real[name] = module

        def __delitem__(self, name):
            del real[name]

        def setdefault(self, name, default=None):
            recorder.lookups.looked(name)
            return real.setdefault(name, default)

        def pop(self, name, *default):
            recorder.lookups.looked(name)
            return real.pop(name, *default)

        def update(self, *args, **named):
            real.update(*args, **named)

        def __iter__(self):
            recorder.lookups.looked_at_all()
            return iter(real)

        def __len__(self):
            recorder.lookups.looked_at_all()
            return len(real)

        def keys(self):
            recorder.lookups.looked_at_all()
            return real.keys()

        def values(self):
            recorder.lookups.looked_at_all()
            return real.values()

        def items(self):
            recorder.lookups.looked_at_all()
            return real.items()

        def copy(self):
            recorder.lookups.looked_at_all()
            return real.copy()

    sys.modules = Modules()
