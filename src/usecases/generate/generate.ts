// SPDX-License-Identifier: Apache-2.0
// A Dockerfile that bakes: one on top of an image, or a given one with the instructions behind it.
import type { SnapshotOptions } from '../../artifact/snapshot/options.js'
import { PycdsError } from '../../errors/index.js'
import { commandOf, nameInEngines, parseLocation, type RunConfig } from '../../image/index.js'
import { automaticReady, formatReady, healthCommand } from '../../learn/run/index.js'
import { isOfEntrypoint, LAUNCHER_PATH, withoutLauncher } from '../../marks/launcher.js'
import type { ImageStore } from '../../ports/index.js'
import { formOnDisk, isReadable, isTar } from '../../util/form-on-disk.js'
import { quote } from '../../util/quote.js'
import { readGiven, whyUnreadable } from '../../util/read-given.js'
import { lastStage, type Starts } from './dockerfile.js'
import { type Builder, bakeInstructions } from './instructions.js'

export interface GenerateRequest {
  /** A Dockerfile, if there is a file of that name, else an image. */
  subject: string
  /** What to run instead of ENTRYPOINT and CMD. */
  command?: string[]
  builder: Builder
  /** Reference of the tool image. */
  tool: string
  /** Bake with a process snapshot. */
  snapshot?: SnapshotOptions
}

export interface GenerateResult {
  schema: 'io.pycds.generate/1'
  subject: { kind: 'image' | 'dockerfile'; name: string }
  /** The whole text, to be built. */
  dockerfile: string
  /** What was added to it. */
  added: string[]
}

const STAGE = 'pycds-app'

/** Writes the Dockerfile; USAGE when nothing tells what to run. */
export async function generate(
  request: GenerateRequest,
  ports: { store: ImageStore; signal?: AbortSignal },
): Promise<GenerateResult> {
  const isFile = isReadable(request.subject)
  const kind = isFile ? 'dockerfile' : 'image'
  if (!isFile || isTar(request.subject)) assertNameable(request.subject)
  const { head, name, command, user, told, starts } = isFile
    ? fromDockerfile(request.subject, await readText(request.subject, ports.signal), request.builder)
    : await fromImage(request, ports.store)
  const chosen = request.command ?? command
  if (chosen === undefined || chosen.length === 0) throw nothingToRun(request.subject)
  const { builder, tool, snapshot } = request
  const options = [...snapshotWords(snapshot), ...readyOptions(told)]
  const added = [
    ...bakeInstructions({ builder, tool, options }, name, { command: chosen, user }),
    ...(snapshot?.launch === 'entrypoint' ? launchInstructions(request, starts) : []),
  ]
  return {
    schema: 'io.pycds.generate/1',
    subject: { kind, name: request.subject },
    dockerfile: `${[...head, ...added].join('\n')}\n`,
    added,
  }
}

function snapshotWords(snapshot: SnapshotOptions | undefined): string[] {
  if (snapshot === undefined) return []
  const { cpu, include, exclude, launch } = snapshot
  return [
    '--snapshot',
    ...(cpu === 'v3' ? [] : ['--snapshot-cpu', cpu]),
    ...include.flatMap((glob) => ['--snapshot-include', glob]),
    ...exclude.flatMap((glob) => ['--snapshot-exclude', glob]),
    ...(launch === 'hook' ? [] : ['--snapshot-launch', launch]),
  ]
}

/** A new ENTRYPOINT takes back the CMD of what the stage is built on, so both are written. */
function launchInstructions({ subject, command }: GenerateRequest, starts: Starts): string[] {
  const refuse = (message: string, hint: string) =>
    new PycdsError('USAGE', { message: `${subject}: --snapshot-launch entrypoint: ${message}`, hint })
  if (starts.entrypoint === undefined)
    throw refuse(
      'the Dockerfile has no ENTRYPOINT, and what its base has is not known here',
      'Write the ENTRYPOINT into it, or `ENTRYPOINT []` above CMD where the base has none.',
    )
  const entrypoint = [...withoutLauncher(starts.entrypoint)]
  // Arguments behind the entrypoint's own words are another CMD.
  if (command !== undefined && (entrypoint.length === 0 || !isOfEntrypoint(command, entrypoint)))
    throw refuse(
      'the training run would be of another command than what the image starts',
      'Begin what is behind -- with the words of the ENTRYPOINT, or leave that or --snapshot-launch out.',
    )
  const words = [...entrypoint, ...starts.cmd]
  if (isShell(words))
    throw refuse(
      'a shell is started first, whose Python goes on in the snapshot once it has started',
      'Write ENTRYPOINT or CMD as a list whose first word is the Python or a script of it, or leave --snapshot-launch out.',
    )
  const cmd = starts.cmd.length === 0 ? [] : [`CMD ${JSON.stringify(starts.cmd)}`]
  return [`ENTRYPOINT ${JSON.stringify([LAUNCHER_PATH, ...entrypoint])}`, ...cmd]
}

