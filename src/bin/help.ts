// SPDX-License-Identifier: Apache-2.0
// The help, as the build has rendered it with oclif, whose own start is most of what rendering it here would cost.
import { existsSync, readFileSync } from 'node:fs'
import { createStyle } from '../log/index.js'
import { inPackage } from '../util/package-root.js'
import { versionText } from './version.js'

/** The words that ask for it. */
export const HELP: readonly string[] = ['--help', '-h']

/** What stands for the version in the rendered text, since it names the machine. */
const VERSION_MARK = '{version}'
const HEADING = /^[A-Z][A-Z ]+$/gm

/**
 * The help that a command line asks for at its beginning: alone, before a verb, or directly behind it. Undefined where it
 * asks for none there, or for that of something that is no verb.
 */
export function findHelp(argv: readonly string[]): string | undefined {
  const [first, ...rest] = argv
  if (first === undefined || first === 'help' || HELP.includes(first)) {
    const words = rest.filter((word) => !word.startsWith('-'))
    return words.length === 0 ? helpOf([]) : (helpOf(words.slice(0, 2)) ?? helpOf(words.slice(0, 1)))
  }
  const at = argv.findIndex((word) => HELP.includes(word))
  return at > 0 ? helpOf(argv.slice(0, at)) : undefined
}

export function writeHelp(text: string): void {
  const { strong } = createStyle(process.stdout, process.env)
  process.stdout.write(text.replace(VERSION_MARK, versionText()).replace(HEADING, strong))
}

/** Of a verb, or of the program; undefined for words that are no verb. */
function helpOf(words: readonly string[]): string | undefined {
  if (!words.every((word) => /^[a-z]+$/.test(word))) return undefined
  const path = inPackage(`dist/help/${words.length === 0 ? 'index' : words.join('/')}.txt`)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
