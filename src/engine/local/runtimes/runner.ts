// SPDX-License-Identifier: Apache-2.0
// The runner of this package: namespaces where the kernel allows them, chroot where root has nothing else.
import { readdir, readlink } from 'node:fs/promises'
import type { ExecSpec } from '../../../ports/index.js'
import { encodeOrder, fieldsOf, RUNNER, readStatus, runnerFailure } from '../../runner/index.js'
import { startProgram } from '../processes.js'
import type { RunPlan } from '../run-plan.js'
import { capabilityMask } from './capabilities.js'
import type { Launch, Run, Runtime, Started } from './runtime.js'

/** Flags of clone(2). */
const NEW = {
  mount: 0x20000,
  uts: 0x4000000,
  ipc: 0x8000000,
  user: 0x10000000,
  pid: 0x20000000,
  net: 0x40000000,
}

/** Runs a command in namespaces of its own. */
export class NamespacesRuntime implements Runtime {
  readonly name = 'namespaces'
  readonly version = 'of Linux'
  readonly limits: readonly string[] = []
  readonly mounts = true

  get keepsOwners(): boolean {
    return process.geteuid?.() === 0
  }

  async run(plan: RunPlan): Promise<Run> {
    return start(namespacesOf(plan))
  }

  async kill(_plan: RunPlan, pid: number | undefined, signal: NodeJS.Signals): Promise<void> {
    sendSignal(pid, signal)
  }

  async exec(plan: RunPlan, pid: number | undefined, spec: ExecSpec): Promise<Launch> {
    return launch([...processOf(plan, spec), `p${pid ?? 0}`, ...(plan.ownersKept ? [] : ['m0:0'])])
  }

  async cleanUp(): Promise<void> {
    // With its first process everything in a pid namespace ends, and with it the mounts.
  }
}

/** Runs a command as root under another root, without anything else to keep it apart. */
export class ChrootRuntime implements Runtime {
  readonly name = 'chroot'
  readonly version = 'of Linux'
  readonly limits = ['network, processes and read-only roots are not kept apart'] as const
  readonly keepsOwners = true

  readonly mounts = false

  async run(plan: RunPlan): Promise<Run> {
    return start([...processOf(plan), 'd'])
  }

  async kill(plan: RunPlan, pid: number | undefined, signal: NodeJS.Signals): Promise<void> {
    sendSignal(pid, signal)
    // There is no namespace whose end would be that of all.
    if (signal === 'SIGKILL') await this.cleanUp(plan)
  }

  async exec(plan: RunPlan, _pid: number | undefined, spec: ExecSpec): Promise<Launch> {
    return launch(processOf(plan, spec))
  }

  async cleanUp({ root }: Pick<RunPlan, 'root'>): Promise<void> {
    for (const name of await readdir('/proc').catch(() => [])) {
      if (!/^\d+$/.test(name)) continue
      const at = await readlink(`/proc/${name}/root`).catch(() => '')
      if (at === root || at.startsWith(`${root}/`)) sendSignal(Number(name), 'SIGKILL')
    }
  }
}

function namespacesOf(plan: RunPlan): string[] {
  const mapped = !plan.ownersKept
  const flags =
    NEW.mount + NEW.uts + NEW.ipc + NEW.pid + (mapped ? NEW.user : 0) + (plan.isolateNetwork ? NEW.net : 0)
  return [
    ...processOf(plan),
    `n${flags}`,
    `h${plan.hostname}`,
    ...(mapped ? [`m${plan.user.uid}:${plan.user.gid}`] : []),
    ...(plan.readOnly ? ['R'] : []),
    ...[...plan.networkFiles, ...plan.mounts].flatMap(({ source, target, readOnly }) => [
      `b${source}`,
      `${readOnly ? 'o' : 't'}${target}`,
    ]),
  ]
}

function processOf(plan: RunPlan, exec?: ExecSpec): string[] {
  const { root, cwd, user } = plan
  const command = exec?.command ?? plan.command
  return [
    ...fieldsOf({ root, cwd, user, command, env: { ...plan.env, ...exec?.env } }),
    `c${capabilityMask(plan.capabilities)}`,
  ]
}

function launch(order: readonly string[]): Launch {
  return { file: RUNNER, args: [], input: encodeOrder(order) }
}

function start(order: readonly string[]): Run {
  const child = startProgram(launch(order))
  return { child, started: readStatus(child).then(translate) }
}

/** `P<pid>` when there is a process, and `F<errno> <what>` when it could not become the command. */
function translate(status: string): Started {
  const failure = runnerFailure(status)
  if (failure !== undefined) return { failure }
  const pid = Number(/^P(\d+)$/m.exec(status)?.[1])
  return pid > 0 ? { pid } : { failure: { reason: 'the runner did not start', missing: false } }
}

/** Sends a signal to a process; no error when it is gone. */
export function sendSignal(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined || pid <= 1) return
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
