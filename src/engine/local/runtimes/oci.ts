// SPDX-License-Identifier: Apache-2.0
// crun and runc: the programs that engines themselves use.
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecSpec } from '../../../ports/index.js'
import { runProgram, startProgram } from '../processes.js'
import type { RunPlan } from '../run-plan.js'
import { toBundleConfig, toProcess } from './oci-config.js'
import type { Launch, Run, Runtime, Started, StartFailure } from './runtime.js'

const POLL_MS = 10
const STATE = 'state'
const LOG = 'runtime.log'
const PID = 'pid'

/** A program with the command line that crun and runc share. */
export class OciRuntime implements Runtime {
  readonly name: 'crun' | 'runc'
  readonly version: string
  readonly limits: readonly string[] = []
  readonly mounts = true
  readonly #file: string

  constructor(name: 'crun' | 'runc', file: string, version: string) {
    this.name = name
    this.#file = file
    this.version = version
  }

  get keepsOwners(): boolean {
    return process.geteuid?.() === 0
  }

  async run(plan: RunPlan): Promise<Run> {
    await mkdir(join(plan.bundle, STATE), { recursive: true })
    await writeFile(join(plan.bundle, 'config.json'), JSON.stringify(toBundleConfig(plan)))
    const child = startProgram({
      file: this.#file,
      args: [
        ...this.#options(plan),
        ...['--log', join(plan.bundle, LOG), '--log-format', 'json'],
        ...['run', '--bundle', plan.bundle, '--pid-file', join(plan.bundle, PID), plan.id],
      ],
    })
    let ended = false
    child.on('exit', () => {
      ended = true
    })
    child.on('error', () => {
      ended = true
    })
    return { child, started: this.#awaitStart(plan, () => ended) }
  }

  async kill(plan: RunPlan, _pid: number | undefined, signal: NodeJS.Signals): Promise<void> {
    // It fails when the container has ended, which is what is wanted.
    await runProgram(this.#file, [...this.#options(plan), 'kill', plan.id, signal])
  }

  async exec(plan: RunPlan, _pid: number | undefined, spec: ExecSpec): Promise<Launch> {
    const path = join(plan.bundle, `exec-${process.hrtime.bigint()}.json`)
    await writeFile(path, JSON.stringify(toProcess(plan, spec)))
    return { file: this.#file, args: [...this.#options(plan), 'exec', '--process', path, plan.id] }
  }

  async cleanUp(plan: Pick<RunPlan, 'id' | 'bundle'>): Promise<void> {
    const exists = await stat(join(plan.bundle, STATE, plan.id)).catch(() => undefined)
    if (exists) await runProgram(this.#file, [...this.#options(plan), 'delete', '--force', plan.id])
    await rm(join(plan.bundle, STATE), { recursive: true, force: true })
  }

  #options({ bundle }: Pick<RunPlan, 'bundle'>): string[] {
    // A short run needs no limits, and rootless there is often no right to set any.
    const groups = this.name === 'crun' ? ['--cgroup-manager=disabled'] : []
    return ['--root', join(bundle, STATE), ...groups]
  }

  /** The runtime writes the process id before the command runs, and its log only when something fails. */
  async #awaitStart(plan: RunPlan, ended: () => boolean): Promise<Started> {
    for (;;) {
      const over = ended()
      const failure = await readFailure(plan)
      if (failure !== undefined) return { failure }
      const pid = Number(await readFile(join(plan.bundle, PID), 'utf8').catch(() => ''))
      if (over) return { pid: undefined }
      if (pid > 0 && (await this.#isRunning(plan))) return { pid }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  async #isRunning(plan: RunPlan): Promise<boolean> {
    const { stdout } = await runProgram(this.#file, [...this.#options(plan), 'state', plan.id])
    return /"status":\s*"running"/.test(stdout)
  }
}

async function readFailure({ bundle }: RunPlan): Promise<StartFailure | undefined> {
  const text = await readFile(join(bundle, LOG), 'utf8').catch(() => '')
  for (const line of text.split('\n')) {
    const entry = parse(line)
    if (entry?.level !== 'error' && entry?.level !== 'fatal') continue
    const reason = String(entry.msg ?? 'the runtime failed').trim()
    return { reason, missing: /executable file .*not found|no such file or directory/i.test(reason) }
  }
  return undefined
}

function parse(line: string): { level?: unknown; msg?: unknown } | undefined {
  try {
    return JSON.parse(line) as { level?: unknown; msg?: unknown }
  } catch {
    return undefined // the line is not complete yet
  }
}
