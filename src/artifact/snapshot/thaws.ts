// SPDX-License-Identifier: Apache-2.0
// Whether containers, started as careful people start them, go on in the snapshot of their image.
import { PycdsError } from '../../errors/index.js'
import type { Engine } from '../../ports/index.js'
import { median } from '../../util/statistics.js'
import { formatMs } from '../../util/units.js'
import { readLine } from '../kind/lines.js'
import type { MainProgram } from './programs.js'
import { REFUSAL_SENTENCES, type Refusal } from './refusals.js'
import { describeRefusal, SnapshotReport } from './report.js'
import { describeEnd, Room, type RoomSpec } from './room.js'

/** So often a snapshot must have been thawed before it is shipped. */
export const THAWS = 20
/** So often one may find an address taken, which its stack can do: where the kernel puts that is drawn, and the next is elsewhere. */
const UNLUCKY = 1
/** What starts may take at most of what they take from the archive alone: a snapshot adds megabytes to the layer. */
const WORTH = 0.9
/** So many starts from the archive alone are between them. */
export const COMPARED = 5
/** Any user that the image does not know. */
const FOREIGN_USER = '12345'
const START_MS = 60_000
/** A program of ours that a snapshot is used for, so that it can be tried without the application. */
export const TRIAL: MainProgram = { kind: 'command', text: '# pycds-image: trial\n' }
/** What a start ends with: the time of the processor that it took to import, and the modules that could not be imported. */
const OVER_LINE = /^the trial took (\d+) ns of the processor; not imported:(.*)$/m
/** Of the runtime, each written at once; it may come into the midst of what a program writes. */
const LOGGED = /pycds\[\d+\]: .*(\n|$)/g
/** What an engine says of a command that a user cannot execute. */
const NOT_STARTED: ReadonlySet<string> = new Set(['TRAINING_FAILED', 'NO_PYTHON'])
/** What a user can do about modules that behave otherwise in a snapshot. */
export const EXCLUDE = 'leave the module at fault out (--snapshot-exclude)'
const NOT_FOUND = 'the runtime said nothing of it; let its user read /opt/pycds, and bake again'
const UNSTARTED =
  "its Python does not start in a hardened container (read-only, without capabilities), neither as another user nor as the image's own: let them execute it, or leave --snapshot out"
const HARDENED = { readOnly: true, dropCapabilities: true, noNewPrivileges: true } as const

export interface ThawInput {
  room: Omit<RoomSpec, 'rights' | 'files'>
  /** How often it is started. */
  starts: number
  /** How often it is started from the archive alone in between, to compare; at most as often. */
  compared: number
  /** Of the interpreter. */
  options: readonly string[]
  /** Variables that its programs are started with beside those of the image. */
  environment: Readonly<Record<string, string>>
  imports: readonly string[]
  /** Of one start. */
  timeoutMs?: number
}

/** How starts with a snapshot went. */
export interface Thaws {
  starts: number
  /** Milliseconds of one, in the middle. */
  milliseconds: number
  /** As whom; undefined: as the image says, since no other user can start the interpreter. */
  user: string | undefined
  /** What a start takes until everything is imported; undefined: it was not compared. */
  processor: Processor | undefined
}

/** Milliseconds of the processor, in the middle of several starts. */
export interface Processor {
  snapshot: number
  archive: number
}

/** Why a snapshot cannot be relied on. */
export interface NotThawed {
  sentence: string
  /** What the runtime gave as the reason, if it did. */
  refusal: Refusal | undefined
}

/**
 * Starts the interpreter again and again in a hardened container, each time with what the first program imports.
 * @returns why the snapshot cannot be relied on, where it cannot
 */
export async function thawOften(engine: Engine, input: ThawInput): Promise<Thaws | NotThawed> {
  const asForeign = await thawAs(engine, input, FOREIGN_USER)
  // Another user may not be able to read the interpreter, or what it imports.
  const tried = asForeign ?? (await thawAs(engine, input, undefined))
  if (tried === undefined) return { sentence: UNSTARTED, refusal: undefined }
  if ('sentence' in tried) return tried
  const { slower, ...thaws } = tried
  if (slower === undefined) return thaws
  // Another user has another HOME, and what has read that is not ready then.
  const asOwn = asForeign && (await thawAs(engine, { ...input, starts: input.compared }, undefined))
  if (asOwn === undefined || 'sentence' in asOwn || asOwn.slower !== undefined)
    return { sentence: slower, refusal: undefined }
  return { ...thaws, processor: asOwn.processor }
}

interface Tried extends Thaws {
  /** Why it is not worth its while, where it is not. */
  slower: string | undefined
}

/** Undefined: this user cannot start the interpreter, with the snapshot or without. */
async function thawAs(
  engine: Engine,
  input: ThawInput,
  user: string | undefined,
): Promise<Tried | NotThawed | undefined> {
  const rights = { ...HARDENED, ...(user === undefined ? {} : { user }) }
  const room = { ...input.room, files: {}, rights }
  return await Room.with(engine, room, (opened) => thawIn(opened, input, user)).catch((error) => {
    if (error instanceof PycdsError && NOT_STARTED.has(error.code)) return undefined
    throw error
  })
}

