// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Base images that `scripts/base-image.sh` makes. */
export type BaseImage =
  | 'bookworm'
  | 'bookworm-nopyc'
  | 'trixie'
  | 'trixie-nopyc'
  | 'shared'
  | 'shared-nopyc'
  | 'py38'
  | 'bullseye'
  | 'sid'
  | 'nopython'

/** Folders of `examples/`. */
export type Example = '01-flask-service' | '02-command-line-tool' | '03-numpy-job'

/** How the scripts say that something cannot be made on this machine, as opposed to a failure. */
const NOT_POSSIBLE = 77

/** Making an image downloads packages; the script waits while another test makes the same one. */
const DEADLINE_MS = 15 * 60_000

/**
 * Makes a base image unless the engine has it, and gives its reference; `undefined` where this machine cannot
 * make it, with the reason on stderr. Await it at the top of a test file, before its first test is
 * declared, and choose `test` or `test.skip`: skipped tests are counted. An engine is never installed or started from here. Rejects when the script fails, and
 * when there is no engine although `PYCDS_TEST_REQUIRE` names `docker`.
 */
export function ensureImage(name: BaseImage): Promise<string | undefined> {
  return runScript('base-image.sh', [name])
}

/** The same for the image of an example on a base image. */
export function exampleImage(example: Example, base: BaseImage): Promise<string | undefined> {
  return runScript('example-image.sh', [example, base])
}

/** The same for the tool image that a RUN instruction mounts. */
export function toolImage(): Promise<string | undefined> {
  return runScript('tool-image.sh', ['pycds-test/tool'])
}

/** The same for what the frontend's image for these platforms is built from, which is put into a directory. */
export function frontendContext(
  directory: string,
  platforms: readonly string[],
): Promise<string | undefined> {
  return runScript('frontend-image.sh', ['--context', directory, ...platforms])
}

async function runScript(script: string, args: readonly string[]): Promise<string | undefined> {
  const path = fileURLToPath(new URL(`../../scripts/${script}`, import.meta.url))
  const { exitCode, stdout, stderr } = await run('bash', [path, ...args])
  if (exitCode === 0) return stdout.trim()
  const reason = stderr.trim()
  if (exitCode !== NOT_POSSIBLE)
    throw new Error(`${script} ${args.join(' ')} ended with ${exitCode}: ${reason}`)
  if (engineRequired() && !(await engineAnswers())) throw new Error(`an engine is required: ${reason}`)
  process.stderr.write(`skipped for want of ${args.join(' on ')}: ${reason}\n`)
  return undefined
}

function engineRequired(): boolean {
  return (process.env.PYCDS_TEST_REQUIRE ?? '').split(',').includes('docker')
}

async function engineAnswers(): Promise<boolean> {
  return (await run('docker', ['version', '--format', '{{.Server.Version}}'])).exitCode === 0
}

function run(
  file: string,
  args: readonly string[],
): Promise<{ exitCode: number | string; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, PYCDS_NO_INSTALL: '1' }
    execFile(file, args, { env, timeout: DEADLINE_MS }, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : (error.code ?? error.signal ?? 'a failure'), stdout, stderr })
    })
  })
}
