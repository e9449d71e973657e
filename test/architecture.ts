// SPDX-License-Identifier: Apache-2.0
// Who may import whom. The tables are the rules; docs and reviews refer to them.
import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, posix } from 'node:path'
import test from 'ava'
import { chainTo, findCycles, findImports, type Import, readSources } from './helpers/imports.js'
import { ROOT } from './helpers/repository.js'

/**
 * The modules of src (folders; the longest name that fits counts) and what each may import beside itself.
 * `types:` allows only what the compiler erases. Anything not listed is forbidden.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  // The commands are loaded by oclif, which finds them by package.json.
  bin: ['frontend', 'errors', 'log', 'util'],
  commands: [
    ...['commands/cli', 'commands/render', 'usecases', 'learn/trace', 'measure', 'config', 'errors'],
    // A word that names a file needs no engine.
    ...['commands/fleet', 'util/published-images.ts', 'util/form-on-disk.ts'],
  ],
  // Many images, and each of them.
  'commands/fleet': ['commands/cli', 'commands/render', 'usecases', 'errors', 'types:log', 'util'],
  // From words to requests, from ports to implementations: the one place that knows all of them.
  'commands/cli': [
    ...[
      'types:usecases',
      'types:learn',
      'types:learn/run',
      'learn/trace',
      'types:artifact',
      'types:artifact/kind',
      'types:measure',
    ],
    ...['types:ports', 'archive', 'attest', 'config', 'store', 'registry', 'engine', 'in-place', 'oci'],
    ...['image', 'errors', 'log', 'util'],
  ],
  'commands/render': [
    'types:usecases',
    'artifact/facts.ts',
    'types:learn/trace',
    'image',
    'types:log',
    'util',
  ],
  // Ports, not media: the use cases must run against anything that implements src/ports.
  usecases: [
    ...[
      'learn',
      'learn/foreign',
      'learn/run',
      'learn/trace',
      'types:learn/select',
      'artifact',
      'artifact/kind',
      // What only one kind can be asked.
      'artifact/bytecode',
      'artifact/learning',
      'layer',
      'measure',
    ],
    ...['attest', 'marks', 'ports', 'dockerfile', 'image', 'errors', 'log', 'util'],
  ],
  // What is said of a bake to others: documents, and nothing but what they are made from.
  attest: [],
  learn: [
    ...['learn/run', 'types:learn/runlog', 'learn/select', 'learn/trace', 'marks', 'types:ports', 'image'],
    ...['errors', 'log', 'util'],
  ],
  'learn/foreign': ['learn', 'types:learn/runlog', 'ports', 'image', 'errors', 'util'],
  'learn/run': ['learn/runlog', 'marks', 'types:ports', 'types:image', 'types:tar', 'errors', 'util'],
  'learn/runlog': ['types:ports', 'errors', 'util'],
  'learn/select': ['learn/run', 'types:learn/runlog', 'types:ports', 'errors', 'util'],
  'learn/trace': ['learn/select', 'errors', 'util'],
  // The doors, which put together what the kinds answer; a kind knows neither them nor another kind.
  artifact: [
    ...['artifact/kind', 'artifact/archive', 'artifact/bytecode', 'artifact/launcher', 'artifact/learning'],
    'artifact/snapshot',
    ...['types:layer', 'types:learn/run', 'types:learn/select', 'types:ports', 'errors', 'log', 'util'],
  ],
  'artifact/archive': [
    ...[
      'artifact/kind',
      'learn/run',
      'learn/select',
      'marks',
      'measure',
      'types:ports',
      'errors',
      'log',
      'util',
    ],
  ],
  'artifact/bytecode': [
    ...['artifact/kind', 'types:learn/select', 'marks', 'types:ports', 'errors', 'log', 'util'],
  ],
  'artifact/launcher': ['types:layer', 'marks'],
  'artifact/learning': ['types:layer', 'marks'],
  'artifact/snapshot': [
    ...[
      'artifact/kind',
      'learn/run',
      'types:learn/select',
      'marks',
      'measure',
      'types:ports',
      'errors',
      'log',
      'util',
    ],
  ],
  // What any kind is asked, and what all of them write and read.
  'artifact/kind': [
    ...['types:layer', 'learn/run', 'marks', 'types:measure', 'types:ports', 'types:log', 'util'],
  ],
  // Names that everybody needs who reads or writes configurations.
  marks: [],
  layer: ['marks', 'types:ports', 'image', 'tar', 'errors', 'util'],
  measure: ['learn/run', 'types:ports', 'errors', 'log', 'util'],
  // What the others implement; types, and what any of them can be lent with.
  ports: ['types:image', 'types:tar', 'types:log'],
  'store/docker-daemon': [
    ...['types:ports', 'image', 'tar', 'docker', 'docker-archive', 'errors', 'log', 'util'],
  ],
  // The media do not know of each other; what they share is in oci, and locations chooses among them.
  'store/oci-layout': ['image', 'oci', 'errors', 'util'],
  'store/oci-archive': ['image', 'oci', 'tar', 'errors', 'util'],
  'store/docker-archive': ['docker-archive', 'image', 'oci', 'tar', 'errors', 'util'],
  'store/registry': ['types:ports', 'registry', 'image', 'oci', 'util'],
  'store/locations': [
    ...['types:ports', 'store/oci-layout', 'store/oci-archive', 'store/docker-archive', 'store/registry'],
    ...['types:registry', 'image', 'oci', 'tar', 'errors', 'util'],
  ],
  'engine/local': [
    ...['types:ports', 'types:log', 'engine/runner', 'image', 'types:tar', 'oci', 'rootfs', 'errors', 'util'],
  ],
  'engine/docker': ['types:ports', 'types:image', 'tar', 'docker', 'errors', 'log', 'util'],
  'engine/process': ['types:ports', 'engine/runner', 'errors', 'log', 'util'],
  // How the program native/static/runner.c is spoken to.
  'engine/runner': ['util'],
  // The root file system that a build step runs in; the engine beside it starts the processes.
  'in-place': ['types:ports', 'image', 'errors', 'util'],
  docker: ['errors', 'log', 'util'],
  // The form of archives that both engines and files have.
  'docker-archive': ['image', 'types:tar'],
  oci: ['image', 'errors', 'util'],
  // The protocol of registries, without anything of this program but images as blobs.
  registry: ['image', 'oci', 'errors', 'util'],
  rootfs: ['tar', 'errors', 'util'],
  archive: ['types:ports', 'errors', 'util'],
  // No engine, no store, no oclif: what the frontend's image would carry for nothing.
  frontend: [
    ...['frontend/gateway', 'frontend/llb', 'frontend/stdio', 'frontend/gen'],
    ...['marks', 'config', 'util', 'dockerfile', 'image', 'errors'],
  ],
  // Both the command line and the frontend, which has no oclif, read pycds-image.yaml.
  config: ['errors', 'util'],
  'frontend/gateway': ['frontend/gen', 'errors', 'util'],
  'frontend/llb': ['frontend/gen'],
  'frontend/stdio': ['errors', 'util'],
  'frontend/gen': [],
  dockerfile: [],
  image: ['errors', 'util/present.ts', 'util/quote.ts'],
  tar: ['errors'],
  // Where the documents are that a failure sends to.
  errors: ['util/document-path.ts'],
  log: ['util'],
  util: [],
}

/** External packages have one door each. `types:` as above. */
const DOORS: Record<string, readonly string[]> = {
  dockerode: ['docker', 'types:store/docker-daemon', 'types:engine/docker'],
  'tar-stream': ['tar'],
  fzstd: ['oci'],
  undici: ['registry'],
  'smol-toml': ['registry'],
  '@oclif/core': ['commands', 'commands/cli', 'bin'],
  yaml: ['config'],
  '@bufbuild/protobuf': ['frontend'],
  shlex: ['commands/cli'],
}

