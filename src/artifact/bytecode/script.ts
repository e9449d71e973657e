// SPDX-License-Identifier: Apache-2.0
// What the image's own interpreter runs to compile. It reads `request` beside itself and writes numbered files and
// `index` into `out`: the image's directories may be read-only for its user, and what it writes must not be theirs.

export const COMPILE_SCRIPT = `import importlib.machinery, importlib.util, json, os, sys
import _frozen_importlib_external as external

FOLDER = os.path.dirname(os.path.abspath(__file__))


def usable(cached, source, earlier):
    # An image that is baked anew loses the layer of its last bake.
    if cached in earlier:
        return False
    try:
        with open(cached, "rb") as file:
            head = file.read(16)
        state = os.stat(source)
        if len(head) < 16 or head[:4] != importlib.util.MAGIC_NUMBER:
            return False
        flags = int.from_bytes(head[4:8], "little")
        if flags == 0:
            stamp = (int(state.st_mtime) & 0xFFFFFFFF, state.st_size & 0xFFFFFFFF)
            return stamp == (int.from_bytes(head[8:12], "little"), int.from_bytes(head[12:], "little"))
        if flags & 2:
            with open(source, "rb") as file:
                return head[8:] == importlib.util.source_hash(file.read())
        return True
    except OSError:
        return False


def origin_of(name):
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    return spec.origin if spec and (spec.origin or "").endswith(".py") else None


def sources_of(root):
    if not root["isPackage"]:
        # What only the training run made is not there.
        return [root["path"]] if os.path.isfile(root["path"]) else []
    found = []
    for folder, folders, files in os.walk(root["path"]):
        # Nobody imports a test suite in production, and it is often half of a package.
        folders[:] = sorted(name for name in folders if name not in ("__pycache__", "tests"))
        found += [os.path.join(folder, name) for name in sorted(files) if name.endswith(".py")]
    return found


def is_in_the_way(directory):
    return os.path.lexists(directory) and not os.path.isdir(directory)


def is_prefix_missing():
    # PYTHONPYCACHEPREFIX: whoever starts may be the one to make that directory.
    return sys.pycache_prefix is not None and not os.path.isdir(sys.pycache_prefix)


def compile_one(source, validation):
    with open(source, "rb") as file:
        data = file.read()
    loader = importlib.machinery.SourceFileLoader("<pycds>", source)
    code = loader.source_to_code(data, source)
    if validation == "timestamp":
        state = os.stat(source)
        return external._code_to_timestamp_pyc(code, int(state.st_mtime), state.st_size)
    return external._code_to_hash_pyc(code, importlib.util.source_hash(data), validation == "checked-hash")


def describe(source, cached, number):
    state, parent = os.stat(source), os.stat(os.path.dirname(source))
    return {
        "path": cached, "body": str(number),
        # As the interpreter itself would have written it, had it run as the owner of the source.
        "mode": (state.st_mode | 0o200) & 0o666, "uid": state.st_uid, "gid": state.st_gid,
        "directory": {"mode": parent.st_mode & 0o7777, "uid": parent.st_uid, "gid": parent.st_gid},
    }


def main():
    with open(os.path.join(FOLDER, "request"), "rb") as file:
        request = json.load(file)
    skip, earlier = set(request["skip"]), set(request["earlier"])
    files, packages, failed = [], 0, 0
    named = sorted(filter(None, map(origin_of, request["names"])))
    roots = request["roots"] + [{"path": path, "isPackage": False} for path in named]
    for root in [] if is_prefix_missing() else roots:
        sources = sources_of(root)
        pairs = [(source, importlib.util.cache_from_source(source)) for source in sources]
        have = {source for source, cached in pairs if usable(cached, source, earlier)}
        if have and request["onlyWithout"]:
            continue
        before = len(files)
        for source, cached in pairs:
            if source in have or source in skip or is_in_the_way(os.path.dirname(cached)):
                continue
            try:
                data = compile_one(source, request["validation"])
            except (SyntaxError, ValueError, OSError, RecursionError):
                failed += 1
                continue
            number = len(files)
            with open(os.path.join(FOLDER, "out", str(number)), "wb") as file:
                file.write(data)
            files.append(describe(source, cached, number))
        packages += len(files) > before
    with open(os.path.join(FOLDER, "out", "index"), "w") as file:
        json.dump({"files": files, "packages": packages, "failed": failed}, file)


main()
`
