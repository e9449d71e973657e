#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// Writes docs/errors.md and reject-reasons.ts from the lists that the code itself uses: reject.def and
// miss.def of native, and src/errors/codes.ts. The advice is kept here.
//
//   node scripts/gen-errors.mjs            writes both files
//   node scripts/gen-errors.mjs --check    writes nothing; ends with 1 when one of them is outdated
import { assertComplete, find, read, table, update } from './generated.mjs'

const ERROR_TEXTS = {
  USAGE: 'The command line cannot be understood, or asks for something that is refused.',
  TRAINING_FAILED: 'The command in the image failed during the training run.',
  TRAINING_TIMEOUT: 'A run was neither over nor ready within `--timeout`.',
  BAKE_TIMEOUT: 'An image was not baked within `--image-timeout`.',
  NO_PYTHON: 'The command in the image started no Python that could be seen.',
  PYTHON_UNSUPPORTED: 'The Python, or the platform, of the image cannot be served.',
  VERIFY_FAILED:
    'A container of the image does not use its archive as it must, or does not start as the original does.',
  GATE_FAILED:
    'A limit that was asked for (`--min-speedup`, `--max-layer-size`, ...) is missed; nothing was tagged.',
  ENGINE_UNREACHABLE: 'The container engine does not answer, or does not let this user in.',
  ENGINE_FAILED: 'The container engine answered, but not with what was asked for.',
  NO_SPACE: 'No disk space is left: in the engine, for temporary files, or where output goes.',
  REGISTRY_UNREACHABLE: 'A registry does not answer, or does not serve this now.',
  REGISTRY_REFUSED: 'A registry, or what is to give the credentials for it, refuses.',
  IMAGE_NOT_FOUND: 'The engine, the location or the registry has no image of that name.',
  IMAGE_INVALID: 'The image is damaged, unreadable, full of layers, or not one that a bake made.',
  ARCHIVE_INVALID: 'An archive is damaged, or is no archive.',
  TRACE_INVALID: 'A trace is damaged, or is of another image or Python.',
  INTERRUPTED: 'Ctrl-C or SIGTERM; what had been made was removed.',
  INTERNAL: 'A bug in pycds-image. `DEBUG=pycds*` prints where it happened.',
}

const REJECT_ADVICE = {
  WRITABLE: 'Take the right to write from group and others: `chmod go-w` on the archive.',
  MISSING: 'Check that `PYCDS_ARCHIVE` names a regular file that this user may read.',
  NOT_AN_ARCHIVE: 'Check what `PYCDS_ARCHIVE` names.',
  UNSEALED: 'Bake again.',
  FORMAT: 'Bake again; the archive and the runtime come from different versions.',
  TRUNCATED: 'Bake again; the file was cut or something was appended to it.',
  HEADER_DAMAGED: 'Bake again.',
  ARCHITECTURE: 'Bake the image of this architecture.',
  PYTHON_VERSION: 'Python was replaced after the bake: bake again.',
  PYTHON_ABI: 'Use a release build of CPython, without `--with-pydebug`.',
  BUILD_MISMATCH: 'Python was rebuilt or upgraded after the bake: bake again.',
  OPTIMIZE: 'Bake with the `-O` or `PYTHONOPTIMIZE` that the container runs with.',
  DEBUG_RANGES: 'Remove `PYTHONNODEBUGRANGES` or `-X no_debug_ranges`.',
  INTERPRETER: 'Nothing to do: sub-interpreters import as they always did.',
  RUNTIME:
    'Something replaced parts of `importlib` or `sys.meta_path` before the hook ran; look for other `.pth` files.',
  MEMORY: 'Raise the limit on address space (`ulimit -v`).',
}

