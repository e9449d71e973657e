# SPDX-License-Identifier: Apache-2.0
# Texts that an import looks for in the list of what its process has mapped. No path with such a text may be in it when the
# module is put in place: what the template's own imports have mapped is in each process of the snapshot, and has none, so
# neither has any process that has imported less. Where the text is found it is not known whose it would be elsewhere.
#
# What the import does with the list nobody sees: it is read off the source of the function that reads it, which has to do
# nothing but look for constants.

OF_MAPPED = '/proc/self/maps'
# Python/compile.c: a tree of the source, in place of its code.
ONLY_AST = 0x400
# By these a function gets at its own names.
SEES_NAMES = {'locals', 'vars', 'eval', 'exec', 'dir', 'globals', '_getframe', 'currentframe'}


def nodes_in(node):
    """(node, the one that it is in) of a tree."""
    work = [(node, None)]
    while work:
        one, outer = work.pop()
        yield one, outer
        for name in one._fields:
            value = getattr(one, name, None)
            work += [(part, one) for part in (value if type(value) is list else [value]) if hasattr(part, '_fields')]


def has_code(code, wanted):
    return is_like_code(code, wanted) or any(has_code(one, wanted) for one in code.co_consts if type(one) is type(code))


def is_like_code(one, other):
    """Whether both come of the same function: compilers of one version, but for the last number, differ in instructions."""
    parts = 'co_name', 'co_firstlineno', 'co_names', 'co_varnames', 'co_cellvars', 'co_freevars', 'co_flags'
    if any(getattr(one, part) != getattr(other, part) for part in parts):
        return False
    return [*filter(is_text, one.co_consts)] == [*filter(is_text, other.co_consts)]


def is_text(value):
    return type(value) is str


def function_of(code, source):
    """The node of a function, None where that is not its source."""
    if not has_code(compile(source, code.co_filename, 'exec', dont_inherit=True), code):
        return None
    tree = compile(source, code.co_filename, 'exec', ONLY_AST, True)
    functions = [one for one, _ in nodes_in(tree) if type(one).__name__ == 'FunctionDef' and one.name == code.co_name]
    found = [one for one in functions if min([one.lineno] + [each.lineno for each in one.decorator_list]) == code.co_firstlineno]
    return found[0] if len(found) == 1 else None


def is_kind(node, kind, **fields):
    return type(node).__name__ == kind and all(getattr(node, name, None) == value for name, value in fields.items())


def text_of_opening(node):
    """The name of the file in `with open(...) as text: all = text.read()`."""
    if not is_kind(node, 'With') or len(node.items) != 1 or len(node.body) != 1:
        return None
    call, file, read = node.items[0].context_expr, node.items[0].optional_vars, node.body[0]
    is_opened = is_kind(call, 'Call', keywords=[]) and is_kind(call.func, 'Name', id='open') and len(call.args) == 1
    if not is_opened or not is_kind(file, 'Name') or not is_kind(read, 'Assign') or len(read.targets) != 1:
        return None
    of = getattr(read.value, 'func', None)
    is_read = is_kind(read.value, 'Call', args=[], keywords=[]) and is_kind(of, 'Attribute', attr='read')
    if not is_read or not is_kind(of.value, 'Name', id=file.id) or not is_kind(read.targets[0], 'Name'):
        return None
    return call.args[0].value if is_kind(call.args[0], 'Constant') else None


def sought_in(code, line, source):
    """What the function looks for in the list that it has opened at that line; None: it may do something else with it."""
    function = function_of(code, source)
    if function is None:
        return None
    nodes = list(nodes_in(function))
    opening = [one for one, _ in nodes if text_of_opening(one) == OF_MAPPED and one.lineno == line]
    names = [one.id for one, _ in nodes if is_kind(one, 'Name')] + [one.attr for one, _ in nodes if is_kind(one, 'Attribute')]
    if len(opening) != 1 or not SEES_NAMES.isdisjoint(names) or any(is_kind(one, 'Global') or is_kind(one, 'Nonlocal') for one, _ in nodes):
        return None
    file, text = opening[0].items[0].optional_vars.id, opening[0].body[0].targets[0].id
    # It is bound, and read from.
    if file == text or names.count(file) != 2 or text in code.co_cellvars:
        return None
    sought = []
    for one, outer in nodes:
        if not is_kind(one, 'Name', id=text) or one is opening[0].body[0].targets[0]:
            continue
        is_asked = is_kind(outer, 'Compare') and outer.comparators == [one] and type(outer.ops[0]).__name__ in ('In', 'NotIn')
        if not is_asked or not is_kind(outer.left, 'Constant') or not is_of_path(outer.left.value):
            return None
        sought.append(outer.left.value)
    return sought


def is_of_path(text):
    """Whether it can only be in a path: no other field of a line has a slash, and they are divided by spaces."""
    return is_text(text) and '/' in text and text.isascii() and text.isprintable() and ' ' not in text and '\\' not in text


def texts_sought(recorder, frame):
    """What the code of a frame looks for in the list that it is opening, all of it absent; else None."""
    inside, recorder.inside = recorder.inside, True
    try:
        with io.open(frame.f_code.co_filename, 'rb') as file:
            source = file.read()
        sought = sought_in(frame.f_code, frame.f_lineno, source)
        return None if sought is None or any(map(is_mapped, sought)) else sought
    except (OSError, ValueError, SyntaxError):
        return None
    finally:
        recorder.inside = inside


# ---- in each process ----


def is_mapped(text):
    return text.encode() in read_whole('/proc/self/maps')
