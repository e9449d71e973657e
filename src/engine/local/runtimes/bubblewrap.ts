// SPDX-License-Identifier: Apache-2.0
// bwrap: namespaces for users without privileges, on systems where only a few programs may make them.
import { readlink } from 'node:fs/promises'
import { basename } from 'node:path'
import type { ExecSpec } from '../../../ports/index.js'
import { readStatus } from '../../runner/index.js'
import { startProgram } from '../processes.js'
import type { RunPlan } from '../run-plan.js'
import { NamespacesRuntime, sendSignal } from './runner.js'
import type { Launch, Run, Runtime, Started } from './runtime.js'

const POLL_MS = 5
const STATUS_FD = 4
const ARGUMENTS_FD = 3

export class BubblewrapRuntime implements Runtime {
  readonly name = 'bubblewrap'
  readonly version: string
  readonly limits: readonly string[] = []
  readonly mounts = true
  /** It maps one user. */
  readonly keepsOwners = false
  readonly #file: string

  constructor(file: string, version: string) {
    this.#file = file
    this.version = version
  }

  async run(plan: RunPlan): Promise<Run> {
    const options = optionsOf(plan).map((option) => `${option}\0`)
    const child = startProgram({
      file: this.#file,
      // Values of the environment would be seen by everybody in the list of processes.
      args: [
        '--args',
        String(ARGUMENTS_FD),
        ...plan.command.flatMap((word, i) => (i === 0 ? ['--', word] : [word])),
      ],
      input: Buffer.from(options.join('')),
    })
    let stderr = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      if (stderr.length < 4096) stderr += chunk.toString()
    })
    let status = ''
    const ended = readStatus(child, (text) => {
      status = text
      return false
    })
    return {
      child,
      started: this.#awaitStart(
        () => status,
        ended,
        () => stderr,
      ),
    }
  }

  /** It tells the process before that executes the command, and an exit code only if it could. */
  async #awaitStart(status: () => string, ended: Promise<string>, stderr: () => string): Promise<Started> {
    let isOver = false
    const over = ended.then(() => {
      isOver = true
    })
    while (!isOver) {
      const pid = Number(/"child-pid":\s*(\d+)/.exec(status())?.[1])
      const program = pid > 0 ? await readlink(`/proc/${pid}/exe`).catch(() => this.#file) : this.#file
      if (basename(program) !== basename(this.#file)) return { pid }
      await Promise.race([over, new Promise((resolve) => setTimeout(resolve, POLL_MS))])
    }
    if (/"exit-code"/.test(status())) return { pid: undefined }
    const reason = stderr().trim() || 'bwrap did not start'
    return { failure: { reason, missing: /execvp .*No such file/.test(reason) } }
  }

  async kill(_plan: RunPlan, pid: number | undefined, signal: NodeJS.Signals): Promise<void> {
    sendSignal(pid, signal)
  }

  exec(plan: RunPlan, pid: number | undefined, spec: ExecSpec): Promise<Launch> {
    return new NamespacesRuntime().exec(plan, pid, spec)
  }

  async cleanUp(): Promise<void> {
    // With its first process everything in a pid namespace ends, and with it the mounts.
  }
}

function optionsOf(plan: RunPlan): string[] {
  const own = plan.user.uid === 0 ? plan.capabilities : []
  return [
    ...[
      '--unshare-user',
      '--unshare-ipc',
      '--unshare-pid',
      '--unshare-uts',
      '--as-pid-1',
      '--die-with-parent',
    ],
    ...(plan.isolateNetwork ? ['--unshare-net'] : []),
    ...['--json-status-fd', String(STATUS_FD), '--hostname', plan.hostname],
    ...['--uid', String(plan.user.uid), '--gid', String(plan.user.gid)],
    ...[plan.readOnly ? '--ro-bind' : '--bind', plan.root, '/', '--proc', '/proc', '--dev', '/dev'],
    ...[...plan.networkFiles, ...plan.mounts].flatMap(({ source, target, readOnly }) => [
      readOnly ? '--ro-bind' : '--bind',
      source,
      target,
    ]),
    // What is added would be ambient: another user than root would have it too.
    ...['--cap-drop', 'ALL', ...own.flatMap((name) => ['--cap-add', name])],
    ...['--chdir', plan.cwd, '--clearenv'],
    ...Object.entries(plan.env).flatMap(([name, value]) => ['--setenv', name, value]),
  ]
}