const MISS_ADVICE = {
  NOT_ARCHIVED: 'The training run did not import it. Train with a command that does.',
  BEFORE_HOOK: 'Python needs these modules before it reads site directories. There are only a few.',
  SOURCE_CHANGED: 'Nothing is wrong: the edited file runs. Bake again to archive it.',
  SOURCE_MISSING: 'Keep the `.py` files in the image, or bake with `--validate none`.',
  SOURCE_CLOSED:
    'Python imports it as far as this user can. Give the user of the container the right to read it, or start it as the user of the image.',
  PATH_DIFFERS:
    'Start with the `sys.path` of the training run (`PYTHONPATH`, script directory, working directory).',
  SHADOWED:
    'A name in an earlier directory of `sys.path` begins alike, or a package or extension module lies beside it; the usual search decides.',
  PATH_HOOKS: 'Something was put in front of `sys.path_hooks`; then the path finder alone decides.',
  FINDER:
    'Something on `sys.meta_path` wraps or replaces the path finder, or stands right in front of it; then it is asked.',
  LOADER_CHANGED:
    'Something replaced methods of `importlib` loaders, as some tracers do; then they do the loading.',
  HANDED_OUT: 'Nothing is wrong: a module that is imported a second time gets code of its own.',
  DAMAGED: 'Bake again.',
}

const REFUSAL_ADVICE = {
  OFF: 'Nothing to do: this was asked for.',
  BUILD: 'Nothing to do: there are no snapshots for this processor.',
  LIBC: 'Use an image with glibc 2.35 or newer.',
  SECURE: 'Start the program without set-uid, set-gid or file capabilities.',
  MISSING: 'Check that the file beside the archive can be read by this user.',
  WRITABLE: 'Take the right to write from group and others: `chmod go-w` on the snapshot.',
  NOT_A_SNAPSHOT: 'Bake again.',
  UNSEALED: 'Bake again.',
  FORMAT: 'Bake again; the snapshot and the runtime come from different versions.',
  TRUNCATED: 'Bake again; the file was cut or something was appended to it.',
  DAMAGED: 'Bake again.',
  ARCHITECTURE: 'Bake the image of this architecture.',
  PYTHON_VERSION: 'Python was replaced after the bake: bake again.',
  ENTRYPOINT:
    'Write the ENTRYPOINT or CMD as a list whose first word is the Python, or a script that begins with `#!` and its path. Where a shell has to come first nothing is wrong: its Python goes on in the snapshot once it has started.',
  OTHER_PROGRAM: 'Nothing is wrong. To have this program served, bake with a training run that starts it.',
  LITTLE_GAIN: 'Nothing is wrong: this program starts faster so.',
  CPU: 'Bake on the oldest kind of processor that the image runs on.',
  CPU_STATE: 'Bake on a machine, or a virtual machine, of the kind that the image runs on.',
  NOT_AT_START: 'Leave the hook where it is, in the first site directory, and start Python by itself.',
  CONFIGURATION:
    'Start with the options of the image: `-O`, `-X`, `-W`, `-I` and the like are part of it. `-u` (or `PYTHONUNBUFFERED`) must be there if it was; it may be added, unless a module keeps `sys.stdout.buffer`.',
  ENVIRONMENT:
    'The line ends with the name of one that differs, where that is known. Set `LANG`, `LC_*`, `TZ`, `PYTHON*`, `LD_*` and `MALLOC_*` in the image (`ENV`, or a script of it that starts the program), not at its start; `HOME` must be set or not, as then.',
  SEARCH_PATH:
    'Start without `PYTHONPATH`, mounted site directories or packages of the user that the bake had not.',
  MODULES: 'Something imports modules before the hook: look for other `.pth` files and `sitecustomize`.',
  OBJECTS: 'Start without `LD_PRELOAD` and `/etc/ld.so.preload` that the image has not.',
  PROC: 'Mount `/proc`, and let the process read its own entries.',
  PROGRAM: 'Nothing to do: programs that embed Python, or change their command line, start with the archive.',
  THREADS:
    'Something starts a thread before the program: look for other `.pth` files and preloaded libraries.',
  TRACED: 'Nothing to do: a debugger sees the program as it is without.',
  SIGNALS: 'Something handles signals before the program: look for `faulthandler` and preloaded libraries.',
  SHADOW_STACK: 'Nothing to do: with shadow stacks there are no snapshots yet.',
  FILE_CHANGED: 'A library was replaced or mounted after the bake: bake again.',
  SOURCE_CHANGED:
    'A site directory, the time zone (/etc/localtime), the configuration of OpenSSL or the libraries that the dynamic loader finds were changed or mounted after the bake: bake again. The reason names the path.',
  ADDRESS_TAKEN:
    'Rare: the stack lies there, or the vdso of another kernel, and the next start lays its memory out anew. If it stays so, bake again.',
  MEMORY: 'Raise the limit on address space (`ulimit -v`), or allow overcommitment of memory.',
  VDSO: 'Allow `mremap` and `munmap` to the container, or use a kernel that does not seal its mappings.',
  RSEQ: 'Allow the system call `rseq` to the container (its seccomp profile).',
  INTERRUPTED: 'Nothing to do: the program was asked to end.',
  DENIED: 'Allow the container the system calls that the default profile of Docker allows.',
  REFUSED_AFTER:
    'Please report it, with kernel, runtime and seccomp profile. The program has run from the archive.',
}

