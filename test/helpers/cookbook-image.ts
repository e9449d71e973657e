// SPDX-License-Identifier: Apache-2.0
// The image of a cookbook's page: its own Dockerfile, on a base laid out as the official slim ones are.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cookbookPage } from './cookbook.js'
import type { CookbookRow } from './cookbook-rows.js'
import { docker, hasImage } from './engine.js'
import { ensureImage } from './images.js'
import { DEADLINE_MS, run } from './run.js'

/** In which pip takes wheels of a directory. */
const STAND_IN = `FROM pycds-test/shared-nopyc
COPY wheels /wheels
RUN rm /usr/local/lib/python3.13/site-packages/debian.pth && \\
    PYTHONPATH=$(echo /wheels/pip-*.whl) python3 -B -m pip install -q --no-index --no-compile /wheels/pip-*.whl
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels PIP_ROOT_USER_ACTION=ignore
`
const REPOSITORY = 'pycds-example'

/** Downloads what a page installs, for the Python of the base image; undefined where PyPI does not give it. */
export function wheelsFor(packages: readonly string[]): string | undefined {
  const context = mkdtempSync(join(tmpdir(), 'pycds-cookbook-'))
  mkdirSync(join(context, 'wheels'))
  writeFileSync(join(context, 'Dockerfile'), STAND_IN)
  const target = ['--only-binary=:all:', '--implementation', 'cp', '--python-version', '3.13']
  const platforms = ['manylinux_2_28', 'manylinux_2_17', 'manylinux2014'].flatMap((tag) => [
    '--platform',
    `${tag}_${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}`,
  ])
  const words = ['-m', 'pip', 'download', '-q', '-d', join(context, 'wheels'), ...target, ...platforms]
  const { status } = spawnSync('python3', [...words, 'pip', ...packages], { timeout: DEADLINE_MS })
  if (status === 0) return context
  rmSync(context, { recursive: true, force: true })
  return undefined
}

/** Builds a page whose files are in a folder, with wheels of `wheelsFor`. */
export async function buildPage(
  folder: string,
  wheels: string,
  { standIn, image }: { standIn: string; image: string },
): Promise<void> {
  const words = ['build', '--quiet', '--network', 'none']
  await docker(...words, '-t', standIn, wheels)
  await docker(...words, '--build-arg', `BASE=${standIn}`, '-t', image, folder)
}

/**
 * The image of a page, which stays in the engine until the page is another one; undefined where it cannot be made here.
 * Nobody may change or remove it.
 */
export async function cookbookImage({ page, packages }: CookbookRow): Promise<string | undefined> {
  const base = await ensureImage('shared-nopyc')
  if (base === undefined) return undefined
  const { files } = cookbookPage(page)
  const id = await docker('image', 'inspect', '--format', '{{.Id}}', base)
  const key = createHash('sha256').update(JSON.stringify([id, STAND_IN, packages, files]))
  const image = `${REPOSITORY}/${page}:${key.digest('hex').slice(0, 12)}`
  if (await hasImage(image)) return image
  const wheels = wheelsFor(packages)
  if (wheels === undefined) return undefined
  const standIn = `${image}-base`
  try {
    const folder = join(wheels, 'page')
    mkdirSync(folder)
    for (const [name, body] of Object.entries(files)) writeFileSync(join(folder, name), body)
    await buildPage(folder, wheels, { standIn, image })
    return image
  } finally {
    rmSync(wheels, { recursive: true, force: true })
    await run('docker', ['image', 'rm', standIn])
  }
}
