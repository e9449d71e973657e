// SPDX-License-Identifier: Apache-2.0
import { madeFacts, placeFacts } from '../../artifact/facts.js'
import { nameInEngines, parseLocation, shortId } from '../../image/index.js'
import type { Style } from '../../log/index.js'
import type { BakeResult } from '../../usecases/result.js'
import { quote } from '../../util/quote.js'
import { formatBytes, formatCount, formatFactor, formatMs } from '../../util/units.js'
import { formatPython } from './python.js'
import { formatSpeedup } from './speedup.js'
import { renderFacts } from './table.js'

const METRICS = { imports: 'until the imports are done', exit: 'of the whole run' } as const

/**
 * The final block of a bake for people; of a dry run, what would be written.
 * @param command that was given for the training run
 */
export function renderBake(result: BakeResult, style: Style, command?: readonly string[]): string {
  return (
    result.output === null ? renderDryRun(result, style) : renderBaked(result, result.output, style, command)
  ).join('\n')
}

function renderBaked(
  result: BakeResult,
  output: { reference: string; id: string },
  style: Style,
  command: readonly string[] | undefined,
): string[] {
  const { layer } = result
  const facts: [string, string][] = [
    ...renderStart(result),
    ...madeFacts(result, { after: 'bake', image: output.reference }),
    ['layer', `${formatBytes(layer.bytes)} (${formatBytes(layer.compressedBytes)} compressed)`],
    ['python', formatPython(result.python)],
    ['image', `${output.reference}  ${shortId(output.id)}`],
  ]
  return [
    style.strong(`${style.good('Baked')} ${result.source.reference}${renderGain(result)}`),
    '',
    ...renderFacts(facts),
    '',
    `  ${style.strong(nextCommand(output.reference, result.source.exposedPorts, command))}`,
  ]
}

/** What people do next: run it, where an engine has it or can pull it. */
function nextCommand(
  reference: string,
  exposedPorts: readonly string[],
  command: readonly string[] = [],
): string {
  const location = parseLocation(reference)
  const published = exposedPorts.flatMap(publish)
  const run = (image: string) => ['docker', 'run', '--rm', ...published, quote(image)].join(' ')
  if (location === undefined) return run(reference)
  if (location.kind === 'registry') return run(nameInEngines(location))
  // What a training run was given, the image's own command may not do without.
  const given = command.length === 0 ? [] : ['--', ...command]
  return ['pycds-image', 'verify', ...[reference, ...given].map(quote)].join(' ')
}

/** The same port outside. */
function publish(port: string): string[] {
  const [, number, protocol = '/tcp'] = /^(\d+)(\/\w+)?$/.exec(port) ?? []
  return number === undefined ? [] : ['-p', `${number}:${number}${protocol === '/tcp' ? '' : protocol}`]
}

function renderGain({ start }: BakeResult): string {
  // Below this it is noise, and a headline must not be.
  if (start === null || start.noisy || start.speedup < 1.01) return ''
  return `: starts ${formatFactor(start.speedup)} as fast`
}

function renderStart({ start }: BakeResult): [string, string][] {
  if (start === null) return [['start', 'not measured']]
  const how = `median of ${formatCount(start.runs, 'run')}, ${METRICS[start.metric]}`
  return [
    ['before', `${formatMs(start.before.medianMs)}  (${how})`],
    ['after', formatMs(start.after.medianMs)],
    ['speed-up', describeFactor(start)],
  ]
}

function describeFactor(start: NonNullable<BakeResult['start']>): string {
  return (
    formatSpeedup(start)?.filter(Boolean).join('  ') ??
    'noisy: starts of one image differ more than the images; measure on a quieter machine'
  )
}

function renderDryRun(result: BakeResult, style: Style): string[] {
  const { training, layer } = result
  return [
    style.strong(`Dry run of ${result.source.reference}: it was trained, nothing was written`),
    '',
    ...renderFacts([
      ['python', formatPython(result.python)],
      ['training', training.command.map(quote).join(' ')],
      ['ready', training.readiness],
      ...madeFacts(result, { after: 'dry run' }),
      ['layer', `${formatBytes(layer.bytes)} (${formatBytes(layer.compressedBytes)} compressed)`],
      ...placeFacts(result),
    ]),
  ]
}