const FAULT_ADVICE = {
  ARGUMENTS: 'Read the arguments when they are needed, in a function that the program calls.',
  CLASSES: 'Keep a registry of your own instead of asking a class for those derived from it.',
  C_LIBRARY: 'Set the locale, modes of floating point and the like in the program.',
  CHANGED:
    'Import what patches others from the application itself, so that it is the only one to go without.',
  CODEC: 'Keep no codec, nor what is only in one; use its name.',
  DESCRIPTOR: 'Open the file when it is needed.',
  DIFFERS: 'Compute what differs (a time, an id, a path of the machine) when it is needed.',
  DIRECTORY: 'Change the working directory in the program, not in a library.',
  ENTROPY: 'Draw when it is needed; what a library draws at import would be the same in all containers.',
  ENVIRONMENT: 'Ask for variables by name: `os.environ.get`.',
  EXCLUDED: 'Change `--snapshot-exclude`.',
  FAILED: 'Install what it looks for, or do not import it where it cannot work.',
  GENERATOR: 'Leave OpenSSL its own, or have the program set another one.',
  HOOK: 'Add audit hooks in the program.',
  HOST: 'Ask for the name of the host when it is needed.',
  INTERPRETER: 'Change settings of the interpreter in the program.',
  LIMIT: 'Change limits in the program.',
  LISTED: 'List directories when it is needed, or name the modules in the package.',
  LOADER: 'Import it from a file of the image, not from a zip or through a loader of its own.',
  MAIN: 'Look at the program when it is needed, or have it tell the library.',
  MAPPED: 'Map memory, and make callbacks of ctypes, when it is needed.',
  MODULES: 'Look single names up in `sys.modules`.',
  ONCE: 'Nothing to do but ask its authors for multi-phase initialisation (PEP 489).',
  OUTSIDE: 'Read `/proc`, devices and files of the machine when they are needed.',
  PATH: 'Search `sys.path` when it is needed; ask `importlib.metadata` for distributions, and `importlib.util.find_spec` for modules.',
  PID: 'Ask for the number of the process when it is needed.',
  PRINTED: 'Do not print at import, nor log warnings.',
  PROCESS: 'Start processes when they are needed.',
  PROPERTY: 'Change priorities, timers, groups and the like in the program.',
  REMOVED: 'Leave `sys.modules` as it is.',
  SIGNAL: 'Set signal handlers in the program.',
  SOCKET: 'Make sockets when they are needed.',
  SURROUNDINGS: 'Ask when it is needed.',
  THREAD: 'Start threads when they are needed.',
  TIME: 'Ask for the time when it is needed. Whether a date or a time of `datetime` is over may be asked.',
  TRACE: 'Set trace functions in the program.',
  TRAINING:
    'Import it before the program changes what it uses (gevent’s patches, say), or train with the variables and files that starts will have.',
  UMASK: 'Change the mask in the program.',
  VARIABLES: 'Set variables in the image (`ENV`).',
  WARNED: 'Mend what it warns of, or upgrade it.',
  WROTE: 'Write files when they are needed; compile bytecode in the build.',
}

