// SPDX-License-Identifier: Apache-2.0
// Looks at the tarball that is to be published: that it holds what it must and nothing else, that what is native is for
// the machines that it says, and that it is small. Ends with 1 and names what is wrong.
//
//   node scripts/check-package.mjs TARBALL
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT, read } from './generated.mjs'

/** Bytes of an installation. */
const MAX_INSTALLED = 12_000_000
/** That of the oldest system that the oldest supported Node starts on. */
const MAX_GLIBC = [2, 28]
/** e_machine of ELF. */
const MACHINES = { x64: 62, arm64: 183 }

/** What goes into images and training containers, for each processor. */
const INJECTED = [
  '_pycds.abi3.so',
  'compile.py',
  'import.py',
  'pycds-probe',
  'pycds-run',
  'pycds-start',
  'pycds-tracer.so',
]

/** The native parts of a release. Snapshots are of x86-64 only. */
const PREBUILDS = [
  'wasm/pycds.wasm',
  'linux-x64/pycds-freeze.so',
  'linux-x64/pycds-watch.so',
  ...Object.keys(MACHINES).flatMap((arch) => [
    ...INJECTED.map((name) => `linux-${arch}/${name}`),
    `linux-${arch}/pycds.node`,
    `linux-${arch}-musl/pycds.node`,
  ]),
]

/** What is run of dist: the programs, and what `src/commands` has of verbs; further files are pieces of these. */
function programs() {
  const verbs = readdirSync(join(ROOT, 'src/commands')).filter(
    (name) => name.endsWith('.ts') && name !== 'index.ts',
  )
  return [
    ...['dist/bin/run.js', 'dist/bin/frontend.js', 'dist/help/index.txt', 'dist/NOTICES.txt'],
    // `trace-diff.ts` is the verb `trace diff`, for which oclif looks in a folder.
    ...verbs.map((name) => `dist/commands/${name.replace(/\.ts$/, '.js').replaceAll('-', '/')}`),
  ]
}

/** All that belongs into the package, as paths from its root. */
function expectedFiles() {
  const tracked = execFileSync('git', ['ls-files', 'docs', 'examples'], { cwd: ROOT, encoding: 'utf8' })
  const dist = readdirSync(join(ROOT, 'dist'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
  const names = [
    ...['package.json', 'oclif.manifest.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md'],
    ...tracked.trim().split('\n'),
    ...dist,
    ...programs(),
    ...PREBUILDS.map((name) => `prebuilds/${name}`),
  ]
  return [...new Set(names)].sort()
}

function filesBelow(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort()
}

/** What is wrong with a native part, as a sentence; undefined when nothing is. */
function wrongElf(path, name) {
  const [, arch] = /linux-(x64|arm64)/.exec(name) ?? []
  const bytes = readFileSync(path)
  if (arch === undefined || bytes.toString('latin1', 1, 4) !== 'ELF') return undefined
  if (bytes.readUInt16LE(18) !== MACHINES[arch]) return `${name}: it is for another processor`
  const versions = [...bytes.toString('latin1').matchAll(/GLIBC_(\d+)\.(\d+)/g)]
  if (name.includes('musl') || !name.endsWith('.node')) {
    return versions.length > 0 ? `${name}: it asks for glibc` : undefined
  }
  const newer = versions.find(
    ([, major, minor]) =>
      Number(major) > MAX_GLIBC[0] || (Number(major) === MAX_GLIBC[0] && Number(minor) > MAX_GLIBC[1]),
  )
  return newer ? `${name}: it asks for ${newer[0]}; at most ${MAX_GLIBC.join('.')}` : undefined
}

function problemsOf(directory) {
  const [expected, found] = [expectedFiles(), filesBelow(directory)]
  const bytes = found.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
  process.stderr.write(`${found.length} files, ${(bytes / 1e6).toFixed(1)} MB installed\n`)
  const { dependencies = {} } = JSON.parse(read('package.json'))
  return [
    ...expected.filter((name) => !found.includes(name)).map((name) => `${name}: it is missing`),
    ...found.filter((name) => !expected.includes(name)).map((name) => `${name}: it does not belong there`),
    ...found.flatMap((name) => wrongElf(join(directory, name), name) ?? []),
    ...(bytes > MAX_INSTALLED ? [`${bytes} bytes installed; at most ${MAX_INSTALLED}`] : []),
    ...Object.keys(dependencies).map((name) => `${name}: npm would install it, too`),
  ]
}

const [tarball] = process.argv.slice(2)
if (tarball === undefined) throw new Error('usage: node scripts/check-package.mjs TARBALL')
const directory = mkdtempSync(join(tmpdir(), 'pycds-package-'))
try {
  execFileSync('tar', ['-xzf', tarball, '-C', directory])
  for (const problem of problemsOf(join(directory, 'package'))) {
    process.stderr.write(`${problem}\n`)
    process.exitCode = 1
  }
} finally {
  rmSync(directory, { recursive: true })
}
