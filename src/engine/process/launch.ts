// SPDX-License-Identifier: Apache-2.0
// Starts a program as whoever runs this process, or as another user. What Node offers for the latter takes the
// further groups away; the runner of this package gives all of an identity.
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { PycdsError } from '../../errors/index.js'
import { encodeOrder, fieldsOf, RUNNER, readStatus, runnerFailure } from '../runner/index.js'

export interface Identity {
  readonly uid: number
  readonly gid: number
  /** Further groups. */
  readonly groups: readonly number[]
}

/** How programs are started. */
export interface LaunchOptions {
  /** Complete. */
  readonly env: Readonly<Record<string, string>>
  /** Absent: that of this process. */
  readonly identity: Identity | undefined
}

export interface Launched {
  readonly child: ChildProcess & { readonly stdout: Readable; readonly stderr: Readable }
  /** Resolves when the program runs; rejects with the system's error, or a PycdsError when nobody could run it so. */
  readonly started: Promise<void>
}

export function launch(command: readonly string[], { env, identity }: LaunchOptions): Launched {
  const [program = '', ...args] = command
  const options: SpawnOptions = {
    env,
    detached: true, // a group of its own, which can be ended as a whole
  }
  // What Node takes for no input is not there in a chroot without devices.
  const input = existsSync('/dev/null') ? 'ignore' : 'pipe'
  if (identity === undefined) {
    const child = spawn(program, args, { ...options, stdio: [input, 'pipe', 'pipe'] })
    child.stdin?.end()
    return { child: child as Launched['child'], started: once(child, 'spawn').then(() => {}) }
  }
  const child = spawn(RUNNER, [], { ...options, stdio: [input, 'pipe', 'pipe', 'pipe', 'pipe'] })
  child.stdin?.end()
  const order = child.stdio[3] as Writable
  order.on('error', () => {}) // a runner that has ended reads no more
  order.end(encodeOrder(fieldsOf({ root: '/', cwd: process.cwd(), user: identity, command, env })))
  return { child: child as Launched['child'], started: becomes(child, program, identity) }
}

/** Resolves when the runner has become the program. */
async function becomes(child: ChildProcess, program: string, identity: Identity): Promise<void> {
  const status = readStatus(child)
  try {
    await once(child, 'spawn')
  } catch (cause) {
    throw notAs(identity, (cause as Error).message, cause)
  }
  const failure = runnerFailure(await status)
  if (failure === undefined) return
  if (failure.what !== program) throw notAs(identity, failure.reason)
  throw Object.assign(new Error(failure.reason), { code: failure.code })
}

function notAs({ uid, gid, groups }: Identity, reason: string, cause?: unknown): PycdsError {
  return new PycdsError('TRAINING_FAILED', {
    message: `training run: it cannot be run as ${[`${uid}:${gid}`, ...groups].join(',')}: ${reason}`,
    hint: 'Only root may choose a user: put `USER root` before the instruction, or leave --user out.',
    cause,
  })
}
