// SPDX-License-Identifier: Apache-2.0
import { Errors } from '@oclif/core'
import { PycdsError } from '../../errors/index.js'
import { nearest } from '../../util/nearest.js'
import { quote } from '../../util/quote.js'

/** What a command knows of itself when its command line is wrong. */
export interface CommandShape {
  id: string
  /** Long names without dashes. */
  flags: readonly string[]
  /** Whether it takes `-- COMMAND...`. */
  takesCommand: boolean
  /** Its command line, without the verb. */
  argv: readonly string[]
  /** How many arguments it takes. */
  args: number
  /** The words that make another verb of it: `merge` of `trace`. */
  parts: readonly string[]
  /** The flags that take a value, as they are written: `--tag`, `-t`. */
  valued: readonly string[]
}

/** Turns an error of oclif's parser into a USAGE error with a way out; other errors are returned as they are. */
export function toUsageError(error: unknown, shape: CommandShape): unknown {
  if (error instanceof PycdsError || !(error instanceof Errors.CLIError)) return error
  // oclif exports the parser's error classes nowhere; what they carry tells them apart.
  const { flags, args } = error as { flags?: unknown; args?: unknown }
  if (isWords(flags)) return unknownFlag(flags[0], shape)
  // oclif takes such a word for nothing, and then the image for one too many.
  const given = valueOfSwitch(shape)
  if (given !== undefined) return usage(`--${given}: it takes no value`, `Write --${given} alone.`)
  if (isWords(args))
    return misspeltPart(shape) ?? forgottenDashes(shape, shape.args) ?? unexpectedArgument(args[0], shape)
  if (isNamed(args)) return missingArgument(args[0].name, shape)
  return (
    aboutValue(tidy(error.message), shape.id) ?? usage(`${shape.id}: ${tidy(error.message)}`, seeHelp(shape))
  )
}

/** A second word of the verb that was mistyped, and so taken for an image. */
function misspeltPart({ id, argv: [word = ''], parts }: CommandShape): PycdsError | undefined {
  const meant = nearest(word, parts)
  return meant === undefined
    ? undefined
    : usage(`${id} ${word}: no such command`, `Did you mean ${id} ${meant}?`)
}

/** The flag that takes no value, and was given one behind `=`. */
function valueOfSwitch({ argv, flags, valued }: CommandShape): string | undefined {
  const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv
  return own
    .map((word) => /^--([\w-]+)=/.exec(word)?.[1])
    .find((name) => name !== undefined && flags.includes(name) && !valued.includes(`--${name}`))
}

/** What oclif says of one flag, or of one argument, in the words in which the other mistakes are told. */
function aboutValue(text: string, id: string): PycdsError | undefined {
  const [, given = '', values = ''] = /^Expected (.+) to be one of: (.+)$/.exec(text) ?? []
  if (values !== '')
    return usage(
      `${given.startsWith('-') ? given.replace('=', ' ') : `${id} ${given}`}: not one of its values`,
      `Write one of: ${values}.`,
    )
  const [, bare] = /^Flag (--[\w-]+) expects a value$/.exec(text) ?? []
  if (bare !== undefined)
    return usage(`${bare}: its value is missing`, `Write it behind the flag: ${bare} VALUE.`)
  const [, twice] = /^Flag (--[\w-]+) can only be specified once$/.exec(text) ?? []
  if (twice !== undefined) return usage(`${twice}: it is given more than once`, 'Give it once.')
  const [, one, other] = /^(--[\w-]+)=.* cannot also be provided when using (--[\w-]+)$/.exec(text) ?? []
  if (one === undefined || other === undefined) return undefined
  return usage(`${one}: it cannot be given together with ${other}`, 'Leave one of them out.')
}

function unknownFlag(flag: string, shape: CommandShape): PycdsError {
  const meant = nearest(flag.replace(/^-+/, ''), shape.flags)
  // A second image and a command look alike, but for a flag that is like none of ours.
  const images = meant === undefined ? Math.min(shape.args, 1) : shape.args
  const forgotten = forgottenDashes(shape, images, flag)
  if (forgotten !== undefined) return forgotten
  return usage(
    `${shape.id}: unknown flag ${flag}`,
    meant === undefined ? seeHelp(shape) : `Did you mean --${meant}?`,
  )
}

/**
 * What to tell of a command for the image without the two dashes before it; undefined when there is none.
 * @param before how many arguments of the verb precede it
 * @param flag which must be one of the command's
 */
function forgottenDashes(shape: CommandShape, before: number, flag?: string): PycdsError | undefined {
  if (!shape.takesCommand) return undefined
  const { argv, id } = shape
  const words = argv.flatMap((word, index) => (word.startsWith('-') || isValue(shape, index) ? [] : [index]))
  const start = words[before]
  if (start === undefined || (flag !== undefined && argv.findIndex((word) => isFlag(word, flag)) < start))
    return undefined
  const [own, command] = [argv.slice(0, start), argv.slice(start)].map((part) => part.map(quote).join(' '))
  return usage(
    `${id}: unexpected argument ${argv[start]}: a command to run in the image goes behind two dashes`,
    `Write: pycds-image ${[id, own, '--', command].filter((part) => part !== '').join(' ')}`,
  )
}

/** Whether a word is the value of the flag before it. */
function isValue({ argv, valued }: CommandShape, index: number): boolean {
  return valued.includes(argv[index - 1] ?? '')
}

function isFlag(word: string, flag: string): boolean {
  return word === flag || word.startsWith(`${flag}=`) || (/^-[^-]/.test(word) && word.startsWith(flag))
}

function unexpectedArgument(word: string, shape: CommandShape): PycdsError {
  return usage(
    `${shape.id}: unexpected argument ${word}`,
    shape.takesCommand
      ? `A command to run in the image goes behind two dashes: pycds-image ${shape.id} IMAGE -- ${word} ...`
      : seeHelp(shape),
  )
}

function missingArgument(name: string, shape: CommandShape): PycdsError {
  return usage(`${shape.id}: missing argument ${name.toUpperCase()}`, seeHelp(shape))
}

function usage(message: string, hint: string): PycdsError {
  return new PycdsError('USAGE', { message, hint })
}

function seeHelp(shape: CommandShape): string {
  return `See pycds-image ${shape.id} --help.`
}

function tidy(message: string): string {
  return message
    .replace(/\n?See more help with --help/, '')
    .replace(/^The following errors? occurred:/, '')
    .replace(/\s+/g, ' ')
    .trim()
}

function isWords(value: unknown): value is [string, ...string[]] {
  return Array.isArray(value) && typeof value[0] === 'string'
}

function isNamed(value: unknown): value is [{ name: string }, ...unknown[]] {
  return Array.isArray(value) && typeof value[0]?.name === 'string'
}