/** Built-in modules that only some may use; the others are free, except for the modules in PURE. */
const GUARDED_BUILTINS: Record<string, readonly string[]> = {
  // A build step runs the command where it is; without an engine, a runtime of this machine is one.
  // Credential helpers are programs.
  'node:child_process': ['engine/process', 'engine/local', 'engine/runner', 'registry'],
}

/** Modules without I/O, and the only built-ins that they may import. */
const PURE: Record<string, readonly string[]> = {
  dockerfile: [],
  image: ['node:crypto'],
  'frontend/llb': ['node:crypto'],
}

/** What bench/ may import beside itself: leaves of src, and what makes the images that tests have, too. */
const BENCH_MAY_IMPORT: readonly string[] = [
  'src/util',
  ...['test/helpers/baked.ts', 'test/helpers/cookbook.ts', 'test/helpers/cookbook-image.ts'],
  ...['test/helpers/cookbook-rows.ts', 'test/helpers/images.ts', 'test/helpers/repository.ts'],
]

/** What conformance/ may import beside itself: leaves of src, what trains, writes and places an archive, and what finds interpreters. */
const CONFORMANCE_MAY_IMPORT: readonly string[] = [
  'src/util',
  ...['src/archive', 'src/artifact', 'src/learn/runlog', 'src/learn/select', 'src/layer', 'src/ports'],
  ...['bench/machine.ts', 'bench/saved.ts', 'bench/shell.ts', 'bench/report/markdown.ts'],
  ...['test/helpers/interpreters.ts', 'test/helpers/start.ts'],
]

