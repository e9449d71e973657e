// SPDX-License-Identifier: Apache-2.0
// docs/conformance.md, from saved results and nothing else.
import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { table } from '../bench/report/markdown.js'
import { ROOT } from '../bench/shell.js'
import type { Difference } from './compare-file.js'
import { total } from './lines.js'
import { RESULTS, type Results, readResults, type SavedFile } from './results.js'
import { IGNORED, NOT_RUN } from './suites/cpython-files.js'

const PAGE = 'docs/conformance.md'
const HEAD = [
  'attempted',
  'passed both ways',
  'skipped',
  'failed both ways',
  'differing',
  'by design',
  'flaky',
  'children',
]

/** Writes the page and returns its path; throws when nothing is saved. */
export async function writeReport(): Promise<string> {
  const names = readdirSync(RESULTS).filter((name) => name.endsWith('.json'))
  const all = await Promise.all(names.sort().map((name) => readResults(join(RESULTS, name))))
  const results = all.filter((one) => one !== undefined)
  if (results.length === 0) throw new Error(`${RESULTS}: no results; run npm run conformance first`)
  await writeFile(join(ROOT, PAGE), conformancePage(results))
  return PAGE
}

/** The whole page. */
export function conformancePage(results: readonly Results[]): string {
  const ofSuite = (name: string) => results.filter(({ suite }) => suite === name)
  return `${[
    '# Conformance',
    'Made by `npm run conformance -- --write-docs` from `conformance/results`; do not edit. How it is done is in [conformance](../conformance/README.md).',
    "CPython's own tests and those of packages, each test case without the archive and with it. A difference counts when three reruns of the file confirm it; a case that says now this and now that is flaky; what differs *by design* is told in [compatibility.md](compatibility.md). *Children* are interpreters that tests started and that had the archive in use; the processes of the tests themselves always had.",
    ...section("CPython's own tests", 'CPython', ofSuite('cpython'), cpythonRow),
    ...ofSuite('cpython').map(filesOf),
    `Not run: ${groupReasons([...NOT_RUN, ...IGNORED.map(({ pattern, reason }) => ({ name: pattern, reason }))])}.`,
    ...section("Packages' own tests", 'package', ofSuite('packages'), packageRows),
    ...ofSuite('packages').flatMap(absentOf),
    ...cases('Differing cases', results, ({ differing }) => differing),
    ...cases('Differing by design', results, ({ byDesign }) => byDesign),
    ...cases('Flaky cases', results, ({ flaky }) => flaky),
  ].join('\n\n')}\n`
}

function section(
  title: string,
  what: string,
  results: readonly Results[],
  rows: (one: Results) => string[][],
): string[] {
  if (results.length === 0) return []
  const head = [what, ...HEAD]
  const align = ['left' as const, ...HEAD.map(() => 'right' as const)]
  return [`## ${title}`, table(align, [head, ...results.flatMap(rows)])]
}

function cpythonRow({ python, files }: Results): string[][] {
  return [[`${python.version}, ${python.shared ? 'shared libpython' : 'static'}`, ...cells(files)]]
}

function packageRows({ python, files }: Results): string[][] {
  const groups = [...new Set(files.map(({ group }) => group))]
  return groups.map((name) => [
    `${name} on ${python.version}`,
    ...cells(files.filter(({ group }) => group === name)),
  ])
}

function cells(files: readonly SavedFile[]): string[] {
  const all = total(files)
  return [
    ...[all.attempted, all.passed, all.skipped, all.failed, all.differing.length],
    ...[all.byDesign.length, all.flaky.length, all.proof.children],
  ].map(String)
}

function filesOf({ python, files }: Results): string {
  const names = files.map(({ file }) => `\`${file}\``).join(', ')
  const commits = [...new Set(files.map(({ commit }) => commit))].join(', ')
  const odd = files.filter(({ end }) => end !== 'completed').map(({ file, end }) => `\`${file}\`: ${end}`)
  const ends = odd.length > 0 ? ` Ended both ways otherwise than by reporting: ${odd.join(', ')}.` : ''
  return `On ${python.version}, at commit ${commits}, ${files.length} files: ${names}.${ends}`
}

function absentOf({ python, absent }: Results): string[] {
  return absent.length === 0
    ? []
    : [
        `Not run on ${python.version}:`,
        absent.map(({ name, reason }) => `- ${name}: ${reason.split('\n')[0]}`).join('\n'),
      ]
}

function cases(
  title: string,
  results: readonly Results[],
  of: (file: SavedFile) => readonly Difference[],
): string[] {
  const lines = results.flatMap(({ python, files }) =>
    files.flatMap((file) =>
      of(file).map(
        (one) =>
          `- \`${file.file}\` on ${python.version}: \`${one.case}\`: ${one.plain.join(', ')}; with the archive ${one.archive.join(', ')}`,
      ),
    ),
  )
  return [`## ${title}`, lines.length > 0 ? lines.join('\n') : 'None.']
}

function groupReasons(absences: readonly { name: string; reason: string }[]): string {
  const reasons = [...new Set(absences.map(({ reason }) => reason))]
  return reasons
    .map((reason) => {
      const names = absences.filter((one) => one.reason === reason).map(({ name }) => `\`${name}\``)
      return `${names.join(', ')} (${reason})`
    })
    .join('; ')
}
