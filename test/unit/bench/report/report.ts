// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import test from 'ava'
import { replaceBetween } from '../../../../bench/report/markdown.js'
import { performancePage, readBeside, readmeTable } from '../../../../bench/report/report.js'
import { type Entry, type Results, readResults, type Times } from '../../../../bench/results.js'
import { summarise } from '../../../../src/util/statistics.js'
import { inRepository } from '../../../helpers/repository.js'

function times(ms: number): Times {
  const one = summarise([ms])
  if (one === undefined) throw new Error('one value has a summary')
  return { phase: one, process: one, phaseCpu: one, processCpu: one }
}

const entry = (name: string, plain: number, pycds: number): Entry => ({
  ...{ python: '3.11', package: name, cache: 'warm', runs: 21 },
  contestants: { plain: times(plain), pycds: times(pycds) },
  absent: [{ name: 'lazy', reason: 'CPython 3.11 has no lazy imports' }],
})

const RESULTS: Results = {
  schema: 'io.pycds.benchmark/1',
  commit: 'abc',
  machine: {
    ...{ processor: 'A processor', cores: 2, memoryBytes: 24 * 2 ** 30, kernel: '6.1' },
    ...{ virtual: true, engine: '20.10', node: 'v20' },
  },
  ...{ started: '2026-01-02T03:04:05Z', finished: '2026-01-02T04:04:05Z' },
  skipped: [{ python: '3.11', package: 'azure-core', reason: 'PyPI cannot be reached' }],
  entries: [entry('requests', 100, 50), entry('numpy', 90, 90)],
  parts: {
    floor: [
      { python: '3.11', package: 'requests', factor: 2.4, cpuFactor: 2.5 },
      { python: '3.11', package: 'numpy', factor: 1.2, cpuFactor: 1.2 },
    ],
    fixed: [
      {
        ...{ python: '3.11', modules: 300, archiveBytes: 3e6, plain: { wallMs: 10, cpuMs: 9 } },
        ...{ off: { wallMs: 10.1, cpuMs: 9 }, pycds: { wallMs: 10.75, cpuMs: 9.5 } },
      },
    ],
  },
}

test('the page has facts, goals with what was reached, and every package', (t) => {
  const page = performancePage(RESULTS, 'Notes of people.')
  t.regex(
    page,
    /A processor, 2 cores, 24 GiB, virtual; Linux 6\.1; Docker Engine 20\.10; 2026-01-02; commit abc\./,
  )
  t.regex(
    page,
    /import phase, warm, all packages, geometric mean \| at least 2\.0x \| 1\.41x of 2 \(ideal loader 1\.73x\) \|/,
  )
  t.regex(page, /without numpy.* \| at least 2\.2x \| 2\.00x of 1 \(ideal loader 2\.50x\) \|/)
  t.regex(page, /gains least \| at least 1\.0x \| 1\.00x \(numpy\) \|/)
  t.regex(page, /fixed cost of hook and archive \| at most 1\.5 ms \| 0\.75 ms \|/)
  t.regex(
    page,
    /\| requests \| 100 \(100 to 100\) \| 50\.0 \(50\.0 to 50\.0\) \| 2\.00x \| 2\.00x \| 2\.50x \|/,
  )
  t.regex(page, /geometric mean\*\* \|.*\| 1\.73x \|/)
  t.regex(page, /## What is in between\n\nNotes of people\./)
})

test('what was not measured is named with its reason', (t) => {
  const page = performancePage(RESULTS, '')
  t.regex(page, /- azure-core on 3\.11: PyPI cannot be reached/)
  t.regex(page, /lazy_imports=all`: CPython 3\.11 has no lazy imports/)
  t.notRegex(page, /## Growth/)
  t.regex(page, /time per module .* \| – \|/)
})

test('what learning gains stands beside what a bake gains, with what it costs', (t) => {
  const one = (ms: number) => summarise([ms])
  const learn = [
    {
      ...{ python: '3.11', package: 'flask', plain: one(100), baked: one(50), learned: one(51) },
      ...{ recording: { plain: one(100), recording: one(104) }, ready: one(1500) },
      together: { starts: 50, plain: one(1000), learning: one(990) },
    },
  ]
  const page = performancePage(RESULTS, '', { learning: { ...RESULTS, parts: { learn } } })
  t.regex(page, /\| flask \| 100 \| 50\.0 \| 51\.0 \| \+2\.0 % \| \+4\.0 % \| 1\.5 s \| 0\.99x \|/)
})

test("the README's table has the mean of every interpreter, and who gains least", (t) => {
  const rows = readmeTable(RESULTS).trim().split('\n')
  t.regex(rows[0] ?? '', /\| CPython 3\.11 \|/)
  t.regex(rows[2] ?? '', /^\| import, .* \| \*\*1\.41x\*\*, least 1\.00x \(numpy\) \|$/)
  // Nothing of the kind was measured.
  t.regex(rows.at(-1) ?? '', /code-data-share.* \| – \|$/)
})

test('docs/performance.md and the README have the figures that were saved', async (t) => {
  const results = await readResults(inRepository('bench/results/full.json'))
  if (results === undefined) return t.fail('there are no saved figures')
  const beside = await readBeside(inRepository('bench/results'))
  const read = (path: string) => readFileSync(inRepository(path), 'utf8')
  const outdated = 'npm run bench -- report writes them'
  t.is(read('docs/performance.md'), performancePage(results, read('bench/notes.md').trim(), beside), outdated)
  t.is(
    read('README.md'),
    replaceBetween(read('README.md'), 'benchmark', readmeTable(results, beside.snapshots)),
    outdated,
  )
})

test('only what stands between the marks is replaced', (t) => {
  const text = 'a\n<!-- x -->\nold\n<!-- /x -->\nb\n'
  t.is(replaceBetween(text, 'x', 'new'), 'a\n<!-- x -->\nnew\n<!-- /x -->\nb\n')
  t.throws(() => replaceBetween('no marks', 'x', 'new'), { message: /<!-- x -->/ })
})
