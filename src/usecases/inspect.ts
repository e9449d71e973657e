// SPDX-License-Identifier: Apache-2.0
// What an archive holds, read from a file or from a baked image.
import { extname } from 'node:path'
import { type Contents, describeFile, describeImage } from '../artifact/describe.js'
import { PycdsError } from '../errors/index.js'
import { isLocation } from '../image/index.js'
import { ARCHIVE_NAME, SNAPSHOT_NAME } from '../marks/places.js'
import type { Ports } from '../ports/index.js'
import { withContainer } from '../ports/with-container.js'
import { isTar, ofTar } from '../util/form-on-disk.js'
import { readGiven, whyUnreadable } from '../util/read-given.js'

export interface InspectRequest {
  /** The path of an archive, or the name of an image. */
  subject: string
  /** Also list every module. */
  map: boolean
}

export interface InspectResult extends Contents {
  schema: 'io.pycds.inspect/1'
  subject: { kind: 'image' | 'archive'; name: string }
}

/** What the files that a bake writes are called. */
const FILE_ENDS = [ARCHIVE_NAME, SNAPSHOT_NAME].map(extname)

type InspectPorts = Omit<Ports, 'progress'>

/** Describes an artifact in a file; ARCHIVE_INVALID when it is damaged, USAGE for an image in a tar. */
export async function inspectFile(
  { subject: name, map }: InspectRequest,
  { archiver }: Pick<InspectPorts, 'archiver'>,
): Promise<InspectResult> {
  if (isTar(name)) {
    const { hint } = ofTar(name)
    throw new PycdsError('USAGE', { message: `${name}: it is a tar file, not an archive of modules`, hint })
  }
  const { kind, contents } = describeFile(await readSubject(name), { name, map }, archiver)
  return { schema: 'io.pycds.inspect/1', subject: { kind, name }, ...contents }
}

async function readSubject(name: string): Promise<Buffer> {
  try {
    return await readGiven(name)
  } catch (cause) {
    const hint = 'Name the archive of an image, app.cds, as a file that this user may read.'
    throw new PycdsError('USAGE', { message: `${name}: ${whyUnreadable(cause)}`, hint, cause })
  }
}

/** The same for what is in an image; IMAGE_INVALID when that was never baked. */
export async function inspectImage(
  { subject: name, map }: InspectRequest,
  ports: InspectPorts,
): Promise<InspectResult> {
  const image = await ports.store.resolve(name).catch((error: unknown) => {
    throw orNoFile(error, name)
  })
  const contents = await withContainer(ports.engine, image.id, (container) =>
    describeImage(container, { name, map }, ports.archiver),
  )
  return { schema: 'io.pycds.inspect/1', subject: { kind: 'image', name }, ...contents }
}

/** Where no file lies, what is called like one was taken for the name of an image: both are told then. */
function orNoFile(error: unknown, name: string): unknown {
  const isFileName = FILE_ENDS.some((end) => name.endsWith(end)) && !isLocation(name)
  if (!isFileName || !(error instanceof PycdsError)) return error
  if (error.code !== 'IMAGE_NOT_FOUND' && error.code !== 'ENGINE_UNREACHABLE') return error
  return new PycdsError(error.code, {
    message: `${name}: there is no such file, and as the name of an image: ${error.message}`,
    hint: 'Check the path of the file, or name a baked image.',
    cause: error,
  })
}
