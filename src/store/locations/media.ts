// SPDX-License-Identifier: Apache-2.0
import { readdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { PycdsError } from '../../errors/index.js'
import { type Digest, formatLocation, type Location } from '../../image/index.js'
import type { Medium, NewEntry } from '../../oci/index.js'
import type { Registries } from '../../registry/index.js'
import { whyClosed, whyUnwritable } from '../../util/writable.js'
import { openDockerArchive, writeDockerArchive } from '../docker-archive/index.js'
import { openOciArchive, writeOciArchive } from '../oci-archive/index.js'
import { openLayout, writeLayout } from '../oci-layout/index.js'

/** Opens the place that a location names. */
export async function openMedium(location: Location, registries?: Registries): Promise<Medium> {
  const { kind, path } = location
  if (kind === 'oci') return openLayout(path)
  if (kind === 'oci-archive') return openOciArchive(path)
  if (kind === 'docker-archive') return openDockerArchive(path)
  // Its client is large, and most images are in no registry.
  const { openRegistry } = await import('../registry/index.js')
  return await openRegistry(location, required(registries))
}

/**
 * Writes to the place that a location names, under its name.
 * @returns the digest that the name points at, where that is another one than that of the entry
 */
export async function writeMedium(
  location: Location,
  entry: NewEntry,
  registries?: Registries,
): Promise<Digest | undefined> {
  const { kind, path } = location
  if (kind === 'registry') {
    const { writeRegistry } = await import('../registry/index.js')
    return await writeRegistry(
      { ...location, ...(entry.name && { name: entry.name }) },
      entry,
      required(registries),
    )
  }
  if (kind === 'oci') await writeLayout(path, entry)
  else await (kind === 'oci-archive' ? writeOciArchive(path, entry) : writeDockerArchive(path, entry))
  return undefined
}

function required(registries: Registries | undefined): Registries {
  if (registries !== undefined) return registries
  throw new PycdsError('INTERNAL', {
    message: 'registry: it was not prepared to be spoken to',
    hint: 'This is a bug in pycds-image; please report it.',
  })
}

/**
 * USAGE when the place that a location names cannot be written to; what is there already must be of its kind. For a
 * registry that is asked of it, with what that can end in.
 */
export async function assertPlace(location: Location, registries?: Registries): Promise<void> {
  if (location.kind === 'registry') {
    const { assertRegistryPlace } = await import('../registry/index.js')
    return await assertRegistryPlace(location, required(registries))
  }
  const target = resolve(location.path)
  // What is new is prepared beside the place, and so is the lock of an old one.
  const reason = whyClosed(dirname(target)) ?? (await whyUnfit(location.kind, target))
  if (reason === undefined) return
  throw new PycdsError('USAGE', {
    message: `output ${formatLocation(location)}: ${reason}`,
    hint: 'Name a place in a directory that exists and that this user may write to.',
  })
}

async function whyUnfit(kind: Location['kind'], target: string): Promise<string | undefined> {
  const found = await stat(target).catch(() => undefined)
  if (kind !== 'oci') {
    // Whoever waits at a pipe would wait on, and a device would be gone.
    if (found && !found.isFile() && !found.isDirectory())
      return 'it is no file, and the archive would replace it'
    return whyUnwritable(target)
  }
  if (found === undefined) return undefined
  const closed = whyClosed(target)
  if (closed !== undefined || (await readdir(target)).length === 0) return closed
  await openLayout(target)
  return undefined
}
