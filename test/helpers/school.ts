// SPDX-License-Identifier: Apache-2.0
// Programs that learn (docs/learning.md).

import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { Bench } from './python.js'

/** A value of PYCDS_LEARN_WAIT: long enough for a helper that gets a processor only when nobody else wants it. */
export const LEARN_WAIT = '60s'

/** A bench whose programs learn in a directory of their own. */
export class School {
  readonly bench: Bench
  readonly directory: string
  readonly hook: string

  constructor(t: ExecutionContext, python: string) {
    this.bench = new Bench(t, python)
    this.hook = join(this.bench.directory, 'hook')
    this.directory = this.room('learned')
  }

  /** A directory that only this user may write to. */
  room(name: string): string {
    const directory = join(this.bench.directory, name)
    mkdirSync(directory, { mode: 0o700 })
    return directory
  }

  program(name: string, text: string): string {
    return this.bench.file(name, `import _pycds\n${text}`)
  }

  environment(env: Record<string, string> = {}): Record<string, string> {
    return { PYTHONPATH: this.hook, PYCDS_LEARN: this.directory, ...env }
  }

  run(script: string, env: Record<string, string> = {}) {
    return this.bench.run([script], this.environment(env))
  }

  files(suffix: string, directory = this.directory): string[] {
    return readdirSync(directory).filter((name) => name.endsWith(suffix))
  }
}
