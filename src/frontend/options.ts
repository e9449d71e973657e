// SPDX-License-Identifier: Apache-2.0
// The options of the trace step: build arguments PYCDS_*, which a Dockerfile may also declare with a value.
import type { FrontendOptionKind } from '../config/index.js'
import { PycdsError } from '../errors/index.js'

/** What to do when an image cannot be baked: build it as it is and say so, or fail the build. */
export type OnFailure = 'plain' | 'fail'

const TRAIN = ['entrypoint', 'imports', 'learn'] as const
export type Train = (typeof TRAIN)[number]

export interface StepOptions {
  readonly enabled: boolean
  readonly onFailure: OnFailure
  /** Replaces the image's own command for the training run. */
  readonly command: readonly string[] | undefined
  /** Start the command, import the given modules and start nothing, or let containers learn. */
  readonly train: Train
  /** Percent of the imported modules that must be in the archive. */
  readonly minArchived: number | undefined
  /** For `pycds-image step`. */
  readonly flags: readonly string[]
}

const PREFIX = 'PYCDS_'

/** Options of `pycds-image step` by build argument; those that are lists are split where the pattern says. */
const FLAGS: Readonly<Record<string, { readonly flag: string; readonly list?: RegExp }>> = {
  PYCDS_READY: { flag: '--ready', list: /\s*;\s+|\n/ },
  PYCDS_PROBE: { flag: '--probe', list: /\s*;\s+|\n/ },
  PYCDS_IMPORT: { flag: '--import', list: /[\s,]+/ },
  PYCDS_VALIDATE: { flag: '--validate' },
  PYCDS_TIMEOUT: { flag: '--timeout' },
  PYCDS_STOP_GRACE: { flag: '--stop-grace' },
  PYCDS_ON_TRAIN_FAILURE: { flag: '--on-train-failure' },
}

/** Arguments that are not for the step itself. */
const OWN: Readonly<Record<string, FrontendOptionKind>> = {
  PYCDS_ENABLED: 'switch',
  PYCDS_ON_FAILURE: 'text',
  PYCDS_TRAIN: 'text',
  PYCDS_COMMAND: 'command',
  PYCDS_MIN_ARCHIVED: 'text',
  PYCDS_SNAPSHOT: 'switch',
}

/** Arguments that mean nothing where there is no training run. */
const OF_TRAINING: readonly string[] = [
  ...Object.keys(FLAGS),
  'PYCDS_COMMAND',
  'PYCDS_MIN_ARCHIVED',
  'PYCDS_SNAPSHOT',
]

/** Every argument that means something here, and what a configuration file may say for it. */
export const OPTION_KINDS: Readonly<Record<string, FrontendOptionKind>> = {
  ...OWN,
  ...Object.fromEntries(Object.entries(FLAGS).map(([name, { list }]) => [name, list ? 'list' : 'text'])),
}

/** The names of these arguments. */
export const OPTION_NAMES: readonly string[] = Object.keys(OPTION_KINDS)

/** Reads options from build arguments; USAGE names one that is unknown or has no meaning. */
export function readStepOptions(args: ReadonlyMap<string, string>): StepOptions {
  for (const name of args.keys()) {
    if (name.startsWith(PREFIX) && !OPTION_NAMES.includes(name)) {
      throw new PycdsError('USAGE', {
        message: `build argument ${name}: there is no such option`,
        hint: `The options are ${OPTION_NAMES.join(', ')}.`,
      })
    }
  }
  const command = args.get('PYCDS_COMMAND')
  const train = trainOf(args)
  return {
    enabled: isOn('PYCDS_ENABLED', args, '1'),
    onFailure: oneOf('PYCDS_ON_FAILURE', args.get('PYCDS_ON_FAILURE') || 'plain', ['plain', 'fail']),
    train,
    minArchived: percentage('PYCDS_MIN_ARCHIVED', args.get('PYCDS_MIN_ARCHIVED')),
    command: command ? parseCommand(command) : undefined,
    flags: [
      ...flagsOf(args),
      ...(isOn('PYCDS_SNAPSHOT', args, '0') ? ['--snapshot'] : []),
      ...(train === 'learn' ? ['--train=learn'] : []),
    ],
  }
}

/** An empty value takes one back. */
function isOn(name: string, args: ReadonlyMap<string, string>, usual: '0' | '1'): boolean {
  return oneOf(name, args.get(name) || usual, ['0', '1']) === '1'
}

function flagsOf(args: ReadonlyMap<string, string>): string[] {
  return Object.entries(FLAGS).flatMap(([name, { flag, list }]) => {
    const value = args.get(name)
    // `ARG PYCDS_READY=` and `--build-arg PYCDS_READY=` take a value back.
    if (value === undefined || value === '') return []
    const values = list ? value.split(list).filter((part) => part !== '') : [value]
    return values.map((one) => `${flag}=${one}`)
  })
}

function trainOf(args: ReadonlyMap<string, string>): Train {
  const modules = args.get('PYCDS_IMPORT') || undefined
  const mode = args.get('PYCDS_TRAIN') || (modules === undefined ? 'entrypoint' : 'imports')
  const train = oneOf('PYCDS_TRAIN', mode, TRAIN)
  if (train === 'learn') {
    const other = OF_TRAINING.find((name) =>
      OWN[name] === 'switch' ? isOn(name, args, '0') : args.get(name),
    )
    if (other === undefined) return train
    throw new PycdsError('USAGE', {
      message: `build argument PYCDS_TRAIN: with learn nothing is run in the build, and ${other} says how`,
      hint: 'Leave one of them out.',
    })
  }
  if ((train === 'imports') === (modules !== undefined)) return train
  throw new PycdsError('USAGE', {
    message: `build argument PYCDS_TRAIN: ${mode} ${train === 'imports' ? 'needs' : 'does not go with'} PYCDS_IMPORT`,
    hint: 'With PYCDS_IMPORT modules are imported instead of starting the command.',
  })
}

function percentage(name: string, value: string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined
  const number = /^\d+(\.\d+)?%?$/.test(value) ? Number.parseFloat(value) : Number.NaN
  if (number <= 100) return number
  throw new PycdsError('USAGE', {
    message: `build argument ${name}: ${JSON.stringify(value.slice(0, 40))} is no percentage`,
    hint: 'Give a number from 0 to 100.',
  })
}

/** As CMD has it in a Dockerfile: a JSON list, or text for the shell. */
function parseCommand(text: string): string[] {
  if (!text.trimStart().startsWith('[')) return ['/bin/sh', '-c', text]
  try {
    const list: unknown = JSON.parse(text)
    if (Array.isArray(list) && list.length > 0 && list.every((item) => typeof item === 'string')) return list
  } catch {
    // Refused below, as everything else that is not a list of texts.
  }
  throw new PycdsError('USAGE', {
    message: `build argument PYCDS_COMMAND: it begins with [ and is not a JSON list of texts`,
    hint: 'Write ["python", "-m", "app"], or the command as a shell has it.',
  })
}

function oneOf<T extends string>(name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value)
  if (found !== undefined) return found
  throw new PycdsError('USAGE', {
    message: `build argument ${name}: ${JSON.stringify(value.slice(0, 40))} is none of ${allowed.join(', ')}`,
    hint: `Give one of them, or leave ${name} out.`,
  })
}
