// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events'
import type { ExecResult, ExecSpec } from '../../ports/index.js'
import { type LaunchOptions, launch } from './launch.js'

const OUTPUT_BYTES = 64 * 1024
const EXIT_CODES: Readonly<Record<string, number>> = { EACCES: 126, ENOEXEC: 126, ENOENT: 127 }

/** Runs a program beside the one that is being trained, and waits for its end. */
export async function execute(spec: ExecSpec, options: LaunchOptions): Promise<ExecResult> {
  const { child, started } = launch(spec.command, options)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      if (output.length < OUTPUT_BYTES) output += text
    })
  }
  const closed = once(child, 'close', { signal: AbortSignal.timeout(spec.timeoutMs) }).then(
    ([code]) => ({ exitCode: code as number | null }),
    () => undefined,
  )
  try {
    await started
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { exitCode: EXIT_CODES[code ?? ''] ?? null, output: message }
  }
  const end = await closed
  if (end === undefined) child.kill('SIGKILL')
  return { exitCode: end?.exitCode ?? null, output: output.slice(0, OUTPUT_BYTES) }
}
