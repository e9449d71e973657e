# SPDX-License-Identifier: Apache-2.0
# The main programs that a snapshot is for.

# How much of the time of imports a snapshot saves: they would come from the archive otherwise, and not all is gained.
GAIN = 0.5
# What an application imports may not be importable without it. A short program, since memory that is used to compile it
# would be taken for what every start changes, and so would what statements for modules that are there already look at.
TRIED = 'for _ in %r.split():\n try: __import__(_)\n except BaseException: pass\n'


def programs_of(path, recorder, record):
    """
    The programs that the snapshot is used for: (kind, text, what their imports have taken here in microseconds, a program
    that imports the same).

    :param path: of a list of (kind, text, names of modules), as JSON
    """
    modules = {about['name']: about for about in record['modules']}
    graph = Graph(modules)
    programs = []
    for kind, text, names in read_record(path):
        roots = graph.roots_of(names)
        needed = set().union(*roots.values())
        gain = int(1e6 * GAIN * sum(recorder.costs.get(name, 0.0) for name in needed))
        programs.append((kind, text, gain, TRIED % ' '.join(roots) if roots else ''))
    return programs
