// SPDX-License-Identifier: Apache-2.0
import type { ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'
import { getSystemErrorMap } from 'node:util'

/** Why a command does not run. */
export interface RunnerFailure {
  /** As in `ENOENT`. */
  readonly code: string
  /** The program, or the preparation that was refused. */
  readonly what: string
  readonly reason: string
  /** The program of the command does not exist. */
  readonly missing: boolean
}

/**
 * Reads what a runtime tells on descriptor 4 until it closes it, which is when the command runs or never will.
 * @param enough ends the reading early.
 */
export function readStatus(
  child: ChildProcess,
  enough: (text: string) => boolean = () => false,
): Promise<string> {
  return new Promise((resolve) => {
    const stream = child.stdio[4] as Readable | null | undefined
    let text = ''
    const finish = () => resolve(text)
    child.on('error', finish)
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (enough(text)) finish()
    })
    stream?.on('error', finish)
    stream?.on('close', finish)
  })
}

/** What the runner tells when a command could not be started; undefined when it was, or another runtime is at work. */
export function runnerFailure(status: string): RunnerFailure | undefined {
  const [, errno, what = ''] = /^F(\d+) ?(.*)$/m.exec(status) ?? []
  if (errno === undefined) return undefined
  const [code, text] = getSystemErrorMap().get(-Number(errno)) ?? [`error ${errno}`, '']
  return { code, what, reason: `${what}: ${text || code}`, missing: code === 'ENOENT' }
}
