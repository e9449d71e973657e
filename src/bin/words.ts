// SPDX-License-Identifier: Apache-2.0
// What the words of a command line ask for, before a verb is loaded.
import { Config, type Interfaces, run, settings } from '@oclif/core'
import { PycdsError } from '../errors/index.js'
import { nearest } from '../util/nearest.js'
import { VERSION, writeVersion } from './version.js'

/** Runs a command line with oclif; rejects with whatever a verb, or oclif itself, fails with. */
export async function runWords(argv: readonly string[], options: Interfaces.LoadOptions): Promise<void> {
  // The sources are compiled (or loaded by tsx) already; oclif must not look for a compiler of its own.
  settings.enableAutoTranspile = false
  const config = await Config.load(options)
  const words = expandHelp(argv)
  assertCommand(words, config.commandIDs)
  if (asksVersion(words, config)) writeVersion()
  else if (takesNoWord(words, config)) await config.runCommand(words[0] ?? '', words.slice(1))
  else await run(words, config)
}

/** `help bake` is what people type before they know `bake --help`. */
function expandHelp(argv: readonly string[]): string[] {
  return argv[0] === 'help' ? [...argv.slice(1), '--help'] : [...argv]
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

function assertCommand(argv: readonly string[], commands: readonly string[]): void {
  const [word] = argv
  if (word === undefined || commands.includes(word) || ['--help', '-h', ...VERSION].includes(word)) return
  const meant = nearest(word, commands)
  throw new PycdsError('USAGE', {
    message: word.startsWith('-') ? `${word}: no such flag before a command` : `${word}: no such command`,
    hint:
      meant === undefined
        ? `One of: ${commands.filter((id) => !id.includes(':')).join(', ')}; see pycds-image --help.`
        : `Did you mean ${meant}?`,
  })
}
