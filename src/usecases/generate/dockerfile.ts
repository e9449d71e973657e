// SPDX-License-Identifier: Apache-2.0
// The last stage of a Dockerfile, as far as a bake has to know it.
import { type Instruction, listForm, readFrom, readInstructions } from '../../dockerfile/index.js'
import type { RunConfig } from '../../image/index.js'
import type { Stage } from './instructions.js'

export interface LastStage extends Partial<Stage> {
  readonly name: string | undefined
  /** Index of the line in which its FROM ends. */
  readonly fromLine: number
  /** Index of the line in which the file ends although another line was to follow. */
  readonly openLine: number | undefined
  /** How to tell that it is up, where it says so. */
  readonly told?: Told
  readonly starts: Starts
}

/** ENTRYPOINT and CMD. */
export interface Starts {
  /** Undefined: that of an image of which nothing is known. */
  readonly entrypoint: readonly string[] | undefined
  readonly cmd: readonly string[]
}

type Told = Pick<RunConfig, 'Healthcheck' | 'ExposedPorts' | 'Shell'>

/** What a stage leaves to those that begin with it. */
interface Settings {
  readonly shell: readonly string[]
  readonly user: string | undefined
  readonly entrypoint: readonly string[] | undefined
  /** Whether CMD is a part of what is run: what is behind a text is none for the shell. */
  readonly takesCmd: boolean
  readonly cmd: readonly string[]
  readonly ports: readonly string[]
  /** What it is healthy by, as an image's configuration has it. */
  readonly health: readonly string[]
}

/** Of an image of which nothing is known. */
const UNKNOWN: Settings = {
  shell: ['/bin/sh', '-c'],
  user: undefined,
  entrypoint: undefined,
  takesCmd: true,
  cmd: [],
  ports: [],
  health: [],
}

/** Reads the last stage; undefined when the text has no FROM. */
export function lastStage(text: string): LastStage | undefined {
  const all = readInstructions(text)
  const starts = all.flatMap(({ keyword }, index) => (keyword === 'FROM' ? [index] : []))
  const stages = starts.map((start, at) => all.slice(start, starts[at + 1]))
  const last = stages.at(-1)
  const from = last?.[0]
  if (last === undefined || from === undefined) return undefined
  const settings = settingsOf(stages, argumentsOf(all.slice(0, starts[0])))
  const { user, entrypoint, takesCmd, cmd, ports, health } = settings
  const started = { entrypoint, cmd: takesCmd ? cmd : [] }
  const command = [...(entrypoint ?? []), ...started.cmd]
  return {
    name: readFrom(from.text).name,
    fromLine: from.lastLine,
    openLine: last.find(({ isOpen }) => isOpen)?.lastLine,
    ...(command.length > 0 ? { command } : {}),
    user: user === undefined || /^(root|0)(:|$)/.test(user) ? undefined : user,
    ...(ports.length + health.length > 0 ? { told: toldBy(settings) } : {}),
    starts: started,
  }
}

function toldBy({ ports, health, shell }: Settings): Told {
  return {
    ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])),
    Healthcheck: { Test: health },
    Shell: shell,
  }
}

/** The settings of the last of some stages; each begins with those of the stage that its FROM names. */
function settingsOf(
  stages: readonly (readonly Instruction[])[],
  defaults: ReadonlyMap<string, string>,
): Settings {
  const named = new Map<string, Settings>()
  let settings = UNKNOWN
  for (const [index, stage] of stages.entries()) {
    const { base, name } = readFrom(stage[0]?.text ?? '')
    settings = apply(stage, named.get(withDefaults(base, defaults).toLowerCase()) ?? UNKNOWN)
    named.set(String(index), settings)
    if (name !== undefined) named.set(name.toLowerCase(), settings)
  }
  return settings
}

/** As the builder puts them together: a new ENTRYPOINT takes back a CMD that the stage has not from itself. */
function apply(stage: readonly Instruction[], given: Settings): Settings {
  let { shell, user, entrypoint, takesCmd, cmd, ports, health } = given
  let isOwn = false
  for (const { keyword, text } of stage) {
    const words = listForm(text)
    if (keyword === 'SHELL') shell = words ?? shell
    if (keyword === 'USER') user = text
    if (keyword === 'EXPOSE') ports = [...ports, ...text.split(/\s+/)]
    if (keyword === 'HEALTHCHECK') health = healthOf(text)
    if (keyword === 'ENTRYPOINT') {
      entrypoint = words ?? [...shell, text]
      takesCmd = words !== undefined
      if (!isOwn) cmd = []
    }
    if (keyword === 'CMD') {
      cmd = words ?? [...shell, text]
      isOwn = true
    }
  }
  return { shell, user, entrypoint, takesCmd, cmd, ports, health }
}

/** `[OPTIONS] CMD command`, or `NONE`. */
function healthOf(text: string): string[] {
  const [, command] = /^(?:--\S+\s+)*CMD\s+(.*)$/is.exec(text) ?? []
  if (command === undefined) return []
  const words = listForm(command)
  return words === undefined ? ['CMD-SHELL', command] : ['CMD', ...words]
}

/** The values of ARG instructions in front of all stages. */
function argumentsOf(instructions: readonly Instruction[]): Map<string, string> {
  const pairs = instructions.flatMap(({ keyword, text }) =>
    keyword === 'ARG' ? [...text.matchAll(/(\w+)=(?:"([^"]*)"|'([^']*)'|(\S*))/g)] : [],
  )
  return new Map(pairs.map(([, name = '', double, single, plain]) => [name, double ?? single ?? plain ?? '']))
}

function withDefaults(text: string, defaults: ReadonlyMap<string, string>): string {
  return text.replace(
    /\$(?:(\w+)|\{(\w+)(?::?-([^}]*))?\})/g,
    (all, plain?: string, braced?: string, otherwise?: string) =>
      defaults.get(plain ?? braced ?? '') ?? otherwise ?? all,
  )
}
