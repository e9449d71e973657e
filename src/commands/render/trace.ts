// SPDX-License-Identifier: Apache-2.0
import type { MergeResult, TraceDiff } from '../../learn/trace/traces.js'
import type { Style } from '../../log/index.js'
import type { ImportResult } from '../../usecases/learned-directory.js'
import type { RecordResult } from '../../usecases/record.js'
import type { TracePullResult, TracePushResult } from '../../usecases/trace-artifact.js'
import { formatCount } from '../../util/units.js'
import { formatPython } from './python.js'
import { renderFacts } from './table.js'

export function renderRecord(result: RecordResult, style: Style): string {
  return [
    style.strong(`${style.good('Recorded')} ${result.image.reference}`),
    '',
    ...renderFacts([
      ['modules', `${result.modules}, ${result.leftOut} left out`],
      ['python', formatPython(result.python)],
      ['trace', result.output ?? 'stdout'],
    ]),
  ].join('\n')
}

export function renderMerge(result: MergeResult, style: Style): string {
  const from = result.from.map(({ file, modules }) => [file, formatCount(modules, 'module')] as const)
  const all = [result.output ?? 'stdout', formatCount(result.modules, 'module')] as const
  return [
    style.strong(`${style.good('Merged')} ${formatCount(from.length, 'trace')}`),
    '',
    ...renderFacts([...from, all]),
  ].join('\n')
}

export function renderTracePush({ image, file, modules, digest }: TracePushResult, style: Style): string {
  return [
    style.strong(`${style.good('Pushed')} ${file}`),
    '',
    ...renderFacts([
      ['image', image],
      ['modules', String(modules)],
      ['artifact', digest],
    ]),
  ].join('\n')
}

export function renderImport(result: ImportResult, style: Style): string {
  return [
    style.strong(
      `${style.good('Imported')} ${formatCount(result.starts, 'kind')} of starts from ${result.directory}`,
    ),
    '',
    ...renderFacts([
      ['modules', `${result.modules}, ${result.leftOut} left out`],
      ['python', `${result.python.version}  ${result.python.executable}`],
      ['trace', result.output ?? 'stdout'],
    ]),
  ].join('\n')
}

export function renderTracePull({ image, from, modules, output }: TracePullResult, style: Style): string {
  const found = from.map((one) => [one.digest, formatCount(one.modules, 'module')] as const)
  return [
    style.strong(`${style.good('Pulled')} ${formatCount(from.length, 'trace')} of ${image}`),
    '',
    ...renderFacts([...found, [output ?? 'stdout', formatCount(modules, 'module')]]),
  ].join('\n')
}

/** One line for each difference, as `diff` marks them, and a last one that counts. */
export function renderDiff(diff: TraceDiff): string {
  return [
    ...diff.removed.map((name) => `- ${name}`),
    ...diff.added.map((name) => `+ ${name}`),
    ...diff.changed.map(({ name, what }) => `! ${name}: ${what.join(', ')}`),
    `${diff.removed.length} removed, ${diff.added.length} added, ${diff.changed.length} changed, ${diff.same} the same`,
  ].join('\n')
}