const UNREADY_ADVICE = {
  BUILTINS:
    'The program has set a name in `builtins` (gettext’s `_`, a replaced `open`): import the libraries before.',
  VARIABLE:
    'Set the variable that the line names in the image (`ENV`), to the value that starts have: `HOME` for `--user`, say.',
  FILE: 'Nothing is wrong: a file was mounted or changed after the bake. Bake again where it is to stay so.',
  NOT_FOUND:
    'It was changed, is mounted over, or something comes before it on `sys.path` now. Bake again, or start with the `sys.path` of the bake.',
  REPLACED:
    'The program, or a module of it, has set an attribute of that module: import the others before, or do not replace.',
  NAME_TAKEN: 'Something was put into `sys.modules`, as mocks are, or taken out. Nothing is wrong.',
  PACKAGE:
    'See what its package is not ready for: a line of its own, or `PYCDS_LOG=1` of a program that imports the package alone.',
  IMPORTED: 'The module that the line names first has the reason: see the other lines.',
  WITHIN: 'Import the package that brings it in, as in training.',
  DROPPED: 'An earlier line has the reason.',
  THERE_NOW:
    'Something that was not installed at the bake is there, was imported by another way, or might be found by a finder that the program has put on `sys.meta_path` (as `pkg_resources` does), which is not asked. Bake again, or import it before such a finder is there.',
  ADDED: 'Something was put into `sys.modules` under that name. Nothing is wrong.',
  EFFECT: 'The program has changed what the import changes too. Import that library first.',
  NOT_THERE:
    'The import does something else where that module was imported before, as in training. Import it first.',
  THERE: 'The import does something else where that module was imported before. Import it later.',
  MODULES: 'Import more modules of that package later.',
  PROCESSORS:
    'Start containers with as many processors as the bake had (`--cpuset-cpus`), or leave it: it is imported as ever.',
  SHARED: 'Import the extension modules in the order of training.',
  BASE_CLASS: 'Something was set on a class of a library: import what derives from it before.',
  CLASSES: 'Import what derives from that class in the order of training.',
  LISTED: 'A file was added to that directory after the bake. Bake again.',
  ASKED:
    'Start in the directory and as the user of the image (`WORKDIR`, `USER`); a file that the line is about was mounted, added or removed, or the program has changed a setting of the interpreter before.',
}

const LEARN_ADVICE = {
  RECORDING:
    'Nothing to do. A report is written before a held end, so this is also what a start says that writes the archive then.',
  WRITING: 'Nothing to do.',
  LEARNED: 'Nothing to do. If every start says so, the directory does not outlive it: mount a volume there.',
  USED: 'Nothing to do.',
  KEPT: 'Nothing to do.',
  NO_DIRECTORY:
    'Give the absolute path of a directory, which is no link, or of one whose parent there is and this user may write to.',
  FOREIGN_DIRECTORY:
    'Give the directory to the user of the program, and take from group and others the right to write.',
  UNWRITABLE:
    'Mount the volume to be written to, and give it to the user of the program, or to all: mode 1777, as of `/tmp`.',
  INTERPRETER: 'Nothing to do: [interpreters.md](interpreters.md) has those that are served.',
  BUSY: 'Nothing to do.',
  TRIED: 'Set it, or give the program more memory, or wait for an hour.',
  NO_MEMORY: 'Raise the limit of the container, or on address space (`ulimit -v`), by 96 MiB.',
  NO_PROCESS: 'Nothing to do, or raise the limit on processes: the next start makes the archive.',
  RIGHTS: 'Start the program as the user that it runs as.',
  REFUSED: 'Nothing to do: the next start records anew.',
}

/** `NAME(CODE, "sentence")` lines of an X-macro list, in order. */
function readList(path, macro) {
  const text = read(path)
  const found = [...text.matchAll(new RegExp(`^${macro}\\((\\w+), "([^"\\\\]*)"\\)$`, 'gm'))]
  const expected = text.split('\n').filter((line) => line.startsWith(`${macro}(`)).length
  if (found.length === 0 || found.length !== expected) throw new Error(`${path}: a line cannot be read`)
  return found.map(([, code, sentence]) => ({ code, sentence }))
}