const isShell = ([first = '']: readonly string[]) => /^(.*\/)?(ba|da|z|k|a)?sh$/.test(first)

/** What a step must be told, since a build does not know of it: that the image says itself when it is up. */
function readyOptions(told: RunConfig): string[] {
  const config = { config: told }
  const { specs, fallbackQuietMs } = automaticReady(config)
  if (fallbackQuietMs === undefined) return []
  const health = (healthCommand(config) ?? []).map(quote).join(' ')
  const conditions = specs.map((spec) => (spec.kind === 'health' ? `cmd:${health}` : formatReady(spec)))
  const fallback = formatReady({ kind: 'quiet', ms: fallbackQuietMs })
  return [...conditions, fallback].flatMap((text) => ['--ready', text])
}

async function readText(path: string, signal: AbortSignal | undefined): Promise<string> {
  try {
    return (await readGiven(path, { signal })).toString()
  } catch (cause) {
    const hint = 'Name a Dockerfile that this user may read, or an image.'
    throw new PycdsError('USAGE', { message: `${path}: ${whyUnreadable(cause)}`, hint, cause })
  }
}

/** USAGE for an image that no Dockerfile can be built on. */
function assertNameable(subject: string): void {
  const location = parseLocation(subject)
  const isFile = location !== undefined && location.kind !== 'registry'
  const form = location === undefined && /[./]/.test(subject) ? formOnDisk(subject) : undefined
  if (!isFile && !form?.isImage) return
  throw new PycdsError('USAGE', {
    message: `${subject}: a Dockerfile is built on an image of an engine or a registry, not on one in a file`,
    hint: 'Bake it as it is (pycds-image bake), or put it into an engine or a registry.',
  })
}

async function fromImage({ subject, builder }: GenerateRequest, store: ImageStore) {
  const { config } = await store.resolve(subject)
  const user = config.config?.User
  const location = parseLocation(subject)
  const name = location?.kind === 'registry' ? nameInEngines(location) : subject
  return {
    head: [builder === 'classic' ? `FROM ${name} AS ${STAGE}` : `FROM ${name}`],
    name: STAGE,
    command: commandOf(config),
    user: !user || /^(root|0)(:|$)/.test(user) ? undefined : user,
    told: config.config ?? {},
    starts: { entrypoint: config.config?.Entrypoint ?? [], cmd: config.config?.Cmd ?? [] },
  }
}

function fromDockerfile(path: string, text: string, builder: Builder) {
  const stage = lastStage(text)
  if (stage === undefined) {
    throw new PycdsError('USAGE', {
      message: `${path}: it has no FROM, so it is no Dockerfile`,
      hint: 'Name a Dockerfile or an image.',
    })
  }
  const { name, fromLine, openLine } = stage
  const head = text.trimEnd().split('\n')
  const change = (line: number, to: (was: string) => string) => {
    const whole = head[line] ?? ''
    const text = whole.trimEnd()
    head[line] = to(text) + whole.slice(text.length)
  }
  // Whatever is added would be a part of this instruction.
  if (openLine !== undefined) change(openLine, (was) => was.slice(0, -1))
  if (builder === 'classic' && name === undefined) change(fromLine, (was) => `${was} AS ${STAGE}`)
  const { command, user, told = {}, starts } = stage
  return { head, name: name ?? STAGE, command, user, told, starts }
}

function nothingToRun(subject: string): PycdsError {
  return new PycdsError('USAGE', {
    message: `${subject}: neither ENTRYPOINT nor CMD is known, so there is nothing to learn from`,
    hint: 'Give the command behind --, as in `-- python -m app`.',
  })
}
