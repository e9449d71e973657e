// SPDX-License-Identifier: Apache-2.0
// Whether this machine, and an image, can be baked, and what to do if not.

import { cannotComplete } from '../artifact/complete.js'
import { thawOnHost } from '../artifact/host.js'
import { readBaked } from '../artifact/kind/baked.js'
import { type ErrorCode, PycdsError } from '../errors/index.js'
import { commandOf, findArchitecture, type ImageConfig, nodeArchitecture } from '../image/index.js'
import { isBaked, isReplaceable, learnsIn } from '../layer/labels.js'
import { findPython, surroundingsOf } from '../learn/find-python.js'
import { describeUnseen, hintFor } from '../learn/run/index.js'
import { whyUnseen } from '../learn/why-unseen.js'
import { withoutLauncher } from '../marks/launcher.js'
import type { Container, Ports } from '../ports/index.js'
import { withContainer } from '../ports/with-container.js'
import { formatCount, formatMs } from '../util/units.js'

export interface DoctorRequest {
  reference?: string
}

export interface DoctorCheck {
  id: string
  title: string
  status: 'ok' | 'warn' | 'fail'
  detail: string
  fix: string | null
  code: ErrorCode | null
}

export interface DoctorResult {
  schema: 'io.pycds.doctor/1'
  image: string | null
  ok: boolean
  checks: DoctorCheck[]
}

type DoctorPorts = Omit<Ports, 'progress'>

/**
 * Checks everything that a bake needs, without running the image; where that has a process snapshot its interpreter is
 * started once, with a program of ours.
 */
export async function doctor(request: DoctorRequest, ports: DoctorPorts): Promise<DoctorResult> {
  const checks = [await checkNative(ports), await checkEngine(ports)]
  const engineWorks = checks.every((check) => check.status !== 'fail')
  if (request.reference !== undefined && engineWorks)
    checks.push(...(await checkImage(request.reference, ports)))
  if (engineWorks) checks.push(await checkSnapshots(ports))
  if (request.reference !== undefined && checks.every((check) => check.status !== 'fail'))
    checks.push(...(await checkThaw(request.reference, ports)))
  return {
    schema: 'io.pycds.doctor/1',
    image: request.reference ?? null,
    ok: checks.every((check) => check.status !== 'fail'),
    checks,
  }
}

function checkNative({ archiver }: DoctorPorts): Promise<DoctorCheck> {
  return check('native', 'native archiver', async () => {
    archiver.injected(process.arch)
    return { status: 'ok', detail: `CPython ${archiver.supportedVersions().join(', ')}` }
  })
}

function checkEngine({ engine }: DoctorPorts): Promise<DoctorCheck> {
  return check('engine', 'container engine', async () => {
    const { name, version, apiVersion, storageDriver, os, architecture, endpoint } = await engine.describe()
    const detail = `${name} ${version} (API ${apiVersion}, ${storageDriver}, ${os}/${architecture}) at ${endpoint}`
    return { status: 'ok', detail }
  })
}

/** Only the bake itself, and each start, can tell of a single image; what no image of this engine can have is told here. */
function checkSnapshots({ archiver, engine }: DoctorPorts): Promise<DoctorCheck> {
  return check('snapshot', 'process snapshots', async () => {
    const { architecture } = await engine.describe()
    const node = findArchitecture(architecture)?.node ?? architecture
    const cannot = cannotComplete(node, { archiver })
    if (cannot === undefined) {
      const detail = 'bake --snapshot can make them for CPython 3.11 to 3.13 with glibc'
      return { status: 'ok', detail }
    }
    const fix = 'Bake without --snapshot: the archive needs none.'
    return { status: 'warn', detail: cannot, fix }
  })
}

