// SPDX-License-Identifier: Apache-2.0
// The tables of environment variables, held against what the sources read.
import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { inRepository } from '../../helpers/repository.js'

/** What is read where, by the end of a file's name: each pattern finds one name, or several between braces. */
const READS: Readonly<Record<string, readonly RegExp[]>> = {
  '.ts': [
    /\b(?:env|environment)(?:\.|\[')([A-Z][A-Z0-9_]*)\b/g,
    /\{([^{}]*)\}\s*(?:=\s*(?:process\.env|root\.environment)\b|:\s*NodeJS\.ProcessEnv\b)/g,
    /\b((?:PYCDS|BUILDKIT)_[A-Z_]*[A-Z]_?)\b/g,
    /['"](PYCDS)['"]/g,
  ],
  '.c': [/\bgetenv\("([A-Z0-9_]+)"\)/g, /"(PYCDS(?:_[A-Z]+)*_?)"/g],
  '.h': [/"(PYCDS(?:_[A-Z]+)+_?)"/g],
  '.py': [/\benviron(?:\.get\(|\[)b?["']([A-Z_]+)["']/g, /["'](PYCDS(?:_[A-Z]+)*)["']/g],
  '.sh': [/\$\{([A-Z][A-Z0-9_]*):?[-+]/g],
}

/** Names of every variable that is read below a folder. */
function variablesOf(folder: string): Set<string> {
  const found = new Set<string>()
  for (const file of readdirSync(inRepository(folder), { recursive: true, encoding: 'utf8' })) {
    const patterns = READS[file.slice(file.lastIndexOf('.'))] ?? []
    if (patterns.length === 0 || /(^|\/)(gen|proto)\//.test(file)) continue
    const text = readFileSync(inRepository(`${folder}/${file}`), 'utf8')
    // A script's own variable may have a default, too.
    const isOwn = (name: string) => file.endsWith('.sh') && assigned(folder).has(name)
    for (const [, names = ''] of patterns.flatMap((pattern) => [...text.matchAll(pattern)])) {
      for (const [name] of names.matchAll(/\b[A-Z][A-Z0-9_]*/g)) if (!isOwn(name)) found.add(name)
    }
  }
  return found
}

/** What the scripts of a folder set themselves. */
function assigned(folder: string): Set<string> {
  const scripts = readdirSync(inRepository(folder)).filter((file) => file.endsWith('.sh'))
  const text = scripts.map((file) => readFileSync(inRepository(`${folder}/${file}`), 'utf8')).join('\n')
  return new Set([...text.matchAll(/^(?:readonly |local )?([A-Z][A-Z_]*)=/gm)].map(([, name = '']) => name))
}

/** The names in the first column of a page's tables. */
function rowsOf(page: string): Set<string> {
  const rows = readFileSync(inRepository(page), 'utf8').split('\n')
  const cells = rows.flatMap((row) => /^\| (`[A-Z][^|]*) \|/.exec(row)?.[1] ?? [])
  return new Set(
    cells.flatMap((cell) => [...cell.matchAll(/`([A-Z][A-Z0-9_]*)\*?`/g)].map(([, name = '']) => name)),
  )
}

const sorted = (names: Iterable<string>) => [...names].sort()

test('docs/environment.md has a row for each variable that is read, and none for nothing', (t) => {
  const read = new Set(['src', 'native', 'scripts'].flatMap((folder) => [...variablesOf(folder)]))
  t.true(read.size > 40, 'the reads were not found')
  const ofTests = sorted(read).filter((name) => name.startsWith('PYCDS_TEST_'))
  t.deepEqual(
    sorted(rowsOf('docs/environment.md')),
    sorted(read).filter((name) => !ofTests.includes(name)),
  )
})

test('CONTRIBUTING.md has a row for each variable that only tests and the benchmark read', (t) => {
  const documented = rowsOf('docs/environment.md')
  const read = ['test/helpers', 'test/integration', 'test/native', 'bench'].flatMap((folder) => [
    ...variablesOf(folder),
  ])
  const own = new Set(read.filter((name) => /^PYCDS_(TEST|BENCH)_/.test(name)))
  t.deepEqual(sorted(rowsOf('CONTRIBUTING.md')), sorted(own))
  t.deepEqual(
    sorted(own).filter((name) => documented.has(name)),
    [],
  )
})