/** Pairs of code and exit code, in the order of the source. */
function readExitCodes(path) {
  const [, body] = /EXIT_CODES[^{]*\{([^}]*)\}/.exec(read(path)) ?? []
  const found = [...(body ?? '').matchAll(/^\s*([A-Z_]+): (\d+),$/gm)]
  if (found.length === 0) throw new Error(`${path}: the table of exit codes was not found`)
  return found.map(([, code, exit]) => ({ code, exit }))
}

/** `CODE: 'sentence',` lines of a table in TypeScript. */
function readSentences(path) {
  const found = [...read(path).matchAll(/^ {2}([A-Z_]+):\s+'([^']*)',$/gm)]
  if (found.length === 0) throw new Error(`${path}: the table was not found`)
  return found.map(([, code, sentence]) => ({ code, sentence }))
}

function formatDocument(errors, rejects, misses, refusals, faults, unready, statuses) {
  return `# Errors, exit codes and reasons

<!-- Generated by scripts/gen-errors.mjs; do not edit. -->

## Errors of the command line

Every failure is a code, a sentence that names the object and the reason, and a next step. With \`--json\` it is
printed as \`{"error": {"code", "message", "hint", "exitCode"}}\`. The codes and their exit codes keep their meaning.
Exit code 0 means that everything asked for was done.

${table(
  ['exit code', 'code', 'meaning'],
  errors.map(({ code, exit }) => [exit, `\`${code}\``, ERROR_TEXTS[code]]),
)}

## Why an archive is not used

At run time a whole archive is used or refused, once per process. After a refusal Python imports as it does without
one. \`PYCDS=report\` prints the reason at exit, \`PYCDS_LOG=1\` at once, and \`PYCDS=require\` ends the process with
status 78 instead. The checks of the file come first, then those of the interpreter; the first reason that applies is
given. \`INTERPRETER\` is found out before the file is opened.

${table(
  ['code', 'meaning', 'what to do'],
  rejects.map(({ code, sentence }) => [`\`${code}\``, sentence, REJECT_ADVICE[code]]),
)}

## Why a module is not served

A module that is not served from an archive in use is imported by Python's own path finder; no other module is
affected. \`PYCDS=report\` names the modules and the codes at exit.

${table(
  ['code', 'meaning', 'what to do'],
  misses.map(({ code, sentence }) => [`\`${code}\``, sentence, MISS_ADVICE[code]]),
)}

## Why a snapshot is not used

A start that cannot go on in the [snapshot](snapshots.md) of its image runs from the archive, and nothing else differs.
\`PYCDS=report\` prints the reason at exit, \`PYCDS_LOG=1\` at once, and \`verify\` tells it.

${table(
  ['code', 'meaning', 'what to do'],
  refusals.map(({ code, sentence }) => [`\`${code}\``, sentence, REFUSAL_ADVICE[code]]),
)}

## Why a module is not in a snapshot

Such a module, and each that imports it, is served from the archive. \`bake\` names it with the reason, \`inspect\` too where the image has a snapshot, and
what it costs each start. Where the code is yours, the last column says what would mend it.

${table(
  ['code', 'its import', 'what would mend it'],
  faults.map(({ code, sentence }) => [`\`${code}\``, sentence, FAULT_ADVICE[code]]),
)}

## Why a ready module is imported as ever

