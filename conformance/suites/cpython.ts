// SPDX-License-Identifier: Apache-2.0
// CPython's own tests, by its own test runner, one file a process.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CommandFailed, ROOT, run } from '../../bench/shell.js'
import { createArchiver } from '../../src/archive/archiver.js'
import type { Kind } from '../options.js'
import { ALONE, type Python, SEARCH_PATH } from '../pythons.js'
import type { Stage, StageCommand } from '../stage.js'
import { IGNORED, NOT_RUN, QUICK } from './cpython-files.js'
import { chooseFiles, type Group, NotThere, type Prepared, type Suite, unknownFiles } from './suite.js'

const HERE = join(ROOT, 'conformance/python')
/** How list_tests.py says that there is no test suite. */
const NO_SUITE = 3
/** Some wait for minutes, and more of them on a busy machine. */
const LIMIT_SECONDS = 1200
/** What tests may use: nothing that needs a network, a screen or hours. */
const RESOURCES = 'subprocess'
/**
 * The test runner gives itself this variable where it has none, for its children. One with such a name must be what it was
 * when an interpreter was frozen: they would all have the archive alone.
 */
const GUARD = { PYTHONREGRTEST_UNICODE_GUARD: '\u00e6' }

export const cpython: Suite = {
  name: 'cpython',
  async prepare({ python, kind, quick, files }): Promise<Prepared> {
    const listed = await listTests(python)
    if (listed === undefined) return { groups: [], absent: [{ name: 'cpython', reason: howToGet(python) }] }
    const unknown = unknownFiles(listed, files)
    // What a release has not, another may have: only what was asked for by hand must be there.
    if (unknown.length > 0)
      throw new NotThere(`CPython ${python.version} has no test file ${unknown.join(', ')}`)
    const known = listed.filter((file) => !NOT_RUN.some(({ name }) => name === file.split('.')[0]))
    const wanted = files.length > 0 ? chooseFiles(listed, files) : quick ? chooseFiles(listed, QUICK) : known
    return { groups: [groupOf(python, kind, wanted)], absent: [], known }
  },
}

async function listTests(python: Python): Promise<string[] | undefined> {
  try {
    const output = await run(python.path, [...ALONE, join(HERE, 'list_tests.py')], {
      env: { PATH: SEARCH_PATH },
    })
    return output.split('\n').filter(Boolean)
  } catch (error) {
    if (error instanceof CommandFailed && error.exitCode === NO_SUITE) return undefined
    throw error
  }
}

function howToGet({ path, version, minor }: Python): string {
  const way = path.startsWith('/usr/bin/')
    ? `apt-get install libpython3.${minor}-testsuite`
    : 'install it with its tests'
  return `${path} (CPython ${version}) has no test suite: ${way}`
}

function groupOf(python: Python, kind: Kind, files: readonly string[]): Group {
  const importScript = (stage: Stage) => {
    const path = join(stage.directory, 'import.py')
    writeFileSync(path, createArchiver().injected(process.arch).scripts.import)
    return path
  }
  return {
    name: `CPython ${python.version}`,
    files,
    env: GUARD,
    async training(chosen, stage) {
      const listed = await run(python.path, [...ALONE, join(HERE, 'list_modules.py')], {
        env: { PATH: SEARCH_PATH },
      })
      const script = importScript(stage)
      // The tests themselves stand for an application. Some cannot be imported, which is no fault here.
      const sets = [listed.split('\n').filter(Boolean), ...chosen.map((file) => [`test.${file}`])]
      return sets.map((names) => ({
        args: [script, join(stage.directory, 'none'), ...names],
        limitSeconds: LIMIT_SECONDS,
      }))
    },
    test: (file, stage): StageCommand => ({
      args: [
        ...[join(HERE, 'run_regrtest.py'), stage.record],
        ...[
          '--fail-env-changed',
          '-u',
          RESOURCES,
          // A snapshot is for one set of options.
          ...(kind === 'snapshot' ? ['--alike-children'] : []),
          ...IGNORED.flatMap(({ pattern }) => ['-i', pattern]),
          file,
        ],
      ],
      limitSeconds: LIMIT_SECONDS,
    }),
    ends: { 0: 'completed', 2: 'completed', 3: 'environment changed', 4: 'no tests ran' },
  }
}
