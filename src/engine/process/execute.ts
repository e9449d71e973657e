// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process'
import type { ExecResult, ExecSpec } from '../../bake/ports.js'

const OUTPUT_BYTES = 64 * 1024
const EXIT_CODES: Readonly<Record<string, number>> = { EACCES: 126, ENOEXEC: 126, ENOENT: 127 }

/** Runs a program beside the one that is being trained, and waits for its end. */
export function execute(
  spec: ExecSpec,
  as: { env: NodeJS.ProcessEnv; uid?: number; gid?: number },
): Promise<ExecResult> {
  const [program = '', ...args] = spec.command
  return new Promise((resolve) => {
    const options = {
      ...as,
      timeout: spec.timeoutMs,
      killSignal: 'SIGKILL',
      maxBuffer: OUTPUT_BYTES,
    } as const
    execFile(program, args, options, (error, stdout, stderr) => {
      const output = stdout + stderr
      if (error === null) resolve({ exitCode: 0, output })
      else if (typeof error.code === 'number') resolve({ exitCode: error.code, output })
      else resolve({ exitCode: EXIT_CODES[error.code ?? ''] ?? null, output: output || error.message })
    })
  })
}
