// SPDX-License-Identifier: Apache-2.0
// The images of layouts and archives that a pattern fits: its path over directories and files, its name over what is
// called so in each of them.
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isLocation, LOCATION_KINDS, type Location, type LocationKind } from '../../image/index.js'
import { findImages, type Medium, nameOf } from '../../oci/index.js'
import type { ListedImage } from '../../ports/index.js'
import { globPattern, isGlob } from '../../util/glob.js'
import { openMedium } from './media.js'

const MAX_PLACES = 100_000

/** Lists the locations that a pattern such as `oci:build/*:1.*` fits; without a name in it, that are the only image of their place. */
export async function listLocations(pattern: string): Promise<ListedImage[]> {
  const { kind, path, name } = split(pattern)
  const places = await expandPath(path)
  const found: ListedImage[] = []
  for (const place of places) {
    if (isGlob(path) && !(await isPlace(kind, place))) continue
    if (name === undefined) found.push({ name: `${kind}:${place}` })
    else
      for (const one of await namesIn({ kind, path: place }, name))
        found.push({ name: `${kind}:${place}:${one}` })
  }
  return found
}

function split(pattern: string): { kind: LocationKind; path: string; name?: string } {
  const kind = LOCATION_KINDS.find((one) => pattern.startsWith(`${one}:`))
  if (kind === undefined || !isLocation(pattern)) throw new Error(`no location: ${pattern}`)
  const rest = pattern.slice(kind.length + 1)
  const colon = rest.indexOf(':')
  return colon < 0 ? { kind, path: rest } : { kind, path: rest.slice(0, colon), name: rest.slice(colon + 1) }
}

/** The paths that a pattern fits, one part after the other; `**` is for no more than one part here. */
async function expandPath(path: string): Promise<string[]> {
  const parts = path.split('/')
  let found = [path.startsWith('/') ? '/' : '']
  for (const part of parts) {
    if (part === '') continue
    const next: string[] = []
    for (const folder of found) {
      if (!isGlob(part)) next.push(join(folder, part))
      else {
        const fits = globPattern(part)
        const names = await readdir(folder === '' ? '.' : folder).catch(() => [])
        next.push(
          ...names.filter((one) => fits.test(one) && !one.startsWith('.')).map((one) => join(folder, one)),
        )
      }
    }
    found = next.slice(0, MAX_PLACES)
  }
  return isGlob(path) ? found.sort() : [path]
}

async function isPlace(kind: LocationKind, path: string): Promise<boolean> {
  const marker = kind === 'oci' ? join(path, 'oci-layout') : path
  return await stat(marker).then(
    (found) => found.isFile(),
    () => false,
  )
}

/** Names of images; artifacts beside them have none, or none that fits. */
async function namesIn(location: Location, pattern: string): Promise<string[]> {
  const medium: Medium = await openMedium(location)
  const fits = globPattern(pattern)
  const names = new Set<string>()
  for (const entry of medium.index.manifests) {
    const name = nameOf(entry)
    if (name === undefined || names.has(name) || !fits.test(name)) continue
    // What cannot be read may be an image: it is told when it is baked.
    const images = await findImages(medium, [entry]).catch(() => undefined)
    if (images === undefined || images.some(({ platform }) => platform !== undefined)) names.add(name)
  }
  return [...names]
}