/** What this host, and this engine's limits and profiles, make of the snapshot of an image; no check where there is none. */
async function checkThaw(reference: string, { store, engine, signal }: DoctorPorts): Promise<DoctorCheck[]> {
  const { id: image } = await store.resolve(reference)
  const { manifest } = await withContainer(engine, image, readBaked)
  const noted = manifest?.snapshot
  if (noted === undefined) return []
  const one = await check('thaw', 'its process snapshot', async () => {
    const answer = await thawOnHost(engine, { image, noted, signal })
    if ('reason' in answer) return { status: 'warn', detail: answer.reason, fix: answer.advice }
    const ready = `${formatCount(noted.modules.length, 'module')} ready in ${formatMs(answer.milliseconds)}`
    return { status: 'ok', detail: `containers here go on in it: ${ready}` }
  })
  return [one]
}

async function checkImage(reference: string, { store, engine }: DoctorPorts): Promise<DoctorCheck[]> {
  const found: DoctorCheck[] = []
  found.push(
    await check('image', 'image', async () => {
      const image = await store.resolve(reference)
      nodeArchitecture(image)
      const platform = `${image.os}/${image.architecture}`
      const command = withoutLauncher(commandOf(image.config))
      const baked = describeBake(image.config)
      if (command.length === 0) {
        const fix = 'Give the command of the training run after `--`.'
        return { status: 'warn', detail: 'it has neither ENTRYPOINT nor CMD', fix }
      }
      if (command.some((word) => /^-[A-Za-z]*S/.test(word) && /python/.test(command[0] ?? ''))) {
        const fix = 'Start Python without -S; -I and -E are fine.'
        return { status: 'warn', detail: 'its command starts Python with -S, which disables the hook', fix }
      }
      const seen = { status: 'ok' as const, detail: `${platform}, starts ${command.join(' ')}${baked}` }
      const surroundings = surroundingsOf(image.config)
      return await withContainer(engine, image.id, async (files) => {
        const unseen = await whyUnseen(files, surroundings)
        if (unseen === undefined) {
          const python = await findPython(`image ${reference}`, files, surroundings).catch(namesNoPython)
          if (python !== undefined) return seen
          const fix = 'Bake it only if its command starts a Python that lies elsewhere.'
          return {
            status: 'warn',
            detail: `${seen.detail}; neither that nor its PATH leads to a Python`,
            fix,
          }
        }
        const why = `${seen.detail}; ${describeUnseen(unseen)}`
        return unseen.hiding !== 'frozen' && (await readsLoaderFile(files))
          ? { status: 'ok', detail: `${why}; a bake learns it all the same` }
          : { status: 'warn', detail: why, fix: hintFor(unseen) }
      })
    }),
  )
  return found
}

function describeBake(config: ImageConfig): string {
  if (!isBaked(config)) return ''
  const learns = learnsIn(config)
  if (learns !== undefined && isReplaceable(config)) return `; prepared, its containers learn in ${learns}`
  return isReplaceable(config)
    ? '; baked already, a new bake replaces its layer'
    : '; built on a baked image, whose layer a new bake leaves where it is'
}

function namesNoPython(error: unknown): undefined {
  if (!(error instanceof PycdsError) || error.code !== 'NO_PYTHON') throw error
}

/** Only the C library of GNU loads what the loader's list names. */
async function readsLoaderFile(files: Pick<Container, 'stat'>): Promise<boolean> {
  const loaders = ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1']
  for (const path of loaders) if (await files.stat(path)) return true
  return false
}

type Outcome = Pick<DoctorCheck, 'status' | 'detail'> & { fix?: string }

async function check(id: string, title: string, run: () => Promise<Outcome>): Promise<DoctorCheck> {
  try {
    const { status, detail, fix } = await run()
    return { id, title, status, detail, fix: fix ?? null, code: null }
  } catch (error) {
    if (!(error instanceof PycdsError) || error.code === 'INTERRUPTED') throw error
    return { id, title, status: 'fail', detail: error.message, fix: error.hint, code: error.code }
  }
}
