// SPDX-License-Identifier: Apache-2.0
// The classic store of Docker keeps the configuration of an image as a file that is named by its hash. Where that file can
// be read, as by root on the machine of the engine, an export of the whole image need not be waited for. Nothing else of
// the engine's directory is relied on: content that has the image's hash is its configuration, wherever it was found.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Connection } from '../../docker/index.js'
import { sha256Digest, validateConfig } from '../../image/index.js'
import type { SourceImage } from '../../ports/index.js'
import type { ExactConfig } from './exported-config.js'

interface InfoReply {
  readonly DockerRootDir?: string
  readonly Driver?: string
}

/** Reads the exact configuration of `image` from the engine's directory; undefined when it cannot be had there. */
export async function readKeptConfig(
  connection: Connection,
  image: SourceImage,
): Promise<ExactConfig | undefined> {
  const info = connection.json<InfoReply>({ method: 'GET', path: '/info', subject: 'engine' })
  // A proxy in front of the engine may keep this call back.
  const { DockerRootDir: root, Driver: driver } = await info.catch((): InfoReply => ({}))
  if (!root || !driver) return undefined
  const [algorithm = '', hex = ''] = image.id.split(':')
  const path = join(root, 'image', driver, 'imagedb', 'content', algorithm, hex)
  const bytes = await readFile(path).catch(() => undefined)
  if (bytes === undefined || sha256Digest(bytes) !== image.id) return undefined
  try {
    const text = bytes.toString('utf8')
    return { config: validateConfig(JSON.parse(text)), text }
  } catch {
    return undefined // the export fails for the same reason, and says so
  }
}
