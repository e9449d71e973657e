// SPDX-License-Identifier: Apache-2.0
import { Config, type Interfaces, run, settings } from '@oclif/core'
import { isDebugging, PycdsError, renderError, toErrorDocument, toPycdsError } from '../errors/index.js'
import { nearest } from '../util/nearest.js'
import { outputEnd, watchOutput } from './output.js'

/**
 * Runs one command line to its end and returns the exit code. Every failure of the process, whoever threw
 * it, is rendered here and nowhere else: as a document on stdout under --json, as text on stderr otherwise.
 */
export async function main(argv: readonly string[], options: Interfaces.LoadOptions): Promise<number> {
  // The sources are compiled (or loaded by tsx) already; oclif must not look for a compiler of its own.
  settings.enableAutoTranspile = false
  // An error that no promise carries, as from a socket, is a bug too: it must not end with Node's own code.
  process.once('uncaughtException', async (error) => process.exit(await report(toPycdsError(error), argv)))
  let unwritten: PycdsError | undefined
  watchOutput((error) => {
    unwritten ??= error
  })
  const code = await runVerb(argv, options)
  if (unwritten === undefined) return code
  process.stderr.write(renderError(unwritten, { debug: isDebugging(process.env) }))
  return code === 0 ? unwritten.exitCode : code
}

const VERSION = ['--version', '-v']

async function runVerb(argv: readonly string[], options: Interfaces.LoadOptions): Promise<number> {
  try {
    const config = await Config.load(options)
    const words = expandVersion(expandHelp(argv), config)
    assertCommand(words, config.commandIDs)
    await (takesNoWord(words, config)
      ? config.runCommand(words[0] ?? '', words.slice(1))
      : run(words, config))
    await outputEnd()
    // A verb may have found what it was asked to look for, and say so by its exit code.
    return Number(process.exitCode ?? 0)
  } catch (error) {
    return report(toPycdsError(error), argv)
  }
}

/** `help bake` is what people type before they know `bake --help`. */
function expandHelp(argv: readonly string[]): string[] {
  return argv[0] === 'help' ? [...argv.slice(1), '--help'] : [...argv]
}

/** Directly behind a verb the version is asked for, too; further on it may be of a command whose `--` was forgotten. */
function expandVersion(words: string[], config: Config): string[] {
  const at = words.findIndex((word) => VERSION.includes(word))
  return at > 0 && config.commandIDs.includes(words.slice(0, at).join(':')) ? words.slice(at, at + 1) : words
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

async function report(error: PycdsError, argv: readonly string[]): Promise<number> {
  const debug = isDebugging(process.env)
  if (wantsJson(argv)) {
    process.stdout.write(`${JSON.stringify(toErrorDocument(error), undefined, 2)}\n`)
    if (debug) process.stderr.write(renderError(error, { debug }))
  } else {
    process.stderr.write(renderError(error, { debug }))
  }
  await outputEnd()
  return error.exitCode
}

/** Asked of the words, since a command line that could not be parsed must still be answered in kind. */
function wantsJson(argv: readonly string[]): boolean {
  const json = argv.indexOf('--json')
  const end = argv.indexOf('--')
  return json !== -1 && (end === -1 || json < end)
}
