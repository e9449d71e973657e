// SPDX-License-Identifier: Apache-2.0
// docs/conformance.md, from saved results and nothing else.
import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { table } from '../bench/report/markdown.js'
import { ROOT } from '../bench/shell.js'
import type { Difference } from './compare-file.js'
import { printable, total } from './lines.js'
import { RESULTS, type Results, readResults, type SavedFile } from './results.js'
import { IGNORED, NOT_RUN } from './suites/cpython-files.js'
import { filesOf as filesOfPackage, PACKAGES } from './suites/package-list.js'

const PAGE = 'docs/conformance.md'
const IGNORED_OF_PACKAGES = PACKAGES.flatMap(({ ignored = [] }) =>
  ignored.map(({ test, reason }) => ({ name: test, reason })),
)
const UNMARKED = PACKAGES.flatMap(({ name, unmarked }) =>
  unmarked === undefined ? [] : [`; what \`${name}\` itself marks as ${unmarked}`],
).join('')
const THAWED = ['thawed']
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
  const ofSuite = (name: string, kind?: 'snapshot') =>
    results.filter((one) => one.suite === name && one.with === kind)
  const [cpython, frozen] = [ofSuite('cpython'), ofSuite('cpython', 'snapshot')]
  const [packages, frozenPackages] = [ofSuite('packages'), ofSuite('packages', 'snapshot')]
  return `${[
    '# Conformance',
    'Made by `npm run conformance -- --write-docs` from `conformance/results`; do not edit. How it is done is in [conformance](../conformance/README.md).',
    "CPython's own tests and those of packages, each test case without the archive and with it, or without and with a snapshot that holds the imported library and is used by every program that can. A difference counts when three reruns of the file confirm it; a case that says now this and now that is flaky; what differs *by design* is told in [compatibility.md](compatibility.md). *Children* are interpreters that tests started and that had the archive or the snapshot in use; the processes of the tests themselves always had. *Thawed* are those of all that went on in the snapshot.",
    ...section("CPython's own tests", 'CPython', cpython, cpythonRow),
    ...cpython.map(filesOf),
    ...section("CPython's own tests in a snapshot", 'CPython', frozen, cpythonRow, THAWED),
    ...frozen.map(filesOf),
    `Not run: ${groupReasons([...NOT_RUN, ...IGNORED.map(({ pattern, reason }) => ({ name: pattern, reason }))])}.`,
    ...section("Packages' own tests", 'package', packages, packageRows, ['tested']),
    ...packages.flatMap((one) => [...oddEndsOf(one.files), ...absentOf(one)]),
    ...(packages.length > 0 ? [`Left out: ${groupReasons(IGNORED_OF_PACKAGES)}${UNMARKED}.`] : []),
    ...section("Packages' own tests in a snapshot", 'package', frozenPackages, packageRows, [
      ...THAWED,
      'tested',
    ]),
    ...frozenPackages.flatMap((one) => [...oddEndsOf(one.files), ...absentOf(one)]),
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
  more: readonly string[] = [],
): string[] {
  if (results.length === 0) return []
  const head = [what, ...HEAD, ...more]
  const align = ['left' as const, ...head.slice(1).map(() => 'right' as const)]
  return [`## ${title}`, table(align, [head, ...results.flatMap(rows)])]
}

function cpythonRow(one: Results): string[][] {
  const { python, files } = one
  return [[`${python.version}, ${python.shared ? 'shared libpython' : 'static'}`, ...cells(one, files)]]
}

function packageRows(one: Results): string[][] {
  const { python, files } = one
  const groups = [...new Set(files.map(({ group }) => group))]
  return groups.map((name) => {
    const ofGroup = files.filter(({ group }) => group === name)
    const times = [...new Set(ofGroup.map(testedAt))]
    return [`${name} on ${python.version}`, ...cells(one, ofGroup), times.join('; ')]
  })
}

function cells(results: Results, files: readonly SavedFile[]): string[] {
  const all = total(files)
  return [
    ...[all.attempted, all.passed, all.skipped, all.failed, all.differing.length],
    ...[all.byDesign.length, all.flaky.length, all.proof.children],
    ...(results.with === 'snapshot' ? [all.proof.snapshots?.thawed ?? 0] : []),
  ].map(String)
}

function filesOf({ python, files, known = [] }: Results): string {
  const times = [...new Set(files.map(testedAt))]
  const lists = times.map((time) => {
    const names = files.filter((one) => testedAt(one) === time).map(({ file }) => file)
    return `- ${time}: ${quoted(names)}`
  })
  const ends = oddEndsOf(files)
    .map((text) => `\n\n${text}`)
    .join('')
  const left = known.filter((name) => !files.some(({ file }) => file === name))
  const rest = left.length > 0 ? `\n\nNot attempted on ${python.version}: ${quoted(left)}.` : ''
  return `On ${python.version} ${files.length} files:\n\n${lists.join('\n')}${ends}${rest}`
}

function oddEndsOf(files: readonly SavedFile[]): string[] {
  const odd = files.filter(({ end }) => end !== 'completed').map(({ file, end }) => `\`${file}\`: ${end}`)
  return odd.length > 0 ? [`Ended both ways otherwise than by reporting: ${odd.join(', ')}.`] : []
}

/** What was tested, and when. */
function testedAt({ commit, day }: SavedFile): string {
  return day === undefined ? `commit ${commit}` : `commit ${commit}, ${day}`
}

function absentOf({ python, absent, files }: Results): string[] {
  const known = PACKAGES.filter((one) => !absent.some(({ name }) => name === one.name)).flatMap(
    filesOfPackage,
  )
  const left = known.filter((name) => !files.some(({ file }) => file === name))
  const rest = left.length > 0 ? [`Not attempted on ${python.version}: ${quoted(left)}.`] : []
  if (absent.length === 0) return rest
  const reasons = absent.map(({ name, reason }) => `- ${name}: ${reason.split('\n')[0]}`)
  return [`Not run on ${python.version}:`, reasons.join('\n'), ...rest]
}

function cases(
  title: string,
  results: readonly Results[],
  of: (file: SavedFile) => readonly Difference[],
): string[] {
  const lines = results.flatMap(({ python, files, with: kind = 'archive' }) =>
    files.flatMap((file) =>
      of(file).map(
        (one) =>
          `- \`${file.file}\` on ${python.version}: ${quoted([one.case])}: ${one.plain.join(', ')}; with the ${kind} ${one.archive.join(', ')}`,
      ),
    ),
  )
  return [`## ${title}`, lines.length > 0 ? lines.join('\n') : 'None.']
}

function quoted(names: readonly string[]): string {
  return names.map(printable).map(codeSpan).join(', ')
}

function codeSpan(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((ticks) => ticks.length))
  const fence = '`'.repeat(longest + 1)
  return longest > 0 ? `${fence} ${text} ${fence}` : `${fence}${text}${fence}`
}

function groupReasons(absences: readonly { name: string; reason: string }[]): string {
  const reasons = [...new Set(absences.map(({ reason }) => reason))]
  return reasons
    .map((reason) => {
      const names = absences.filter((one) => one.reason === reason).map(({ name }) => name)
      return `${quoted(names)} (${reason})`
    })
    .join('; ')
}
