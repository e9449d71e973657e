// SPDX-License-Identifier: Apache-2.0
// What a release publishes, made as for one and tried where there is nothing but Node: no compiler, no Python, no network.
// It takes the better part of an hour where nothing of it is in the cache.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { inRepository } from '../../helpers/repository.js'
import { NOT_POSSIBLE, type Outcome, run } from '../../helpers/run.js'
import { unless } from '../../helpers/skipped.js'
import { TIER } from '../../helpers/tier.js'

/** Compiling a C++ library for four machines, and Node in an emulator. */
const DEADLINE_MS = 60 * 60_000
const WANTED = ['x64-glibc', 'x64-musl', 'arm64-glibc', 'arm64-musl']
const SUBJECT = 'the package works without compilers'

const runScript = (name: string, ...args: string[]) =>
  run('bash', [inRepository(`scripts/${name}`), ...args], {
    env: { PYCDS_NO_INSTALL: '1' },
    deadlineMs: DEADLINE_MS,
  })

/** Makes the files of a release below a directory, whatever CHANGELOG.md says of this version by now. */
async function makeFiles(directory: string): Promise<Outcome> {
  const { version } = JSON.parse(readFileSync(inRepository('package.json'), 'utf8')) as { version: string }
  const changelog = join(directory, 'CHANGELOG.md')
  writeFileSync(changelog, `## ${version}\n\n- A trial.\n`)
  return await runScript('release-files.sh', version, join(directory, 'release'), changelog)
}

/** Why it cannot be, in the script's words; undefined where it can, or has failed. */
function whyNot({ code, stderr }: Outcome): string | undefined {
  const [, reason] = /^not possible here: (.*)$/m.exec(stderr) ?? []
  return code === NOT_POSSIBLE ? (reason ?? 'not possible here') : undefined
}

interface Ready {
  /** Where the files of the release are, and what making them ended with. */
  directory: string
  made: Outcome
  /** Each trial, with what it lacks. */
  trials: readonly (readonly [name: string, lack: string | undefined])[]
}

/** Makes the package and gets what it is tried in: all of this comes before the first test is declared. */
async function getReady(): Promise<Ready> {
  const directory = mkdtempSync(join(tmpdir(), 'pycds-release-'))
  const made = await makeFiles(directory)
  const trials: [string, string | undefined][] = []
  for (const trial of (await runScript('try-package.sh', '--list')).stdout.trim().split('\n'))
    trials.push([trial, whyNot(made) ?? whyNot(await runScript('try-package.sh', '--parts', trial))])
  return { directory, made, trials }
}

/** Declares a test that is skipped by its name where something cannot be had. */
function declare(lack: string | undefined, title: string, body: (t: ExecutionContext) => Promise<void>) {
  unless(lack, (whole: string, run: typeof body) => test.serial(whole, run))(title, body)
}

function declareAll({ directory, made, trials }: Ready): void {
  test.after.always(() => rmSync(directory, { recursive: true }))
  const release = join(directory, 'release')
  const tarball = made.stdout.split('\n').find((line) => line.endsWith('.tgz')) ?? ''

  declare(whyNot(made), 'the files of a release are whole', async (t) => {
    t.is(made.code, 0, made.stderr)
    const { code, stdout } = await run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: release })
    t.is(code, 0, stdout)
    t.is(stdout.trim().split('\n').length, 2)
    const { components } = JSON.parse(readFileSync(join(release, 'sbom.cdx.json'), 'utf8')) as {
      components: { name: string }[]
    }
    t.true(components.some(({ name }) => name === 'dockerode'))
    t.is(readFileSync(join(release, 'NOTES.md'), 'utf8'), '- A trial.\n')
  })

  const layers = new Map<string, string>()
  for (const [trial, lack] of trials) {
    declare(lack, `${SUBJECT}: ${trial}`, async (t) => {
      t.timeout(DEADLINE_MS)
      t.is(made.code, 0, made.stderr)
      const { code, stdout, stderr } = await runScript('try-package.sh', tarball, trial)
      t.is(code, 0, `${stdout}\n${stderr}`)
      t.log(stdout.trim())
      const [, layer = ''] = /: layer (\w{64}), archive in \d+ ms, .*: \d+\.\dx {2}/.exec(stdout) ?? []
      t.not(layer, '', stdout)
      // One for each processor, whatever writes it.
      const [processor = ''] = trial.split('-')
      t.is(layer, layers.get(processor) ?? layer)
      layers.set(processor, layer)
    })
  }

  test.serial('every C library and processor has a trial', (t) => {
    t.deepEqual(new Set(trials.map(([trial]) => trial.replace(/-\d+$/, ''))), new Set(WANTED))
  })
}

if (TIER === 'all') declareAll(await getReady())
else test.skip(`${SUBJECT} (only with PYCDS_TEST_TIER=all)`, () => {})
