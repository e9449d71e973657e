// SPDX-License-Identifier: Apache-2.0
// A program beside the command of a container.
import { once } from 'node:events'
import type { ExecResult, ExecSpec } from '../../ports/index.js'
import { readStatus, runnerFailure } from '../runner/index.js'
import { startProgram } from './processes.js'
import type { Launch } from './runtimes/runtime.js'

/** What is kept of a program's output: it explains a failure, it is no log. */
const MAX_OUTPUT_BYTES = 64 * 1024
const NOT_FOUND = 127
const NOT_EXECUTABLE = 126
const MISSING = /executable file .*not found|no such file or directory/i
/** How what crun and runc themselves have to say begins. */
const OWN_WORDS = /^(?:crun|runc|exec failed|time=|\d{4}-)/
const REFUSED = /permission denied|exec format error/i

/** Runs it and waits for its end, or for the end of its time. */
export async function execute(launch: Launch, spec: ExecSpec, hasEnded: () => boolean): Promise<ExecResult> {
  const child = startProgram(launch)
  const chunks: Buffer[] = []
  let bytes = 0
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('error', () => {})
    stream?.on('data', (chunk: Buffer) => {
      if (bytes < MAX_OUTPUT_BYTES) chunks.push(chunk)
      bytes += chunk.length
    })
  }
  const status = readStatus(child)
  const signal = AbortSignal.timeout(spec.timeoutMs)
  const code = await once(child, 'close', { signal }).then(
    ([exitCode]) => exitCode as number | null,
    () => undefined,
  )
  if (code === undefined) {
    child.kill('SIGKILL')
    return { exitCode: null, output: `it did not end within ${spec.timeoutMs / 1000} s` }
  }
  const output = Buffer.concat(chunks).subarray(0, MAX_OUTPUT_BYTES).toString()
  if (code !== 0 && hasEnded()) return { exitCode: null, output: 'the container has ended' }
  const failure = runnerFailure(await status)
  if (failure !== undefined) {
    return { exitCode: failure.missing ? NOT_FOUND : NOT_EXECUTABLE, output: failure.reason }
  }
  return { exitCode: translate(code, output), output }
}

/** Runtimes differ in the code for a program that cannot be executed, and agree in what they write. */
function translate(code: number | null, output: string): number | null {
  if (code !== 1 && code !== 255) return code
  if (!OWN_WORDS.test(output)) return code
  if (MISSING.test(output)) return NOT_FOUND
  return REFUSED.test(output) ? NOT_EXECUTABLE : code
}