A module that is ready in the snapshot in use is put in place where an import statement would have led to the same; else it, and
what depends on it, comes from the archive, and the program sees what it would have seen. \`PYCDS=report\` counts such import
statements, and \`PYCDS_LOG=1\` says why, at once:
\`not ready seaborn: matplotlib: a variable differs that it read: MPLBACKEND\` is about \`import seaborn\`, for the module
that does not fit, with the name of a variable, a file or a module where there is one. What is frozen of variables is a hash: no
value is shown.

${table(
  ['reason', 'what to do'],
  unready.map(({ code, sentence }) => [sentence, UNREADY_ADVICE[code]]),
)}

## What a start does about learning

Where starts [learn](learning.md), \`PYCDS=report\` tells one of these at exit, with the directory, and
\`_pycds.stats()["learning"]\` the code.

${table(
  ['code', 'meaning', 'what to do'],
  statuses.map(({ code, sentence }) => [`\`${code}\``, sentence, LEARN_ADVICE[code]]),
)}
`
}

function quote(text) {
  return text.includes("'") ? JSON.stringify(text) : `'${text}'`
}

function formatReasons(name, constant, comment, list) {
  return `/** ${comment} */
export type ${name} =
${list.map(({ code }) => `  | '${code}'`).join('\n')}

export const ${constant}: Readonly<Record<${name}, string>> = Object.freeze({
${list.map(({ code, sentence }) => `  ${code}: ${quote(sentence)},`).join('\n')}
})
`
}

function formatModule(rejects, misses) {
  return `// SPDX-License-Identifier: Apache-2.0
// Generated by scripts/gen-errors.mjs from reject.def and miss.def of native; do not edit.

${formatReasons('RejectReason', 'REJECT_SENTENCES', 'Why a whole archive is not used.', rejects)}
${formatReasons('MissReason', 'MISS_SENTENCES', 'Why one module is not served from an archive that is otherwise in use.', misses)}`
}

const LINE_LENGTH = 110

function formatAdvice({ code }) {
  const line = `  ${code}: ${quote(REFUSAL_ADVICE[code])},`
  return line.length <= LINE_LENGTH ? line : `  ${code}:\n    ${quote(REFUSAL_ADVICE[code])},`
}

function formatRefusals(refusals) {
  return `// SPDX-License-Identifier: Apache-2.0
// Generated by scripts/gen-errors.mjs, with refusals.def of native; do not edit.

${formatReasons('Refusal', 'REFUSAL_SENTENCES', 'Why a snapshot is not used.', refusals)}
/** What to do about each. */
export const REFUSAL_ADVICE: Readonly<Record<Refusal, string>> = Object.freeze({
${refusals.map(formatAdvice).join('\n')}
})
`
}

const errors = readExitCodes('src/errors/codes.ts')
const rejects = readList(find('native', 'reject.def'), 'REJECT')
const misses = readList(find('native', 'miss.def'), 'MISS')
const refusals = readList(find('native', 'refusals.def'), 'REJECT')
const statuses = readList('native/runtime/learn/status.def', 'LEARN_STATUS')
const unready = readList('native/runtime/warm/unready.def', 'UNREADY')
const codes = (list) => list.map(({ code }) => code)
assertComplete(codes(errors), ERROR_TEXTS, 'scripts/gen-errors.mjs: ERROR_TEXTS')
assertComplete(codes(rejects), REJECT_ADVICE, 'scripts/gen-errors.mjs: REJECT_ADVICE')
const faults = readSentences('src/artifact/snapshot/faults.ts')
assertComplete(codes(refusals), REFUSAL_ADVICE, 'scripts/gen-errors.mjs: REFUSAL_ADVICE')
assertComplete(codes(faults), FAULT_ADVICE, 'scripts/gen-errors.mjs: FAULT_ADVICE')
assertComplete(codes(unready), UNREADY_ADVICE, 'scripts/gen-errors.mjs: UNREADY_ADVICE')
assertComplete(codes(statuses), LEARN_ADVICE, 'scripts/gen-errors.mjs: LEARN_ADVICE')
assertComplete(codes(misses), MISS_ADVICE, 'scripts/gen-errors.mjs: MISS_ADVICE')
update(
  {
    'docs/errors.md': formatDocument(errors, rejects, misses, refusals, faults, unready, statuses),
    [find('src', 'reject-reasons.ts')]: formatModule(rejects, misses),
    'src/artifact/snapshot/refusals.ts': formatRefusals(refusals),
  },
  'node scripts/gen-errors.mjs',
)
