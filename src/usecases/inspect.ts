// SPDX-License-Identifier: Apache-2.0
// What an archive holds, read from a file or from a baked image.
import { readFile, stat } from 'node:fs/promises'
import { type Contents, describeFile, describeImage } from '../artifact/describe.js'
import type { Ports } from '../ports/index.js'
import { withContainer } from '../ports/with-container.js'

export interface InspectRequest {
  /** An archive file, if there is one of that name, else an image. */
  subject: string
  /** Also list every module. */
  map: boolean
}

export interface InspectResult extends Contents {
  schema: 'io.pycds.inspect/1'
  subject: { kind: 'image' | 'archive'; name: string }
}

type InspectPorts = Omit<Ports, 'progress'>

/** Describes an artifact; ARCHIVE_INVALID when it is damaged, IMAGE_INVALID when the image was never baked. */
export async function inspect(
  { subject: name, map }: InspectRequest,
  ports: InspectPorts,
): Promise<InspectResult> {
  const isFile = await stat(name).then(
    (found) => found.isFile(),
    () => false,
  )
  const { kind, contents } = isFile
    ? describeFile(await readFile(name), { name, map }, ports.archiver)
    : { kind: 'image' as const, contents: await inspectImage({ name, map }, ports) }
  return { schema: 'io.pycds.inspect/1', subject: { kind, name }, ...contents }
}

async function inspectImage(subject: { name: string; map: boolean }, ports: InspectPorts): Promise<Contents> {
  const image = await ports.store.resolve(subject.name)
  return withContainer(ports.engine, image.id, (container) =>
    describeImage(container, subject, ports.archiver),
  )
}
