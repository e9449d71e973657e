// SPDX-License-Identifier: Apache-2.0
// What the words of a command line ask for, before a verb is loaded.
import { Config, type Interfaces, run, settings } from '@oclif/core'
import { PycdsError } from '../errors/index.js'
import { nearest } from '../util/nearest.js'
import { findHelp, HELP, writeHelp } from './help.js'
import { VERSION, writeVersion } from './version.js'

/** Runs a command line with oclif; rejects with whatever a verb, or oclif itself, fails with. */
export async function runWords(argv: readonly string[], options: Interfaces.LoadOptions): Promise<void> {
  // The sources are compiled (or loaded by tsx) already; oclif must not look for a compiler of its own.
  settings.enableAutoTranspile = false
  const config = await Config.load(options)
  assertCommand(argv, config.commandIDs)
  const { verb, rest } = splitVerb(argv, config.commandIDs)
  const help = asksHelp(rest) ? findHelp([...verb, '--help']) : undefined
  if (asksVersion(argv, config)) writeVersion()
  else if (help === undefined)
    await (takesNoWord(argv, config) ? runVerb(argv, 1, config) : run([...argv], config))
  else if (isOfCommand(verb, rest, config)) await runVerb(argv, verb.length, config)
  else writeHelp(help)
}

/** Has a verb of so many words say what it thinks of the others; oclif would look at them first. */
async function runVerb(argv: readonly string[], words: number, config: Config): Promise<void> {
  await config.runCommand(argv.slice(0, words).join(':'), argv.slice(words))
}

/** The words of the verb, and what is behind them up to the command of an image. */
function splitVerb(argv: readonly string[], ids: readonly string[]): { verb: string[]; rest: string[] } {
  const length = ids.includes(argv.slice(0, 2).join(':')) ? 2 : 1
  const end = argv.indexOf('--')
  return { verb: argv.slice(0, length), rest: argv.slice(length, end === -1 ? undefined : end) }
}

const asksHelp = (words: readonly string[]) => words.some((word) => HELP.includes(word))

/** Whether more than the verb's arguments precedes the word that asks for help: a command whose `--` was forgotten. */
function isOfCommand(verb: readonly string[], rest: readonly string[], config: Config): boolean {
  const command = config.findCommand(verb.join(':'))
  if (command?.takesCommand !== true) return false
  const valued = Object.values(command.flags).flatMap(({ name, char, type }) =>
    type === 'option' ? [`--${name}`, ...(char ? [`-${char}`] : [])] : [],
  )
  const before = rest.slice(
    0,
    rest.findIndex((word) => HELP.includes(word)),
  )
  const words = before.filter((word, at) => !word.startsWith('-') && !valued.includes(before[at - 1] ?? ''))
  return words.length > Object.keys(command.args).length
}

/** Directly behind a verb the version is asked for, too; further on it may be of a command whose `--` was forgotten. */
function asksVersion(words: readonly string[], config: Config): boolean {
  const at = words.findIndex((word) => VERSION.includes(word))
  return at >= 0 && (at === 0 || config.commandIDs.includes(words.slice(0, at).join(':')))
}

/** Whether a word follows a verb that takes none. oclif would look for a verb of both, and end with a failure of its own. */
function takesNoWord([verb = '', word = '-']: readonly string[], config: Config): boolean {
  const command = config.findCommand(verb)
  const isAlone = command !== undefined && Object.keys(command.args).length === 0
  return isAlone && !word.startsWith('-') && !config.commandIDs.includes(`${verb}:${word}`)
}

/** The verb, or the flag that stands without one, which a word is likely to mean; undefined when it is like none. */
function meantBy(word: string, argv: readonly string[], commands: readonly string[]): string | undefined {
  const name = word.replace(/^-+/, '')
  const flag = nearest(name, ['help', 'version'])
  // What stands alone is no verb that lacks its image.
  if (flag !== undefined && (word.startsWith('-') || argv.length === 1)) return `--${flag}`
  return nearest(name, commands)
}

function assertCommand(argv: readonly string[], commands: readonly string[]): void {
  // Help of a verb has been given already; what is asked for here is that of something else.
  const [word = ''] = argv.filter((one, at) => at > 0 || (one !== 'help' && !HELP.includes(one)))
  if (commands.includes(word) || VERSION.includes(argv[0] ?? '')) return
  const meant = meantBy(word, argv, commands)
  throw new PycdsError('USAGE', {
    message: word.startsWith('-') ? `${word}: no such flag before a command` : `${word}: no such command`,
    hint:
      meant === undefined
        ? `One of: ${commands.filter((id) => !id.includes(':')).join(', ')}; see pycds-image --help.`
        : `Did you mean ${meant}?`,
  })
}
