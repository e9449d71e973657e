// SPDX-License-Identifier: Apache-2.0
// A process snapshot in text for people.
import { LAUNCHER_PATH } from '../../marks/launcher.js'
import { formatBytes, formatCount, formatMs } from '../../util/units.js'
import type { Counts, Fact, Facts, NotReady, Thawed } from '../kind/artifact.js'
import type { SnapshotLeftOut } from '../kind/manifest.js'
import type { SnapshotContents } from './describe.js'
import type { SnapshotSummary } from './make.js'

/** More causes than this are counted, not listed. */
const MAX_CAUSES = 5
/** Reasons of so many statements are shown. */
const MAX_NOT_READY = 3
const COMMAND_LENGTH = 60
/** requests gives its libraries names of its own beside their own ones: what they cost is counted there. */
const SECOND_NAME = /^requests\.packages\./
const WHERE = 'docs/errors.md#why-a-module-is-not-in-a-snapshot has each code, and what would mend it'

export const snapshotFacts: Facts<SnapshotSummary> = {
  made: (snapshot) => [
    [
      'snapshot',
      snapshot.reason === null ? describe(snapshot) : `none, the archive is alone: ${snapshot.reason}`,
    ],
    ...gainFacts(snapshot),
    ...launchFacts(snapshot),
    ...causeFacts(snapshot.leftOut),
  ],
  place: ({ path }) => (path === null ? [] : [['snapshot', path]]),
}

function describe({ modules, bytes, compressedBytes, thaws }: SnapshotSummary): string {
  const size =
    compressedBytes === null ? formatBytes(bytes) : `${formatBytes(compressedBytes)} compressed in the layer`
  const tried = thaws && `thawed in ${formatMs(thaws.milliseconds)}, ${thaws.starts} of ${thaws.starts} times`
  return [`${formatCount(modules, 'module')} ready`, size, ...(tried ? [tried] : [])].join(', ')
}

/** What the snapshot gains beyond the archive. */
function gainFacts({ reason, thaws }: SnapshotSummary): Fact[] {
  if (reason !== null || !thaws?.processor) return []
  const { snapshot, archive } = thaws.processor
  return [
    [
      'gain',
      `imports in ${formatMs(snapshot)} of the processor, from the archive alone in ${formatMs(archive)}`,
    ],
  ]
}

/** What goes on in it, where something else than usual was asked for. */
function launchFacts({ launch }: SnapshotSummary): Fact[] {
  if (launch?.by === 'entrypoint')
    return [['launch', `the entrypoint goes on in it at once, behind ${LAUNCHER_PATH}`]]
  return launch?.reason ? [['launch', `not at once, Python is started first: ${launch.reason}`]] : []
}

/** What an image holds. */
export function snapshotContentFacts(snapshot: SnapshotContents): Fact[] {
  const { path, bytes, modules, programs, leftOut, problem } = snapshot
  const holds = problem === null ? `${formatCount(modules.length, 'module')} ready` : `not used: ${problem}`
  return [
    ['snapshot', `${path}  ${formatBytes(bytes)}, ${holds}`],
    ...programs.map((program): Fact => ['serves', describeProgram(program)]),
    ...causeFacts(leftOut, Number.POSITIVE_INFINITY),
  ]
}

function describeProgram({ kind, text }: SnapshotContents['programs'][number]): string {
  if (kind === 'script') return text
  const [line = ''] = text.split('\n')
  return kind === 'module' ? `python -m ${text}` : `python -c ${line.slice(0, COMMAND_LENGTH)}...`
}

/** What a start took from a snapshot; no line for a program that it is not for. */
export function thawedLine(
  { served }: Pick<Counts, 'served'>,
  { processes, atOnce, modules, statements, notReady, milliseconds, refusal, notAtOnce }: Thawed,
): string[] {
  if (refusal !== null) return [`snapshot not used: ${refusal}`]
  if (milliseconds === null) return []
  const many =
    processes > 1
      ? ` in ${processes} processes, ${formatMs(milliseconds)} each`
      : ` in ${formatMs(milliseconds)}`
  return [
    `thawed${atOnce > 0 ? ' at once' : ''} ${formatCount(modules, 'module')}${many}; ${served - modules} from the archive`,
    ...notReadyLines(statements, notReady),
    ...(notAtOnce === null ? [] : [`not at once: ${notAtOnce}`]),
  ]
}

/** In the words of PYCDS=report, and with the first reasons in those of PYCDS_LOG. */
function notReadyLines(statements: number, notReady: readonly NotReady[]): string[] {
  if (notReady.length === 0) return []
  const shown = [
    ...new Set(notReady.map(({ name, because, reason }) => `  not ready ${name}: ${because}: ${reason}`)),
  ].slice(0, MAX_NOT_READY)
  return [
    `${notReady.length} of ${statements} import statements did not find their modules ready (PYCDS_LOG=1 tells why), among them:`,
    ...shown,
  ]
}

/**
 * The imports for which modules are left out, those that cost most first. Watching makes imports slower, so what each took
 * is a hint.
 */
function causeFacts(leftOut: readonly SnapshotLeftOut[], most = MAX_CAUSES): Fact[] {
  const causes = leftOut
    .filter(({ name, because }) => name === because)
    .map((cause) => {
      const all = leftOut.filter(({ because }) => because === cause.name)
      return { cause, all, milliseconds: Math.max(...all.map((one) => one.milliseconds)) }
    })
    .sort((a, b) => b.milliseconds - a.milliseconds)
  if (causes.length === 0) return []
  const shown = causes.slice(0, most).map(({ cause, all, milliseconds }): Fact => {
    const users = all.map(({ name }) => name).filter((name) => name !== cause.name && !SECOND_NAME.test(name))
    const more = users.length === 0 ? '' : `, and with it ${list(users)}`
    const about = cause.detail === '' ? '' : ` (${cause.detail})`
    const what = `${cause.name} (${cause.code})${more}: ${cause.reason}${about}`
    return ['left out', `${formatMs(milliseconds)}  ${what}`]
  })
  const rest = causes.length - shown.length
  return [
    ...shown,
    ...(rest === 0 ? [] : [['left out', `${formatCount(rest, 'further reason')}: see inspect`] as Fact]),
    ['mending', WHERE],
  ]
}

const NAMED = 3

/** Names in a few words: the shortest say most. */
function list(names: readonly string[]): string {
  const sorted = [...names].sort((a, b) => a.length - b.length)
  const rest = sorted.length - NAMED
  return `${sorted.slice(0, NAMED).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}
