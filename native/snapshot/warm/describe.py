# SPDX-License-Identifier: Apache-2.0
# What is needed to find a module again: where it is, and by which of the interpreter's loaders it comes.


def kind_of(spec):
    import _frozen_importlib as bootstrap
    import _frozen_importlib_external as external

    loader = getattr(spec, 'loader', None)
    if loader is bootstrap.BuiltinImporter:
        return 'builtin'
    if loader is bootstrap.FrozenImporter:
        return 'frozen'
    if type(loader) is external.SourceFileLoader:
        return 'source'
    if type(loader) is external.ExtensionFileLoader:
        return 'extension'
    return 'namespace' if type(loader) is external.NamespaceLoader else 'other' if loader is not None else None


def describe(name, module):
    """What is needed to find a module again; raises ValueError where it cannot be said."""
    # Its own: of one that is not loaded until it is used (importlib.util.LazyLoader) nothing may be asked.
    spec = namespace_of(module).get('__spec__')
    # Some put another object in the place of their own.
    return describe_spec(name, spec if getattr(spec, 'name', None) == name else find_spec(name))


def find_spec(name):
    import _frozen_importlib as bootstrap

    parent = sys.modules.get(name.rpartition('.')[0])
    return bootstrap._find_spec(name, search_path_of(parent))


def describe_failed(name):
    """The same for one whose import has failed, and will again."""
    about = describe_spec(name, find_spec(name))
    if about['kind'] not in ('source', 'extension'):
        raise ValueError('LOADER')
    return dict(about, kind='failed')


def suffixes():
    import _imp

    return [*_imp.extension_suffixes(), '.py', '.pyc']


def describe_spec(name, spec):
    kind = kind_of(spec)
    if kind is None or spec.name != name:
        raise ValueError('LOADER')
    origin = spec.origin
    if kind == 'namespace':
        origin = list(spec.submodule_search_locations)[0]
    # Some modules say that they are packages, to have modules of their own making.
    package = kind in ('source', 'extension') and origin.rpartition('/')[2].startswith('__init__.')
    about = {'name': name, 'kind': kind, 'package': package, 'origin': '', 'entry': '', 'bytes': 0, 'mtime': 0}
    if kind in ('builtin', 'frozen', 'other'):
        return about
    directory = origin.rpartition('/')[0]
    entry = directory.rpartition('/')[0] if package else directory
    parent = sys.modules.get(name.rpartition('.')[0])
    search = sys.path if '.' not in name else search_path_of(parent) or ()
    if entry not in list(search) or (package and type(spec.submodule_search_locations) is not list):
        raise ValueError('PLACE')
    if kind == 'namespace':
        # Of one directory: whatever else there is on the way may add to it, so shadow.c looks there.
        places = [one for one in search if '.' in name or one == entry]
        if places != [entry] or list(spec.submodule_search_locations) != [origin]:
            raise ValueError('PLACE')
        about.update(origin=origin, entry=entry)
        return about
    status = posix.stat(origin)
    about.update(origin=origin, entry=entry, bytes=status.st_size, mtime=int(status.st_mtime))
    return about
