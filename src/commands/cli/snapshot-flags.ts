// SPDX-License-Identifier: Apache-2.0
// Process snapshots, as they are asked for on a command line.
import { Flags } from '@oclif/core'
import type { MoreOptions } from '../../artifact/complete.js'
import { PycdsError } from '../../errors/index.js'
import { LIST } from './flags.js'
import type { LearnFlags } from './learn-flags.js'

export const snapshotFlags = {
  snapshot: Flags.boolean({
    summary:
      'also freeze the imported libraries as a process snapshot, in which starts go on; shipped only when it was thawed and serves the application, else the archive is alone',
  }),
  'snapshot-cpu': Flags.option({
    options: ['v3', 'native', 'v2'] as const,
    summary:
      'with --snapshot, how far the processor may be used: the features of x86-64-v3 (default) or v2, or all of this one',
  })(),
  'snapshot-include': Flags.string({
    ...LIST,
    summary:
      'with --snapshot, names of modules to freeze though they are no libraries; * and ? stand for others; repeatable',
    helpValue: 'GLOB',
  }),
  'snapshot-launch': Flags.option({
    options: ['hook', 'entrypoint'] as const,
    summary:
      'with --snapshot, what goes on in it: each Python once it has started (default), or the entrypoint at once, by a program in front of it, where that starts Python itself',
  })(),
  'snapshot-exclude': Flags.string({
    ...LIST,
    summary:
      'with --snapshot, names of modules not to freeze, and neither what imports them; * and ? stand for others; repeatable',
    helpValue: 'GLOB',
  }),
}

export interface SnapshotFlags {
  snapshot: boolean
  'snapshot-cpu'?: 'v3' | 'native' | 'v2' | undefined
  'snapshot-include'?: string[] | undefined
  'snapshot-exclude'?: string[] | undefined
  'snapshot-launch'?: 'hook' | 'entrypoint' | undefined
}

/** Throws USAGE for flags that contradict each other. */
export function toSnapshot(flags: SnapshotFlags, mode: LearnFlags['train']): MoreOptions {
  const { 'snapshot-cpu': cpu, 'snapshot-include': include, 'snapshot-exclude': exclude } = flags
  const { 'snapshot-launch': launch } = flags
  if (!flags.snapshot) {
    for (const [name, value] of Object.entries({ cpu, include, exclude, launch })) {
      if (value !== undefined)
        throw usage(`--snapshot-${name}: there is no snapshot that it could be about`, 'Add --snapshot.')
    }
    return {}
  }
  for (const [name, globs] of Object.entries({ include, exclude })) {
    if (globs?.some((glob) => glob.trim() === ''))
      throw usage(
        `--snapshot-${name}: its value is empty`,
        'Write the name of a module, or a pattern of such names, as in shop.*.',
      )
  }
  if (mode !== 'entrypoint') {
    throw usage(
      `--snapshot: it is made for the programs that a training run starts, and --train ${mode} starts none`,
      'Train with the command of the image, or leave --snapshot out.',
    )
  }
  return {
    snapshot: { cpu: cpu ?? 'v3', include: include ?? [], exclude: exclude ?? [], launch: launch ?? 'hook' },
  }
}

function usage(message: string, hint: string): PycdsError {
  return new PycdsError('USAGE', { message, hint })
}