/** Headers by who may include them: each language boundary of native/ has one side. */
const HEADER_DOORS: Record<string, readonly string[]> = {
  // The runtime declares the part of the stable ABI that it uses, so a build needs nothing of Python.
  'Python.h': ['native/tools'],
  'napi.h': ['native/addon'],
  'node_api.h': ['native/addon'],
}

/** Folders of native/ (the longest name that fits counts) and the other folders whose headers they may include. */
const MAY_INCLUDE: Record<string, readonly string[]> = {
  'native/format': [],
  // What the runtime and the tracer use of an interpreter.
  'native/cpython': ['native/format'],
  'native/runtime/host': [
    ...['native/format', 'native/cpython', 'native/runtime/archive', 'native/snapshot'],
  ],
  // native/learn: what surrounds a process, such as the room that it has.
  'native/runtime/archive': ['native/format', 'native/cpython', 'native/learn'],
  'native/runtime/decide': [
    ...['native/format', 'native/cpython', 'native/runtime/archive', 'native/runtime/host'],
  ],
  'native/runtime/make': [
    ...['native/format', 'native/cpython', 'native/runtime/archive', 'native/runtime/host'],
  ],
  'native/runtime/caches': [
    ...['native/format', 'native/cpython', 'native/runtime/archive', 'native/runtime/decide'],
    ...['native/runtime/host'],
  ],
  // Modules that a snapshot has imported already.
  'native/runtime/warm': [
    ...['native/format', 'native/cpython', 'native/runtime/archive', 'native/runtime/decide'],
    ...['native/runtime/host', 'native/snapshot'],
  ],
  // The steps of an import, and the state of the process: knows all the others.
  'native/runtime/entry': [
    ...['native/format', 'native/cpython', 'native/runtime/archive', 'native/runtime/caches'],
    ...['native/runtime/decide', 'native/runtime/host', 'native/runtime/make', 'native/runtime/warm'],
    ...['native/runtime/learn', 'native/snapshot'],
  ],
  // Records what a start imports, and makes the helper.
  'native/runtime/learn': [
    ...['native/format', 'native/cpython', 'native/learn', 'native/static/sys'],
    ...['native/runtime/archive', 'native/runtime/caches', 'native/runtime/host'],
  ],
  // The helper, which has no C library; and what the runtime shares with it.
  'native/learn': ['native/format', 'native/static/sys', 'native/trace'],
  // Freezes and thaws; the part that runs between two worlds has no C library.
  'native/snapshot': ['native/format', 'native/cpython', 'native/static/sys'],
  'native/trace': ['native/format', 'native/cpython'],
  'native/addon': ['native/format'],
  'native/wasm': ['native/format'],
  'native/tools': ['native/format'],
  // Programs that run where there is no Python, and most of them without a C library.
  'native/static': ['native/static/sys'],
  'native/static/sys': [],
}

test('every import in src follows the tables', (t) => {
  const sources = readSources(ROOT, 'src', ['.ts'])
  t.true(sources.size > 20, 'src was not found')
  t.deepEqual(checkImports(sources), [])
})

