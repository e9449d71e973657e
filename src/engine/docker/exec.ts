// SPDX-License-Identifier: Apache-2.0
// A program inside a running container, through the engine's exec calls.
import { finished } from 'node:stream/promises'
import { type Connection, replyTextOf, shortenReason, statusOf } from '../../docker/index.js'
import type { ExecResult, ExecSpec } from '../../ports/index.js'
import { createDemultiplexer } from './demux.js'

/** What is kept of a program's output: it explains a failure, it is no log. */
const MAX_OUTPUT_BYTES = 64 * 1024
const NOT_EXECUTABLE = 126
const NOT_FOUND = 127
const MISSING = /executable file not found|no such file or directory/i
/** The engine's answers when it is the program that cannot be run, and not the engine that fails. */
const PROGRAM_FAILED = /OCI runtime|exec failed|executable file|permission denied|exec format error/i
const CONTAINER_ENDED: readonly (number | undefined)[] = [404, 409]
/** The same as a text, which comes with 500 when the container ends between two calls. */
const NOT_RUNNING = /is not running|in a stopped state/i

/** Runs a program in a container and waits for its end, or for the end of its time. */
export async function execute(
  connection: Connection,
  container: { id: string; subject: string },
  spec: ExecSpec,
): Promise<ExecResult> {
  const { subject } = container
  try {
    const { Id } = await connection.json<{ Id: string }>({
      method: 'POST',
      path: `/containers/${container.id}/exec`,
      body: toExecBody(spec),
      subject,
    })
    const output = await attach(connection, Id, subject, spec.timeoutMs)
    if (output.timedOut) return { exitCode: null, output: `it did not end within ${spec.timeoutMs / 1000} s` }
    const path = `/exec/${Id}/json`
    const { ExitCode } = await connection.json<{ ExitCode: number | null }>({ method: 'GET', path, subject })
    // Engines differ in the code for a program that is missing, and in whether it is an answer or output.
    const missing =
      ExitCode === NOT_EXECUTABLE && PROGRAM_FAILED.test(output.text) && MISSING.test(output.text)
    return { exitCode: missing ? NOT_FOUND : ExitCode, output: output.text }
  } catch (error) {
    return asResult(error)
  }
}

function toExecBody(spec: ExecSpec): object {
  return {
    AttachStdout: true,
    AttachStderr: true,
    Cmd: spec.command,
    Env: Object.entries(spec.env ?? {}).map(([name, value]) => `${name}=${value}`),
  }
}

async function attach(connection: Connection, id: string, subject: string, timeoutMs: number) {
  const body = { Detach: false, Tty: false }
  const stream = await connection.stream({ method: 'POST', path: `/exec/${id}/start`, body, subject })
  const chunks: Buffer[] = []
  let bytes = 0
  stream.on(
    'data',
    createDemultiplexer((_, chunk) => {
      if (bytes < MAX_OUTPUT_BYTES) chunks.push(chunk)
      bytes += chunk.length
    }),
  )
  const signal = AbortSignal.timeout(timeoutMs)
  const timedOut = await finished(stream, { signal }).then(
    () => false,
    // Also when the container was killed and took the connection with it: the exit code tells.
    () => signal.aborted,
  )
  stream.destroy()
  return { timedOut, text: Buffer.concat(chunks).subarray(0, MAX_OUTPUT_BYTES).toString() }
}

function asResult(error: unknown): ExecResult {
  const text = replyTextOf(error)
  if (text === undefined) throw error
  if (PROGRAM_FAILED.test(text)) {
    return { exitCode: MISSING.test(text) ? NOT_FOUND : NOT_EXECUTABLE, output: shortenReason(text) }
  }
  const isGone = CONTAINER_ENDED.includes(statusOf(error)) || NOT_RUNNING.test(text)
  if (isGone) return { exitCode: null, output: 'the container has ended' }
  throw error
}
