// SPDX-License-Identifier: Apache-2.0
import type { Interfaces } from '@oclif/core'
import { isDebugging, type PycdsError, renderError, toErrorDocument, toPycdsError } from '../errors/index.js'
import { findHelp, writeHelp } from './help.js'
import { outputEnd, watchOutput } from './output.js'
import { VERSION, writeVersion } from './version.js'

/**
 * Runs one command line to its end and returns the exit code. Every failure of the process, whoever threw
 * it, is rendered here and nowhere else: as a document on stdout under --json, as text on stderr otherwise.
 */
export async function main(argv: readonly string[], options: Interfaces.LoadOptions): Promise<number> {
  // An error that no promise carries, as from a socket, is a bug too: it must not end with Node's own code.
  process.once('uncaughtException', async (error) => process.exit(await report(toPycdsError(error), argv)))
  // Before standard output is watched, since oclif listens to it from when it is loaded.
  const answer = simpleAnswer(argv) ?? (await import('./words.js')).runWords
  let unwritten: PycdsError | undefined
  watchOutput((error) => {
    unwritten ??= error
  })
  const code = await ended(answer, argv, options)
  if (unwritten === undefined) return code
  process.stderr.write(renderError(unwritten, { debug: isDebugging(process.env) }))
  return code === 0 ? unwritten.exitCode : code
}

/** What answers a command line that asks for nothing but help or the version; undefined for any other. */
function simpleAnswer(argv: readonly string[]): Run | undefined {
  const [first = '', ...more] = argv
  if (more.length === 0 && VERSION.includes(first)) return writeVersion
  const help = findHelp(argv)
  return help === undefined ? undefined : () => writeHelp(help)
}

type Run = (argv: readonly string[], options: Interfaces.LoadOptions) => Promise<void> | void

async function ended(run: Run, argv: readonly string[], options: Interfaces.LoadOptions): Promise<number> {
  try {
    await run(argv, options)
    await outputEnd()
    // A verb may have found what it was asked to look for, and say so by its exit code.
    return Number(process.exitCode ?? 0)
  } catch (error) {
    return report(toPycdsError(error), argv)
  }
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
