// SPDX-License-Identifier: Apache-2.0
import { Errors } from '@oclif/core'
import { PycdsError } from '../../errors/index.js'
import { nearest } from '../../util/nearest.js'

/** What a command knows of itself when its command line is wrong. */
export interface CommandShape {
  id: string
  /** Long names without dashes. */
  flags: readonly string[]
  /** Whether it takes `-- COMMAND...`. */
  takesCommand: boolean
}

/** Turns an error of oclif's parser into a USAGE error with a way out; other errors are returned as they are. */
export function toUsageError(error: unknown, shape: CommandShape): unknown {
  if (error instanceof PycdsError || !(error instanceof Errors.CLIError)) return error
  // oclif exports the parser's error classes nowhere; what they carry tells them apart.
  const { flags, args } = error as { flags?: unknown; args?: unknown }
  if (isWords(flags)) return unknownFlag(flags[0], shape)
  if (isWords(args)) return unexpectedArgument(args[0], shape)
  if (isNamed(args)) return missingArgument(args[0].name, shape)
  return usage(`${shape.id}: ${tidy(error.message)}`, seeHelp(shape))
}

function unknownFlag(flag: string, shape: CommandShape): PycdsError {
  const meant = nearest(flag.replace(/^-+/, ''), shape.flags)
  return usage(
    `${shape.id}: unknown flag ${flag}`,
    meant === undefined ? seeHelp(shape) : `Did you mean --${meant}?`,
  )
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
