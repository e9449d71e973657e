// SPDX-License-Identifier: Apache-2.0
import type { ChildProcess } from 'node:child_process'
import type { ExecSpec } from '../../../ports/index.js'
import type { RunPlan } from '../run-plan.js'

/** In the order in which they are preferred. */
export const RUNTIME_NAMES = ['crun', 'runc', 'bubblewrap', 'namespaces', 'chroot'] as const
export type RuntimeName = (typeof RUNTIME_NAMES)[number]

/** A process to be started. */
export interface Launch {
  readonly file: string
  readonly args: readonly string[]
  /** Written to its descriptor 3, which is then closed. */
  readonly input?: Buffer
}

/** A run that has begun. */
export interface Run {
  readonly child: ChildProcess
  /**
   * Resolves when the command itself is running, with what the runtime calls the process; with a failure when the
   * runtime could not start it. Never rejects.
   */
  readonly started: Promise<Started>
}

export type Started = { readonly pid: number | undefined } | { readonly failure: StartFailure }

export interface StartFailure {
  readonly reason: string
  /** The program of the command does not exist. */
  readonly missing: boolean
}

/** A way to run a command in a root file system. */
export interface Runtime {
  readonly name: RuntimeName
  readonly version: string
  /** Whether files can have their owners: not where all users inside are one user outside. */
  readonly keepsOwners: boolean
  /** Whether it can show other files and directories inside. */
  readonly mounts: boolean
  /** What it cannot keep apart, for people; empty when nothing. */
  readonly limits: readonly string[]
  run(plan: RunPlan): Promise<Run>
  /** Sends a signal to the command; no error when it has ended. */
  kill(plan: RunPlan, pid: number | undefined, signal: NodeJS.Signals): Promise<void>
  /** How a program is started beside the command. */
  exec(plan: RunPlan, pid: number | undefined, spec: ExecSpec): Promise<Launch>
  /** Takes away what a run has left outside of its bundle; also that of a run of a process that was killed. */
  cleanUp(plan: Pick<RunPlan, 'id' | 'bundle' | 'root'>): Promise<void>
}
