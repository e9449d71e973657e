// SPDX-License-Identifier: Apache-2.0
// Credential helpers: programs named `docker-credential-NAME`, which are asked on their standard input. What they print is
// never shown: it may be what they are asked for.
import { spawn } from 'node:child_process'
import { present } from '../util/present.js'
import { registryError } from './error.js'

/** What a helper has for a registry. */
export interface HelperReply {
  readonly username: string
  readonly secret: string
}

/** What a helper is given. */
export interface HelperSurroundings {
  readonly env: NodeJS.ProcessEnv
  /** Ends it, and the waiting for it. */
  readonly signal?: AbortSignal | undefined
}

/** A helper that asks somebody waits for ever. */
const TIMEOUT_MS = 60_000
/** For what an ended helper has written; a process that it has left behind may hold its output open. */
const REST_MS = 500
const MAX_OUTPUT = 1024 * 1024
const NOT_FOUND = 'credentials not found in native keychain'

/**
 * Asks a helper; undefined when it has nothing for the registry.
 * @param name as configuration has it: `ecr-login`
 * @param server the key under which it is asked
 * @param file which names the helper, for messages
 * @throws REGISTRY_REFUSED naming the helper when it is missing or fails
 */
export async function askHelper(
  name: string,
  server: string,
  file: string,
  surroundings: HelperSurroundings,
): Promise<HelperReply | undefined> {
  const program = `docker-credential-${name}`
  const failed = (reason: string, hint: string) =>
    registryError('REGISTRY_REFUSED', `credential helper ${program} for ${server}: ${reason}`, hint)
  if (!/^[\w.-]+$/.test(name)) throw failed('it is no name of a program', `Correct ${file}.`)
  const { code, output, error } = await run(program, server, surroundings)
  if (error === 'ENOENT') {
    throw failed(`it is not installed, and ${file} names it`, 'Install it, or remove it from that file.')
  }
  const hint = `Try it: echo ${server} | ${program} get`
  surroundings.signal?.throwIfAborted()
  if (error !== undefined) throw failed(`it cannot be run (${error})`, hint)
  if (code !== 0) {
    if (output.trim().toLowerCase() === NOT_FOUND) return undefined
    throw failed(code === null ? 'it did not end in time' : `it ended with ${code}`, hint)
  }
  try {
    const { Username, Secret } = JSON.parse(output) as { Username?: unknown; Secret?: unknown }
    if (typeof Username === 'string' && typeof Secret === 'string') {
      return Secret === '' ? undefined : { username: Username, secret: Secret }
    }
  } catch {
    // Told below: the parser's message repeats what it has read.
  }
  throw failed('its answer is not what a helper answers', hint)
}

function run(
  program: string,
  input: string,
  { env, signal }: HelperSurroundings,
): Promise<{ code: number | null; output: string; error?: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, ['get'], {
      ...{ env, stdio: ['pipe', 'pipe', 'ignore'], killSignal: 'SIGKILL' },
      ...present({ signal }),
    })
    let output = ''
    let rest: NodeJS.Timeout | undefined
    const finish = (result: { code: number | null; error?: string }) => {
      clearTimeout(timer)
      clearTimeout(rest)
      child.stdout.destroy()
      resolve({ ...result, output })
    }
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      finish({ code: null })
    }, TIMEOUT_MS)
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (output.length < MAX_OUTPUT) output += chunk
    })
    child.stdin.on('error', () => {}) // a program that does not read its input may end well all the same
    child.stdin.end(`${input}\n`)
    child.on('error', (error: NodeJS.ErrnoException) =>
      finish({ code: null, error: error.code ?? 'unknown' }),
    )
    child.on('close', (code) => finish({ code }))
    child.on('exit', (code) => {
      rest = setTimeout(() => finish({ code }), REST_MS)
    })
  })
}
