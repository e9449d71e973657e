// SPDX-License-Identifier: Apache-2.0
// What an earlier bake left in an image.
import { MANIFEST_PATH } from '../../marks/marks.js'
import { ARCHIVE_NAME, FOLDER, LEARN_NAME } from '../../marks/places.js'
import type { Archiver, Container } from '../../ports/index.js'
import { type Manifest, parseManifest } from './manifest.js'

export const ARCHIVE_PATH = `${FOLDER}/${ARCHIVE_NAME}`
/** There in an image whose containers learn. */
export const LEARN_PATH = `${FOLDER}/${LEARN_NAME}`

type Files = Pick<Container, 'readFile'>

/** Each is undefined where the image holds none. */
export interface BakedContent {
  archive: Buffer | undefined
  manifest: Manifest | undefined
}

/** Reads archive and manifest of an image. */
export async function readBaked(image: Files): Promise<BakedContent> {
  return {
    archive: await image.readFile(ARCHIVE_PATH),
    manifest: parseManifest(await image.readFile(MANIFEST_PATH)),
  }
}

/** Interpreter and modules of a bake. */
export interface BakedModules {
  executable: string
  served: { name: string; origin: string }[]
  /** Names of those that are imported and not served. */
  others: string[]
}

/**
 * Which modules an image was baked for; undefined when nothing in it tells.
 * @param name of the image, for messages
 */
export async function readModules(
  image: Files,
  name: string,
  archiver: Archiver,
): Promise<BakedModules | undefined> {
  const { archive, manifest } = await readBaked(image)
  if (!archive || !manifest) return undefined
  return {
    executable: manifest.python.executable,
    served: archiver.describe(name, archive).modules,
    others: manifest.leftOut.map((module) => module.name).filter((module) => /^[\w.]+$/.test(module)),
  }
}

/** The bytecode files that an earlier bake added, by absolute path; they go with its layer. */
export async function earlierBytecode(image: Files): Promise<readonly string[]> {
  return parseManifest(await image.readFile(MANIFEST_PATH))?.bytecode.paths ?? []
}
