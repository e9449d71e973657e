// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { NOT_POSSIBLE, run, runScript } from './run.js'

/** Base images that `scripts/base-image.sh` makes. */
export type BaseImage =
  | 'bookworm'
  | 'small'
  | 'minimal'
  | 'bookworm-nopyc'
  | 'trixie'
  | 'trixie-nopyc'
  | 'shared'
  | 'shared-nopyc'
  | 'servers'
  | 'py38'
  | 'bullseye'
  | 'sid'
  | 'nopython'
  | 'torch'

/** Those of the benchmark. */
export type BenchImage = `bench-${string}`

/** Folders of `examples/`. */
export type Example =
  | '01-flask-service'
  | '02-command-line-tool'
  | '03-numpy-job'
  | '04-torch-workers'
  | '05-learning-function'

/**
 * Makes a base image unless the engine has it, and gives its reference; `undefined` where this machine cannot
 * make it, with the reason on stderr. Await it at the top of a test file, before its first test is
 * declared, and choose `test` or `test.skip`: skipped tests are counted. An engine is never installed or started from here. Rejects when the script fails, and
 * when there is no engine although `PYCDS_TEST_REQUIRE` names `docker`.
 */
export function ensureImage(name: BaseImage | BenchImage): Promise<string | undefined> {
  return ask('base-image.sh', [name])
}

/** The same for the image of an example on a base image. */
export function exampleImage(example: Example, base: BaseImage): Promise<string | undefined> {
  return ask('example-image.sh', [example, base])
}

/** The same for the tool image that a RUN instruction mounts. */
export function toolImage(): Promise<string | undefined> {
  return ask('tool-image.sh', ['pycds-test/tool'])
}

/** The same for the program cosign; its path. */
export async function cosign(): Promise<string | undefined> {
  const root = await ask('base-image.sh', ['--root', 'readers'])
  return root && join(root, 'usr/bin/cosign')
}

/** The same for what the frontend's image for these platforms is built from, which is put into a directory. */
export function frontendContext(
  directory: string,
  platforms: readonly string[],
): Promise<string | undefined> {
  return ask('frontend-image.sh', ['--context', directory, ...platforms])
}

async function ask(script: string, args: readonly string[]): Promise<string | undefined> {
  const { code, stdout, stderr } = await runScript(script, ...args)
  if (code === 0) return stdout.trim()
  const reason = stderr.trim()
  if (code !== NOT_POSSIBLE) throw new Error(`${script} ${args.join(' ')} ended with ${code}: ${reason}`)
  if (isRequired('docker') && !(await engineAnswers())) throw new Error(`an engine is required: ${reason}`)
  process.stderr.write(`skipped for want of ${args.join(' on ')}: ${reason}\n`)
  return undefined
}

/** Whether tests may not be skipped for want of something: `PYCDS_TEST_REQUIRE` names it. */
export function isRequired(what: 'docker'): boolean {
  return (process.env.PYCDS_TEST_REQUIRE ?? '').split(',').includes(what)
}

async function engineAnswers(): Promise<boolean> {
  return (await run('docker', ['version', '--format', '{{.Server.Version}}'])).code === 0
}
