// SPDX-License-Identifier: Apache-2.0
// Builds with any options on an engine beside the one at hand that has the frontend and a base image.
import test, { type ExecutionContext } from 'ava'
import { FRONTEND, prepareBuilder } from './builder.js'
import { ensureImage } from './images.js'
import { type Outcome, run } from './run.js'
import { type SideEngine, type SideEngineName, sideEngine, sideProgram } from './side-engine.js'
import { type Files, temporary } from './temporary.js'

/** Imports enough that an archive is worth it. */
export const APP: Files = { 'app.py': 'import json, logging, email.message\nprint(json.dumps(1))\n' }

/** By the names that they have on one engine. */
export interface Images {
  readonly base: string
  readonly frontend: string
}

/** buildx on an engine. */
export class SideBuilder implements Images {
  readonly base: string
  readonly frontend: string
  readonly env: Record<string, string>
  readonly #buildx: string

  constructor(engine: SideEngine, buildx: string, images: Images) {
    this.base = images.base
    this.frontend = images.frontend
    this.env = { DOCKER_HOST: engine.address, BUILDX_BUILDER: 'default' }
    this.#buildx = buildx
  }

  /** `context` are its files, or the directory that has them; what the build says is in `stderr`. */
  build(
    t: ExecutionContext,
    dockerfile: string,
    args: readonly string[],
    context: Files | string = APP,
  ): Promise<Outcome> {
    const folder = typeof context === 'string' ? context : temporary(t, context)
    const fixed = ['build', '--progress=plain', '--network=none', ...args, '--file', '-', folder]
    return run(this.#buildx, fixed, { env: this.env, input: dockerfile })
  }

  /** The same, where it is to succeed: what it said. */
  async builds(...args: Parameters<SideBuilder['build']>): Promise<string> {
    const { code, stderr } = await this.build(...args)
    if (code !== 0) throw new Error(`the build failed: ${stderr}`)
    return stderr
  }

  /** The line, and with it whoever is to read the Dockerfile instead of the frontend in the builder. */
  line(second = ''): string {
    return `# syntax=${this.frontend}${second === '' ? '' : ` ${second}`}\n`
  }
}

/** An engine with these images; a reason where something is missing. */
export async function engineWithImages(
  name: SideEngineName,
): Promise<{ engine: SideEngine; images: Images } | string> {
  const base = await ensureImage('small')
  if (base === undefined) return 'the base image small cannot be made here'
  const builder = await prepareBuilder()
  if (typeof builder === 'string') return builder
  const engine = await sideEngine(name)
  if (typeof engine === 'string') return engine
  return { engine, images: { base: await engine.load(base), frontend: await engine.load(FRONTEND) } }
}

/** Declares tests one after the other, skipped by name where there is no such engine. */
export async function sideTests() {
  const found = await engineWithImages('docker-28-containerd')
  if (typeof found === 'string') process.stderr.write(`skipped for want of a side engine: ${found}\n`)
  const builder =
    typeof found === 'string'
      ? undefined
      : new SideBuilder(found.engine, await sideProgram('docker-buildx'), found.images)
  return (title: string, body: (t: ExecutionContext, builder: SideBuilder) => Promise<void>): void => {
    if (builder === undefined) test.serial.skip(title, () => {})
    else test.serial(title, (t) => body(t, builder))
  }
}

/** Whether the step that traces imports was taken from an earlier build. */
export function isTraceCached(output: string): boolean {
  return isCached(output, /\[pycds-image \S+\] trace imports/)
}

export function isCached(output: string, step: RegExp): boolean {
  const [, number] = new RegExp(`^#(\\d+) ${step.source}`, 'm').exec(output) ?? []
  return number !== undefined && new RegExp(`^#${number} CACHED`, 'm').test(output)
}
