// SPDX-License-Identifier: Apache-2.0
// The saved results, from which docs/conformance.md is made: no subject is missing in which an archive could show.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { readResults } from '../../../conformance/results.js'
import { chooseFiles } from '../../../conformance/suites/suite.js'
import { inRepository } from '../../helpers/repository.js'

const RESULTS = inRepository('conformance/results')

/** By the names of test files, without `test_`. */
const SUBJECTS = `
  import importlib runpy pkgutil inspect pickle re dataclasses collections typing enum compile code dis sys sys_settrace
  monitoring gc weakref threading thread multiprocessing_fork multiprocessing_spawn multiprocessing_forkserver
  concurrent_futures subprocess asyncio zipimport compileall site audit traceback linecache faulthandler tracemalloc
  cmd_line cmd_line_script doctest unittest pdb bdb profile cprofile trace venv ensurepip embed atexit fork1 signal os
  socket ssl random hashlib uuid tempfile locale time datetime logging decimal ctypes sqlite3
`
  .trim()
  .split(/\s+/)
/** What 3.11 has not, and what the test suite of Debian's 3.11 has not. */
const SINCE_3_12 = ['monitoring', 'sqlite3']

const saved = readdirSync(RESULTS).filter((name) => /^cpython-[\d.]+\.json$/.test(name))

for (const name of saved) {
  test(`every subject was attempted, and all of it: ${name}`, async (t) => {
    const results = await readResults(join(RESULTS, name))
    const known = results?.known ?? []
    const attempted = new Set(results?.files.map(({ file }) => file))
    const missing = SUBJECTS.flatMap((subject) => {
      const files = chooseFiles(known, [`test_${subject}`])
      if (files.length === 0) return SINCE_3_12.includes(subject) ? [] : [subject]
      return files.filter((file) => !attempted.has(file))
    })
    t.deepEqual(missing, [])
  })
}

test('there are results of two versions', (t) => {
  t.true(saved.length >= 2)
})
