// SPDX-License-Identifier: Apache-2.0
import type { Location } from '../../image/index.js'
import type { Medium, NewEntry } from '../../oci/index.js'
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
