// SPDX-License-Identifier: Apache-2.0
// Packages' own tests, by pytest. Packages and source packages come from PyPI, once, into the cache of this project.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { CommandFailed, ROOT, run } from '../../bench/shell.js'
import { removeAbandoned, stagingPath } from '../../src/util/staging.js'
import type { Python } from '../pythons.js'
import type { StageCommand } from '../stage.js'
import { filesOf, PACKAGES, PYTEST, type TestedPackage } from './package-list.js'
import { type Absent, type Group, NotThere, type Prepared, type Suite } from './suite.js'

const HERE = join(ROOT, 'conformance/python')
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'pycds-image/conformance')
const LIMIT_SECONDS = 1800
/** Source packages are built to be read; newer versions of these refuse some of them. */
const BUILD_CONSTRAINTS = 'flit_core<4\nsetuptools<81\n'

export const packages: Suite = {
  name: 'packages',
  async prepare({ python, files, interruption }): Promise<Prepared> {
    const chosen = chooseParts(PACKAGES, files)
    const groups: Group[] = []
    const absent: Absent[] = []
    for (const { one, chosenFiles } of chosen) {
      try {
        const source = await unpackSource(one, interruption)
        const parts = one.parts.filter(
          (part) => source !== undefined && !existsSync(pathOf(source, one, part)),
        )
        if (parts.length > 0) {
          absent.push({ name: one.name, reason: `its source package has no ${parts.join(', ')}` })
        } else groups.push(groupOf(one, chosenFiles, await install(python, one, interruption), source))
      } catch (error) {
        if (!(error instanceof CommandFailed)) throw error
        absent.push({ name: one.name, reason: `pip: ${error.said.split('\n').at(-1)}` })
      }
    }
    return { groups, absent }
  },
}

/**
 * What names stand for: packages, or parts of them as results name them. Without a name all.
 * @throws a NotThere that names the packages there are
 */
export function chooseParts(
  all: readonly TestedPackage[],
  names: readonly string[],
): { one: TestedPackage; chosenFiles: string[] }[] {
  const isMeant = (one: TestedPackage, file: string) =>
    names.length === 0 || names.includes(one.name) || names.includes(file)
  const isKnown = (name: string) => all.some((one) => one.name === name || filesOf(one).includes(name))
  const unknown = names.filter((name) => !isKnown(name))
  if (unknown.length > 0) {
    const known = all.map(({ name }) => name).join(', ')
    throw new NotThere(`no package ${unknown.join(', ')}, and no part of one; packages: ${known}`)
  }
  return all
    .map((one) => ({ one, chosenFiles: filesOf(one).filter((file) => isMeant(one, file)) }))
    .filter(({ chosenFiles }) => chosenFiles.length > 0)
}

/** Where a part lies; a test runner of Django's is told the name of a folder of its tests. */
function pathOf(source: string, { runner }: TestedPackage, part: string): string {
  return runner === 'django' ? join(source, 'tests', part) : join(source, part)
}

/** What runs parts of a package, or only imports all that they would import. */
function argumentsOf(
  { runner, tests, options = [], ignored = [], unmarked }: TestedPackage,
  parts: readonly string[],
  record: string,
  mode: 'run' | 'import',
): string[] {
  if (runner === 'django') {
    // No test has such a name.
    const none = mode === 'import' ? ['-k', 'pycds_none'] : []
    return [join(HERE, 'run_django.py'), record, '--parallel=1', '--noinput', ...none, ...options, ...parts]
  }
  return [
    // What a package asks of every run, as measuring its coverage, is not asked here.
    ...[join(HERE, 'run_pytest.py'), record, '-q', '-o', 'addopts=', '-p', 'no:cacheprovider'],
    ...['--continue-on-collection-errors', ...options, ...ignored.map(({ test }) => `--deselect=${test}`)],
    ...(unmarked === undefined ? [] : ['-m', `not ${unmarked}`]),
    ...(mode === 'import' ? ['--collect-only'] : []),
    ...(tests === 'installed' ? ['--pyargs'] : []),
    ...parts,
  ]
}

function groupOf(
  one: TestedPackage,
  files: readonly string[],
  installed: string,
  source: string | undefined,
): Group {
  const command = (args: readonly string[]): StageCommand => ({
    ...{ args, source, limitSeconds: LIMIT_SECONDS },
    ...(one.env ? { env: one.env } : {}),
  })
  return {
    name: `${one.name} ${one.version}`,
    packages: installed,
    files,
    // By all parts, so that each has the archive that it has in a run of all.
    training: async (_files, stage) => [command(argumentsOf(one, one.parts, stage.record, 'import'))],
    test: (file, stage) => {
      const part = one.tests === 'sdist' ? file.slice(one.name.length + 1) : file
      return command(argumentsOf(one, [part], stage.record, 'run'))
    },
    ends: { 0: 'completed', 1: 'completed', 2: 'collection failed', 5: 'no tests ran' },
  }
}

/** The folder with a package and what its tests need. */
async function install(
  python: Python,
  { name, version, requires = [] }: TestedPackage,
  signal: AbortSignal | undefined,
): Promise<string> {
  const folder = join(CACHE, `site-${python.version}`, `${name}-${version}`)
  await once(folder, async (part) => {
    // Where the interpreter has no pip of its own, that of another installs for it.
    const own = await run(python.path, ['-I', '-m', 'pip', '--version']).catch(() => undefined)
    const pip =
      own === undefined ? ['python3', '-m', 'pip', '--python', python.path] : [python.path, '-m', 'pip']
    const [program = '', ...args] = pip
    await run(
      program,
      [
        ...[...args, 'install', '--quiet', '--disable-pip-version-check', '--no-warn-script-location'],
        ...['--target', part, `${name}==${version}`, ...(name === 'pytest' ? [] : [PYTEST]), ...requires],
      ],
      { signal },
    )
  })
  return folder
}

/** The unpacked source package; undefined for one whose tests are installed. */
async function unpackSource(
  one: TestedPackage,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (one.tests === 'installed') return undefined
  const folder = join(CACHE, 'source', `${one.name}-${one.version}`)
  await once(folder, async (part) => {
    const constraints = join(CACHE, 'build-constraints')
    writeFileSync(constraints, BUILD_CONSTRAINTS)
    await run(
      'python3',
      [
        ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps'],
        ...['--no-binary', one.name, '--dest', part, `${one.name}==${one.version}`],
      ],
      { env: { PIP_CONSTRAINT: constraints }, signal },
    )
    const [archive = ''] = readdirSync(part)
    await run('tar', ['-xf', join(part, archive), '-C', part, '--strip-components=1', '--no-same-owner'])
    rmSync(join(part, archive))
  })
  return folder
}

/**
 * Makes a folder of the cache where it is missing; what was interrupted is made anew. Of several that make it at once, for other
 * runs, the first counts.
 */
export async function once(folder: string, make: (part: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return
  mkdirSync(dirname(folder), { recursive: true })
  await removeAbandoned(dirname(folder))
  const part = stagingPath(folder)
  mkdirSync(part)
  try {
    await make(part)
    if (!existsSync(folder)) renameSync(part, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
}
