// SPDX-License-Identifier: Apache-2.0
import { readdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { PycdsError } from '../../errors/index.js'
import { formatLocation, type Location } from '../../image/index.js'
import type { Medium, NewEntry } from '../../oci/index.js'
import { whyClosed, whyUnwritable } from '../../util/writable.js'
import { openDockerArchive, writeDockerArchive } from '../docker-archive/index.js'
import { openOciArchive, writeOciArchive } from '../oci-archive/index.js'
import { openLayout, writeLayout } from '../oci-layout/index.js'

/** Opens the place that a location names. */
export function openMedium({ kind, path }: Location): Promise<Medium> {
  if (kind === 'oci') return openLayout(path)
  return kind === 'oci-archive' ? openOciArchive(path) : openDockerArchive(path)
}

/** Writes to the place that a location names, under its name. */
export function writeMedium({ kind, path }: Location, entry: NewEntry): Promise<void> {
  if (kind === 'oci') return writeLayout(path, entry)
  return kind === 'oci-archive' ? writeOciArchive(path, entry) : writeDockerArchive(path, entry)
}

/** USAGE when the place that a location names cannot be written to; what is there already must be of its kind. */
export async function assertPlace(location: Location): Promise<void> {
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
  if (kind !== 'oci') return whyUnwritable(target)
  if (found === undefined) return undefined
  const closed = whyClosed(target)
  if (closed !== undefined || (await readdir(target)).length === 0) return closed
  await openLayout(target)
  return undefined
}
