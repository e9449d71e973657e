// SPDX-License-Identifier: Apache-2.0
// What is tried again, how often, and how long to wait before.
import { setTimeout } from 'node:timers/promises'
import { ConnectionFailure, isUntrusted, speaksNoTls, unreachable } from './error.js'
import type { HttpReply } from './transport.js'

/** How stubborn a client is. */
export interface Patience {
  /** Of one request, the first included. */
  readonly attempts: number
  /** Before the second attempt; doubled each time. */
  readonly firstWaitMs: number
  /** Longer than that nobody waits, whatever a registry asks for. */
  readonly longestWaitMs: number
}

export const PATIENCE: Patience = { attempts: 6, firstWaitMs: 250, longestWaitMs: 60_000 }

const PASSING: readonly number[] = [408, 425, 429, 500, 502, 503, 504]

/** Whether the same request may be answered otherwise a moment later. */
export function isPassing(status: number): boolean {
  return PASSING.includes(status)
}

/** Of the library, when this side has closed. */
const CLOSED: readonly string[] = ['UND_ERR_DESTROYED', 'UND_ERR_CLOSED']

/** Whether a connection may come about a moment later. A name that does not exist stays so, and so does a certificate. */
export function mayRecover(error: unknown): boolean {
  if (!(error instanceof ConnectionFailure)) return false
  const stays = error.code === 'ENOTFOUND' || CLOSED.includes(error.code)
  return !stays && !isUntrusted(error) && !speaksNoTls(error)
}

/** Who tries again. */
export interface Patient {
  /** That is asked. */
  readonly host: string
  readonly patience: Patience
  readonly signal: AbortSignal | undefined
}

/**
 * Sends a request until it is answered with something that will not be otherwise a moment later.
 * @param isAnswer of a status: nothing is to be tried again then
 * @throws REGISTRY_UNREACHABLE when no connection came about
 */
export async function persist(
  { host, patience, signal }: Patient,
  send: () => Promise<HttpReply>,
  isAnswer: (status: number) => boolean,
): Promise<HttpReply> {
  for (let attempt = 1; ; attempt += 1) {
    const isLast = attempt >= patience.attempts
    try {
      const reply = await send()
      if (isLast || isAnswer(reply.status)) return reply
      await reply.dump()
      await waitFor(patience, attempt, reply.header('retry-after'), signal)
    } catch (error) {
      if (!(error instanceof ConnectionFailure)) throw error
      if (isLast || !mayRecover(error)) throw unreachable(host, error)
      await waitFor(patience, attempt, undefined, signal)
    }
  }
}

/** Asks, and reads the body of the answer, again where the connection breaks between the two. */
export async function readAnswer(
  { host, patience, signal }: Patient,
  ask: () => Promise<HttpReply>,
  limit: number,
): Promise<{ reply: HttpReply; bytes: Buffer }> {
  for (let attempt = 1; ; attempt += 1) {
    const reply = await ask()
    try {
      return { reply, bytes: await reply.bytes(limit) }
    } catch (error) {
      if (!(error instanceof ConnectionFailure)) throw error
      if (attempt >= patience.attempts) throw unreachable(host, error)
      await waitFor(patience, attempt, undefined, signal)
    }
  }
}

/**
 * Waits before another attempt.
 * @param attempt that has failed, from 1 on
 * @param retryAfter what the registry asked for, as the header has it: seconds, or a date
 */
export async function waitFor(
  patience: Patience,
  attempt: number,
  retryAfter: string | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const own = patience.firstWaitMs * 2 ** (attempt - 1)
  // A fleet that was refused together should not come back together.
  const ms = Math.min(askedFor(retryAfter) ?? own * (0.75 + Math.random() / 2), patience.longestWaitMs)
  try {
    await setTimeout(ms, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

function askedFor(retryAfter: string | undefined): number | undefined {
  if (retryAfter === undefined) return undefined
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter) * 1000
  const date = Date.parse(retryAfter)
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now())
}
