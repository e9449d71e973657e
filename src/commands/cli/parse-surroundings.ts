// SPDX-License-Identifier: Apache-2.0
// What surrounds a run as it is written on a command line. No message shows a value of a variable.
import { resolve } from 'node:path'
import { PycdsError } from '../../errors/index.js'
import type { Surroundings } from '../../learn/run/index.js'
import type { Mount } from '../../ports/index.js'
import { whyUnreadable } from '../../util/read-given.js'
import { GivenFiles } from './given-files.js'

/** The flags that give a run what is not in its image. */
export interface SurroundingsFlags {
  'train-env'?: string[] | undefined
  'train-env-file'?: string[] | undefined
  mount?: string[] | undefined
  network: string
  'add-host'?: string[] | undefined
}

/** Files first, in their order, then single variables: the later one wins. Throws USAGE. */
export async function parseSurroundings(
  flags: SurroundingsFlags,
  env: NodeJS.ProcessEnv = process.env,
  files: GivenFiles = new GivenFiles(),
): Promise<Surroundings> {
  const single = (flags['train-env'] ?? []).flatMap((text) => parseVariable('--train-env', text, env))
  const mounts = (flags.mount ?? []).map(parseMount)
  const hosts = (flags['add-host'] ?? []).map(parseHost)
  const fromFiles: [string, string][] = []
  for (const path of flags['train-env-file'] ?? []) fromFiles.push(...(await readEnvFile(path, env, files)))
  return { env: Object.fromEntries([...fromFiles, ...single]), mounts, network: flags.network, hosts }
}

/** `NAME=VALUE`, or `NAME` for the value that it has here; a name without any is left out. */
function parseVariable(flag: string, text: string, env: NodeJS.ProcessEnv): [string, string][] {
  const at = text.indexOf('=')
  const name = at === -1 ? text : text.slice(0, at)
  const why = whyNoName(name, at !== -1)
  if (why !== undefined)
    throw usage(`${flag}: not a variable: ${why}`, 'Write NAME=VALUE, or NAME alone for its value here.')
  const value = at === -1 ? env[name] : text.slice(at + 1)
  return value === undefined ? [] : [[name, value]]
}

/** What is wrong with the name of a variable; without a sign of its end that may be a value, which no message shows. */
function whyNoName(name: string, isEnded: boolean): string | undefined {
  if (name === '') return isEnded ? 'no name stands before the =' : 'it is empty'
  if (!/\s/.test(name)) return undefined
  return isEnded ? `its name, ${JSON.stringify(name)}, has a blank in it` : 'it has a blank in it, and no ='
}

async function readEnvFile(
  path: string,
  env: NodeJS.ProcessEnv,
  files: GivenFiles,
): Promise<[string, string][]> {
  let text: string
  try {
    text = (await files.read(path)).toString()
  } catch (cause) {
    const hint = 'Name a file of lines NAME=VALUE.'
    throw usage(`--train-env-file ${path}: ${whyUnreadable(cause)}`, hint, cause)
  }
  return text.split(/\r?\n/).flatMap((line, index) => {
    const entry = line.trimStart()
    if (entry === '' || entry.startsWith('#')) return []
    return parseVariable(`--train-env-file ${path}: line ${index + 1}`, entry, env)
  })
}

/** `SOURCE:TARGET[:ro]`; a source that is no path, also none of Windows, names a volume. */
function parseMount(text: string): Mount {
  const [, source = '', target = '', mode] =
    /^((?:[A-Za-z]:[/\\])?[^:]+):(\/[^:]*)(?::(ro|rw))?$/.exec(text) ?? []
  if (source === '') {
    throw usage(
      `--mount ${text}: not a mount`,
      'Write SOURCE:TARGET or SOURCE:TARGET:ro; the target is absolute.',
    )
  }
  return { source: /^[./]/.test(source) ? resolve(source) : source, target, readOnly: mode === 'ro' }
}

function parseHost(text: string): string {
  if (/^[^\s:]+:[^\s]+$/.test(text)) return text
  throw usage(`--add-host ${text}: not a host`, 'Write NAME:ADDRESS, as in db:127.0.0.1.')
}

function usage(message: string, hint: string, cause?: unknown): PycdsError {
  return new PycdsError('USAGE', { message, hint, cause })
}
