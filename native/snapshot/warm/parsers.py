# SPDX-License-Identifier: Apache-2.0
# Parsers of `argparse` that imports make without a name of the program: they take that from its first argument, as they do again
# in each process. A template has a first argument that nothing else is, and in the second that is watched another one: so what
# has been made of the name besides left something else.

FIRST_ARGUMENT = 'pycds-elsewhere' if ELSEWHERE else 'pycds-program'


class Parsers:
    def __init__(self):
        self.known = {}  # by address
        self.makers = set()  # modules that have made some: where a template is frozen those of the record
        self.before = sys.argv[:1]
        sys.argv[:1] = [FIRST_ARGUMENT]

    def leave(self):
        """What comes now is none of an import's."""
        sys.argv[:1] = self.before

    def is_made_by(self, reader):
        """Whether it is argparse that looks at the first argument, for the name of a parser that is being made."""
        kind = namespace_of(sys.modules.get('argparse')).get('ArgumentParser')
        init = getattr(kind, '__init__', None)
        return type(init) is FUNCTION and reader.f_code is init.__code__ and reader.f_locals.get('prog') is None

    def take(self, owner, modules, objects):
        """
        Those that a module has made and has still, in the order of the collector; None: it has made none.

        :param objects: a function: all that the collector knows
        """
        kind = namespace_of(modules.get('argparse')).get('ArgumentParser')
        if owner not in self.makers or kind is None:
            return None
        made = [one for one in objects() if kind in type(one).__mro__ and id(one) not in self.known and is_named_by_program(one)]
        self.known.update((id(one), one) for one in made)
        return made


def is_named_by_program(parser):
    """Not one whose name was set, or is none of its dictionary."""
    return getattr(parser, '__dict__', {}).get('prog') == FIRST_ARGUMENT


# ---- where a module is put in place ----


def has_first_argument():
    arguments = sys.argv
    return type(arguments) is list and len(arguments) > 0 and type(arguments[0]) is str


def name_parsers(parsers):
    for one in parsers:
        one.prog = os.path.basename(sys.argv[0])
