// SPDX-License-Identifier: Apache-2.0
import { PycdsError } from '../../errors/index.js'

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** Timers of Node overflow above this and would fire at once. */
const MAX_DURATION_MS = 2 ** 31 - 1

/** Of users and groups, for engines. */
const MAX_ID = 2 ** 31 - 1

/** Reads `500ms`, `120s`, `1.5m`, `2h` as milliseconds; a number needs its unit. Throws USAGE naming `flag`. */
export function parseDuration(flag: string, text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? []
  const ms = Math.round(Number(number) * (UNIT_MS[unit ?? ''] ?? Number.NaN))
  if (!(ms > 0 && ms <= MAX_DURATION_MS)) {
    throw usage(flag, text, 'not a duration', 'Write a positive number with its unit: 500ms, 120s or 2m.')
  }
  return ms
}

/** Reads `95%`, `95` or `0.5%` as a percentage between 0 and 100. Throws USAGE naming `flag`. */
export function parsePercentage(flag: string, text: string): number {
  const [, number] = /^(\d+(?:\.\d+)?)%?$/.exec(text) ?? []
  const percentage = Number(number)
  if (!(percentage >= 0 && percentage <= 100)) {
    throw usage(flag, text, 'not a percentage', 'Write a number from 0 to 100, as in 95 or 95%.')
  }
  return percentage
}

/** Reads `1.5x` or `1.5` as a factor above zero. Throws USAGE naming `flag`. */
export function parseFactor(flag: string, text: string): number {
  const [, number] = /^(\d+(?:\.\d+)?)x?$/.exec(text) ?? []
  const factor = Number(number)
  if (!(factor > 0)) throw usage(flag, text, 'not a factor', 'Write a number above 0, as in 1.5 or 1.5x.')
  return factor
}

/** Reads a whole number from `min` to `max`. Throws USAGE naming `flag`. */
export function parseCount(flag: string, text: string, max: number, min = 0): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(count >= min && count <= max)) {
    throw usage(flag, text, 'not a count', `Write a whole number from ${min} to ${max}.`)
  }
  return count
}

/** Takes a user, and a group, by number or name; numbers are as large as engines take them. Throws USAGE naming `flag`. */
export function parseUser(flag: string, text: string): string {
  const parts = text.split(':')
  const isMeant = (part: string) =>
    /^\d+$/.test(part) ? Number(part) <= MAX_ID : /^[A-Za-z_][\w.-]*\$?$/.test(part)
  if (parts.length > 2 || !parts.every(isMeant)) {
    throw usage(
      flag,
      text,
      'not a user',
      `Write a number up to ${MAX_ID}, or a name of the image: 12345 or app.`,
    )
  }
  return text
}

/** Splits a command line at the first `--`. `command` is undefined when there is none; USAGE when it is empty. */
export function splitCommand(argv: readonly string[]): { own: string[]; command?: string[] } {
  const end = argv.indexOf('--')
  if (end === -1) return { own: [...argv] }
  const command = argv.slice(end + 1)
  if (command.length === 0) {
    throw new PycdsError('USAGE', {
      message: '--: no command follows the two dashes',
      hint: "Write the command and its arguments behind them, or leave them out to run the image's own.",
    })
  }
  return { own: argv.slice(0, end), command }
}

function usage(flag: string, text: string, reason: string, hint: string): PycdsError {
  return new PycdsError('USAGE', { message: `${flag} ${text}: ${reason}`, hint })
}
