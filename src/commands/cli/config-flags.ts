// SPDX-License-Identifier: Apache-2.0
import { Flags } from '@oclif/core'
import { type ConfigEntry, type ConfigOption, readConfig } from '../../config/index.js'
import { PycdsError } from '../../errors/index.js'
import { whyUnreadable } from '../../util/read-given.js'
import { LIST } from './flags.js'
import type { GivenFiles } from './given-files.js'
import { learnFlags } from './learn-flags.js'

export const configFlags = {
  config: Flags.string({
    summary:
      'bake the images of a file, each with its options; default, when no IMAGE is named: pycds-image.yaml',
    helpValue: 'FILE',
  }),
  only: Flags.string({
    ...LIST,
    summary: 'with --config, only the image, or the images of the pattern, of this name; repeatable',
    helpValue: 'NAME',
  }),
}

/** Those of the file as a whole: an image has no such option. */
const OF_THE_FILE: readonly string[] = ['config', 'only', 'jobs', 'results', 'shard']

/** Options of the command line that a file cannot have: they are about the whole of it. */
const NOT_IN_FILES = [...OF_THE_FILE, 'json', 'help', 'progress', 'app-output', 'plan']

type Option = ConfigOption & { summary?: string | undefined }

/** Options that take less in a file: what is no bake is not for several images. */
const OF_A_BAKE: Readonly<Record<string, Option>> = { train: learnFlags.train }

/** The options of a command that a file may have. */
export function optionsOf(flags: Readonly<Record<string, Option>>): Record<string, Option> {
  const ours = Object.entries(flags).filter(([name]) => !NOT_IN_FILES.includes(name))
  return Object.fromEntries(ours.map(([name, flag]) => [name, OF_A_BAKE[name] ?? flag]))
}

/** The images of a file, and patterns for images. */
export async function readEntries(
  path: string,
  flags: Readonly<Record<string, ConfigOption>>,
  files: GivenFiles,
): Promise<ConfigEntry[]> {
  return readConfig(path, await readText(path, files), optionsOf(flags))
}

/** A flag of a command line, under whichever of its names, and what was given for it. */
export interface GivenFlag {
  flag: string
  input: string
}

/**
 * The options of one image, as words of a command line.
 * @param words what the file says of it; the command line has the say
 * @param given the flags of that
 */
export function optionsFor(
  words: readonly string[],
  given: readonly GivenFlag[],
  flags: Readonly<Record<string, ConfigOption>>,
): string[] {
  const own = given
    .filter(({ flag }) => !OF_THE_FILE.includes(flag))
    .map(({ flag, input }) => (flags[flag]?.type === 'option' ? `--${flag}=${input}` : input))
  const isOver = (word: string) => given.some(({ flag }) => `--${flag}` === word.split('=')[0])
  return [...words.filter((word) => !isOver(word)), ...own]
}

async function readText(path: string, files: GivenFiles): Promise<string> {
  try {
    return (await files.read(path)).toString()
  } catch (cause) {
    throw new PycdsError('USAGE', {
      message: `--config ${path}: ${whyUnreadable(cause)}`,
      hint: 'Name a file such as pycds-image.yaml; docs/configuration.md describes it.',
      cause,
    })
  }
}