async function thawIn(
  room: Room,
  input: ThawInput,
  user: string | undefined,
): Promise<Tried | NotThawed | undefined> {
  const plain = await start(room, input, { PYCDS: 'off' })
  const expected = answerIn(plain.output)
  if (plain.exitCode !== 0 || expected === undefined) return undefined
  const { failed } = expected
  const took: number[] = []
  const withSnapshot: number[] = []
  let unlucky = 0
  const withArchive: number[] = []
  while (took.length < input.starts) {
    const { exitCode, output } = await start(room, input, { PYCDS: 'auto', PYCDS_LOG: 'modules' })
    const report = new SnapshotReport()
    for (const line of (output.match(LOGGED) ?? []).flatMap((text) => readLine(text.trimEnd()) ?? []))
      report.read(line)
    const { milliseconds, refusals } = report
    const as = user === undefined ? "as the image's own user" : `as user ${user}`
    const which = `start ${took.length + 1} of ${input.starts} of its Python in a hardened container, ${as},`
    const now = answerIn(output)
    if (exitCode !== 0 || now === undefined) {
      const own = { exitCode, output: withoutLog(output) }
      const end = describeEnd(own, timeOf(input))
      const next = own.exitCode === null ? '' : `, which it does not without the snapshot: ${EXCLUDE}`
      return { sentence: `${which} ${end}${next}`, refusal: undefined }
    }
    if (now.failed !== failed) {
      const sentence = `${which} could not import ${now.failed || 'nothing'}, and without the snapshot ${failed || 'nothing'}: ${EXCLUDE}`
      return { sentence, refusal: undefined }
    }
    if (milliseconds === null) {
      const [code] = refusals
      if (code === 'ADDRESS_TAKEN' && unlucky++ < UNLUCKY) continue
      const reason = code === undefined ? NOT_FOUND : describeRefusal(code)
      return { sentence: `${which} did not use the snapshot: ${reason}`, refusal: refusalOf(code) }
    }
    took.push(milliseconds)
    withSnapshot.push(now.milliseconds)
    if (took.length > input.compared) continue
    const alone = await start(room, input, { PYCDS: 'auto', PYCDS_SNAPSHOT: 'off' })
    const itsAnswer = answerIn(alone.output)
    if (itsAnswer) withArchive.push(itsAnswer.milliseconds)
  }
  const processor = withArchive.length === 0 ? undefined : processorOf(withSnapshot, withArchive)
  const slower =
    processor && isSlower(withSnapshot, withArchive)
      ? `what the application imports takes ${tellProcessor(processor)}, less than a tenth saved: this image needs none`
      : undefined
  return { starts: took.length, milliseconds: median(took), user, processor, slower }
}

/** Whether it gains too little, as far as both the middle and the best of several starts say so. */
function isSlower(withSnapshot: readonly number[], withArchive: readonly number[]): boolean {
  const best = { snapshot: Math.min(...withSnapshot), archive: Math.min(...withArchive) }
  return !isGain(processorOf(withSnapshot, withArchive)) && !isGain(best)
}

export function isGain({ snapshot, archive }: Processor): boolean {
  return snapshot < WORTH * archive
}

export function processorOf(withSnapshot: readonly number[], withArchive: readonly number[]): Processor {
  return { snapshot: median(withSnapshot), archive: median(withArchive) }
}

export function tellProcessor({ snapshot, archive }: Processor): string {
  return `${formatMs(snapshot)} of the processor with it and ${formatMs(archive)} from the archive alone`
}

function refusalOf(refusal = ''): Refusal | undefined {
  const [code = ''] = refusal.split(': ')
  return code in REFUSAL_SENTENCES ? (code as Refusal) : undefined
}

const withoutLog = (output: string) => output.replace(LOGGED, '')

const timeOf = ({ timeoutMs = START_MS }: ThawInput) => Math.max(timeoutMs, START_MS)

/** What a start has to say: how long it took, and the modules that could not be imported; undefined: it did not come so far. */
function answerIn(output: string): { milliseconds: number; failed: string } | undefined {
  const [, nanoseconds, failed] = OVER_LINE.exec(withoutLog(output)) ?? []
  if (nanoseconds === undefined || failed === undefined) return undefined
  return { milliseconds: Number(nanoseconds) / 1e6, failed: failed.trim() }
}

/**
 * What an application has imported may not be importable without it: such a module fails both ways. By statements, which some
 * modules have to find above them; the names of the trial are none of a module.
 */
function start(room: Room, input: ThawInput, env: Record<string, string>) {
  const { options, environment, imports } = input
  // One write: in several, lines of the log would come between them.
  const program = `${TRIAL.text}import os as pycds_os, sys as pycds_sys, time as pycds_time
pycds_failed = []
for pycds_name in ${JSON.stringify(imports)}:
    try:
        exec("import " + pycds_name)
    except BaseException as pycds_error:
        pycds_failed.append(f"{pycds_name} ({type(pycds_error).__name__})")
pycds_took = pycds_time.process_time_ns()
if pycds_sys.__stdout__: pycds_sys.__stdout__.flush()
pycds_over = f"\\nthe trial took {pycds_took} ns of the processor; not imported: {', '.join(pycds_failed)}\\n"
pycds_os.write(1, pycds_over.encode("utf-8", "replace"))`
  return room.run([...options, '-c', program], { ...environment, ...env }, timeOf(input))
}