test('every entry of the tables names something that there is', (t) => {
  const sources = readSources(ROOT, 'src', ['.ts'])
  const { src, native } = namesIn([
    ...sources.keys(),
    ...readSources(ROOT, 'native', ['.c', '.h', '.cc']).keys(),
  ])
  t.deepEqual(findNothing(MAY_IMPORT, src, src), [])
  t.deepEqual(findNothing(PURE, src, new Set(builtinModules.map((name) => `node:${name}`))), [])
  const packages = new Set(findImports(sources).map(({ specifier }) => packageOf(specifier)))
  t.deepEqual(findNothing(DOORS, packages, src), [])
  t.deepEqual(findNothing(GUARDED_BUILTINS, packages, src), [])
  t.deepEqual(findNothing(MAY_INCLUDE, native, native), [])
  t.deepEqual(findNothing(HEADER_DOORS, undefined, native), [])
})

test('docs/architecture.md has a line for every folder of the tables, and for nothing else', (t) => {
  const text = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8')
  const rows = [...text.matchAll(/^\| `((?:src|native)\/[^`]+)` \|/gm)].map(([, folder]) => folder)
  const folders = [...Object.keys(MAY_IMPORT).map((name) => `src/${name}`), ...Object.keys(MAY_INCLUDE)]
  t.deepEqual(rows.sort(), folders.sort())
})

test('the benchmark uses the built command line as anybody does, and of src only leaves', (t) => {
  const sources = readSources(ROOT, 'bench', ['.ts'])
  t.true(sources.size > 10, 'bench was not found')
  const doors = ['bench', ...BENCH_MAY_IMPORT]
  const problems = findImports(sources).filter(({ specifier, target }) =>
    target === undefined ? !specifier.startsWith('node:') : !doors.some((door) => isWithin(target, door)),
  )
  t.deepEqual(problems, [])
})

test('the conformance runner uses the pieces of a bake that make an archive, and no other part of src', (t) => {
  const sources = readSources(ROOT, 'conformance', ['.ts'])
  t.true(sources.size > 10, 'conformance was not found')
  const doors = ['conformance', ...CONFORMANCE_MAY_IMPORT]
  const problems = findImports(sources).filter(({ specifier, target }) =>
    target === undefined ? !specifier.startsWith('node:') : !doors.some((door) => isWithin(target, door)),
  )
  t.deepEqual(problems, [])
})

test('neither files nor modules nor folders of src import in cycles, nor do files of bench and conformance', (t) => {
  t.deepEqual(checkCycles(readSources(ROOT, 'src', ['.ts'])), [])
  t.deepEqual(checkCycles(readSources(ROOT, 'bench', ['.ts'])), [])
  t.deepEqual(checkCycles(readSources(ROOT, 'conformance', ['.ts'])), [])
})

test('every include in native follows the tables, and none leads back in a circle', (t) => {
  const extensions = ['.c', '.h', '.cc', '.cpp', '.hpp', '.def', '.inc']
  const all = readSources(ROOT, 'native', extensions)
  // Build output is not source.
  const sources = new Map([...all].filter(([path]) => !isWithin(path, 'native/build')))
  t.true(sources.size > 5, 'native was not found')
  t.deepEqual(checkIncludes(sources), [])
  t.deepEqual(checkIncludeCycles(sources), [])
})

test('native/format is C: other languages can read an archive with nothing else', (t) => {
  t.deepEqual([...readSources(ROOT, 'native/format', ['.cc', '.cpp', '.hpp']).keys()], [])
})

test('what Python files of a template name is named once: they have one namespace', (t) => {
  const files = new Map<string, string[]>()
  for (const [path, text] of readSources(ROOT, 'native/snapshot/warm', ['.py']))
    for (const [, defined, assigned = ''] of text.matchAll(
      /^(?:(?:def|class) (\w+)|([A-Za-z_][\w, ]*) = )/gm,
    ))
      for (const name of new Set(defined === undefined ? assigned.split(/, */) : [defined]))
        files.set(name, [...new Set([...(files.get(name) ?? []), path])])
  t.true(files.size > 300, `${files.size}`)
  t.deepEqual(
    [...files].filter(([, places]) => places.length > 1),
    [],
  )
})

const refuses = test.macro(
  (t, path: string, text: string, reason: RegExp, others: Record<string, string> = {}) => {
    const problems = checkImports(new Map([...Object.entries(others), [path, text]]))
    t.is(problems.length, 1, problems.join('\n'))
    t.regex(problems[0] ?? '', reason)
  },
)

test(
  'a use case cannot import a store',
  refuses,
  'src/usecases/a.ts',
  "import '../store/docker-daemon/b.js'",
  /usecases may not import store/,
)
test(
  'nor load one later',
  refuses,
  'src/usecases/a.ts',
  "await import('../store/docker-daemon/b.js')",
  /usecases may not/,
)
test(
  'a store gets only the types of the ports',
  refuses,
  'src/store/docker-daemon/a.ts',
  "import { x } from '../../ports/store.js'",
  /only types/,
)
test(
  'an inline type still loads its module',
  refuses,
  'src/engine/docker/a.ts',
  "import { type X } from '../../image/x.js'",
  /only types/,
)
test(
  'dockerode has one door',
  refuses,
  'src/commands/a.ts',
  "import Docker from 'dockerode'",
  /commands may not import dockerode/,
)
test(
  'an unknown package has no door',
  refuses,
  'src/util/a.ts',
  "export * from 'lodash'",
  /util may not import lodash/,
)
test(
  'nobody starts processes',
  refuses,
  'src/engine/docker/a.ts',
  "import 'node:child_process'",
  /may not import node:child_process/,
)
test('a built-in needs its prefix', refuses, 'src/log/a.ts', "import 'fs'", /write node:fs/)
test(
  'the image vocabulary does no I/O',
  refuses,
  'src/image/a.ts',
  "import 'node:fs'",
  /image may not import node:fs/,
)
test(
  'a folder without rules is refused',
  refuses,
  'src/misc/a.ts',
  "import 'node:fs'",
  /no rules for src\/misc/,
)
test('a computed import hides what it loads', refuses, 'src/log/a.ts', 'await import(name)', /computed/)
test(
  'a problem comes with the chain that leads to it',
  refuses,
  'src/util/a.ts',
  "import '../log/b.js'",
  /src\/bin\/run\.ts -> src\/util\/a\.ts -> src\/log\/b\.ts/,
  {
    'src/bin/run.ts': "import '../util/a.js'",
  },
)

test('an entry for nothing is refused, be it a module or something that one may import', (t) => {
  const { src } = namesIn(['src/engine/docker/x.ts'])
  const table = {
    'engine/docker': ['types:engine/docker/x.ts', 'engine/docker/y.ts', 'types:python'],
    python: ['engine'],
  }
  t.deepEqual(findNothing(table, src, src), [
    'engine/docker: there is no engine/docker/y.ts',
    'engine/docker: there is no python',
    'python: there is no python',
  ])
})

test('a cycle is found, also between modules whose files have none, and between folders whose modules have none', (t) => {
  const sources = new Map([
    ['src/artifact/a.ts', "import '../learn/run/a.js'"],
    ['src/learn/run/a.ts', ''],
    ['src/learn/trace/a.ts', "import '../../artifact/b.js'"],
    ['src/artifact/b.ts', ''],
    ['src/usecases/a.ts', "import '../learn/a.js'"],
    ['src/usecases/b.ts', ''],
    ['src/learn/a.ts', ''],
    ['src/learn/b.ts', "import '../usecases/b.js'"],
    ['src/log/a.ts', "import './b.js'"],
    ['src/log/b.ts', "import './a.js'"],
  ])
  t.deepEqual(checkCycles(sources), [
    'src/log/a.ts -> src/log/b.ts -> src/log/a.ts',
    'learn -> usecases -> learn',
    'src/artifact -> src/learn -> src/artifact',
    'src/learn -> src/usecases -> src/learn',
  ])
})

test('a circle of includes is found, be it only one of folders', (t) => {
  const sources = new Map([
    ['native/format/a.c', '#include "a.h"\n#include "b.h"'],
    ['native/format/a.h', ''],
    ['native/format/b.h', ''],
    ['native/format/b.c', '#include "b.h"\n#include "a.h"'],
    ['native/trace/a.c', '#include "../cpython/a.h"'],
    ['native/cpython/b.c', '#include "../trace/b.h"'],
  ])
  t.deepEqual(checkIncludeCycles(sources), [
    'native/format/a -> native/format/b -> native/format/a',
    'native/cpython -> native/trace -> native/cpython',
  ])
})

test('a circle of types is one too: neither side can be read without the other', (t) => {
  const sources = new Map([
    ['src/log/a.ts', "import type { B } from './b.js'"],
    ['src/log/b.ts', "import './a.js'"],
  ])
  t.deepEqual(checkCycles(sources), ['src/log/a.ts -> src/log/b.ts -> src/log/a.ts'])
})

test('Python.h, Node headers and foreign folders are refused in the format', (t) => {
  const text = '#include <Python.h>\n# include "napi.h"\n#include "../cpython/x.h"\n#include "format.h"\n'
  t.deepEqual(checkIncludes(new Map([['native/format/a.c', text]])), [
    'native/format/a.c:1: Python.h may be included only in native/tools',
    'native/format/a.c:2: napi.h may be included only in native/addon',
    'native/format/a.c:3: native/format may not include native/cpython/x.h',
  ])
})

function checkImports(sources: ReadonlyMap<string, string>): string[] {
  const imports = findImports(sources)
  return imports.flatMap((one) => {
    const problem = one.target === undefined ? judgePackage(one) : judgeFile(one, one.target)
    if (problem === undefined) return []
    const chain = [...chainTo(one.from, imports), one.target ?? one.specifier].join(' -> ')
    return [`${one.from}:${one.line}: ${problem}\n    ${chain}`]
  })
}

/** What entries of the tables can name: files and all folders above them, in src without its name. */
function namesIn(paths: readonly string[]): { src: Set<string>; native: Set<string> } {
  const names = paths.flatMap((path) => {
    const parts = path.split('/')
    return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
  })
  return {
    src: new Set(names.map((name) => name.replace(/^src\//, ''))),
    native: new Set(names),
  }
}

/** Entries whose key, or one of whose values, is not among those that there are; `keys` may be unchecked. */
function findNothing(
  table: Readonly<Record<string, readonly string[]>>,
  keys: ReadonlySet<string> | undefined,
  values: ReadonlySet<string>,
): string[] {
  return Object.entries(table).flatMap(([key, entries]) => [
    ...(keys === undefined || keys.has(key) ? [] : [`${key}: there is no ${key}`]),
    ...entries
      .map((entry) => entry.replace('types:', ''))
      .filter((entry) => !values.has(entry))
      .map((entry) => `${key}: there is no ${entry}`),
  ])
}

function judgeFile(one: Import, target: string): string | undefined {
  const from = moduleOf(one.from)
  const allowed = MAY_IMPORT[from]
  if (allowed === undefined) return `no rules for src/${from}: add it to the table`
  if (!target.startsWith('src/')) return `${from} may not import ${target}, which is outside src`
  const path = target.slice('src/'.length)
  if (isWithin(path, from)) return undefined
  return judge(allowed, (door) => isWithin(path, door), one, `${from} may not import ${path}`)
}

function judgePackage(one: Import): string | undefined {
  const { specifier } = one
  const from = moduleOf(one.from)
  if (specifier === '(computed)') return `${from} has a computed import: its target cannot be checked`
  if (MAY_IMPORT[from] === undefined) return `no rules for src/${from}: add it to the table`
  if (builtinModules.includes(specifier)) return `write node:${specifier}`
  const refusal = `${from} may not import ${specifier}`
  const path = one.from.slice('src/'.length)
  if (specifier.startsWith('node:')) {
    const guarded = GUARDED_BUILTINS[specifier]
    const pure = PURE[from]
    if (pure !== undefined) return pure.includes(specifier) ? undefined : refusal
    return guarded === undefined || guarded.some((door) => isWithin(path, door)) ? undefined : refusal
  }
  return judge(DOORS[packageOf(specifier)] ?? [], (door) => isWithin(path, door), one, refusal)
}

/** The package of what is imported: without the path behind its name. */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

/** Judges an import by the entries of a table that fit it; undefined when one of them allows it. */
function judge(entries: readonly string[], fits: (door: string) => boolean, one: Import, refusal: string) {
  const fitting = entries.filter((entry) => fits(entry.replace('types:', '')))
  if (fitting.length === 0) return refusal
  if (one.typeOnly || fitting.some((entry) => !entry.startsWith('types:'))) return undefined
  return `${refusal}, only types of it (import type)`
}

function checkCycles(sources: ReadonlyMap<string, string>): string[] {
  const files = new Map<string, Set<string>>()
  const modules = new Map<string, Set<string>>()
  const folders = new Map<string, Set<string>>()
  for (const { from, target } of findImports(sources)) {
    if (target === undefined) continue
    connect(files, from, target)
    if (moduleOf(from) !== moduleOf(target)) connect(modules, moduleOf(from), moduleOf(target))
    const [folder, other] = [from, target].map(folderOf)
    if (folder && other && folder !== other) connect(folders, folder, other)
  }
  return [files, modules, folders].flatMap((graph) => findCycles(graph)).map((cycle) => cycle.join(' -> '))
}

/** Of src the folder at the top, whatever is below it. */
function folderOf(path: string): string | undefined {
  return /^src\/[^/]+(?=\/)/.exec(path)?.[0]
}

function checkIncludes(sources: ReadonlyMap<string, string>): string[] {
  return [...sources].flatMap(([path, text]) =>
    text.split('\n').flatMap((line, index) => {
      const [, header] = /^\s*#\s*include\s*[<"]([^>"]+)[>"]/.exec(line) ?? []
      const problem = header === undefined ? undefined : judgeHeader(path, header, line.includes('"'))
      return problem === undefined ? [] : [`${path}:${index + 1}: ${problem}`]
    }),
  )
}

/** Between the parts of native, each a source file with its header, and between its folders. */
function checkIncludeCycles(sources: ReadonlyMap<string, string>): string[] {
  const parts = new Map<string, Set<string>>()
  const folders = new Map<string, Set<string>>()
  for (const [path, text] of sources) {
    for (const [, header = ''] of text.matchAll(/^\s*#\s*include\s*"([^"]+)"/gm)) {
      const target = posix.join(posix.dirname(path), header)
      const [from, to] = [path, target].map((one) => one.replace(/\.\w+$/, ''))
      if (from !== to) connect(parts, from ?? '', to ?? '')
      const [folder, other] = [path, target].map(nativeFolderOf)
      if (folder !== other) connect(folders, folder ?? '', other ?? '')
    }
  }
  return [...findCycles(parts), ...findCycles(folders)].map((cycle) => cycle.join(' -> '))
}

function judgeHeader(path: string, header: string, quoted: boolean): string | undefined {
  const folder = nativeFolderOf(path)
  const allowed = MAY_INCLUDE[folder]
  if (allowed === undefined) return `no rules for ${folder}: add it to the table`
  const doors = HEADER_DOORS[header.split('/').at(-1) ?? header]
  if (doors !== undefined) {
    return doors.includes(folder) ? undefined : `${header} may be included only in ${doors.join(', ')}`
  }
  if (!quoted || !header.includes('/')) return undefined
  const target = new URL(header, `file:///${path}`).pathname.slice(1)
  if (!target.startsWith('native/')) return undefined
  const fits = [folder, ...allowed].includes(nativeFolderOf(target))
  return fits ? undefined : `${folder} may not include ${target}`
}

/** The longest name in the table that fits a file of native, else its folder. */
function nativeFolderOf(path: string): string {
  const known = Object.keys(MAY_INCLUDE).filter((name) => isWithin(path, name))
  return known.sort((a, b) => b.length - a.length)[0] ?? path.split('/').slice(0, -1).join('/')
}

/** `src/store/docker-daemon/x.ts` -> `store/docker-daemon`: the longest name in the table, else the first folder. */
function moduleOf(path: string): string {
  const inside = path.replace(/^src\//, '')
  const known = Object.keys(MAY_IMPORT).filter((name) => isWithin(inside, name))
  return known.sort((a, b) => b.length - a.length)[0] ?? inside.split('/')[0] ?? inside
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`) || path === `${folder}.ts`
}

function connect(edges: Map<string, Set<string>>, from: string, to: string): void {
  edges.set(from, (edges.get(from) ?? new Set()).add(to))
}
