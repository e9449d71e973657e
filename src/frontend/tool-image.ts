// SPDX-License-Identifier: Apache-2.0
// The image that this program runs from. It also holds what runs inside the image that is built, so a build needs
// no other image, and both are of one version.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { PycdsError } from '../errors/index.js'
import type { Gateway, Request } from './gateway/index.js'
import { DefinitionSchema, OpSchema } from './gen/ops_pb.js'

const SCHEME = 'docker-image://'

/** The full name of the frontend's own image, with its digest where the builder tells it. */
export async function findToolImage(request: Request, gateway: Gateway): Promise<string> {
  const pinned = await readOwnGraph(request.metadataDirectory)
  if (pinned !== undefined) return pinned
  const source = request.options.get('source') ?? request.options.get('cmdline')?.trim().split(/\s+/)[0]
  if (source === undefined || source === '') {
    throw new PycdsError('ENGINE_FAILED', {
      message: "the builder does not tell the name of the frontend's own image",
      hint: 'Name it in `# syntax=`, or with buildctl as `--opt source=`.',
    })
  }
  const name = fullName(source)
  if (name.includes('@')) return name
  const resolveMode = request.options.get('image-resolve-mode') ?? ''
  const { digest } = await gateway.resolveImageConfig({ ref: name, resolveMode })
  // Images that exist only in the builder have no digest of a manifest.
  return digest === '' ? name : `${name}@${digest}`
}

/** `pycds/frontend` -> `docker.io/pycds/frontend:latest`: BuildKit's graphs have only full names. */
export function fullName(reference: string): string {
  const [first = '', ...rest] = reference.split('/')
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  const path = isHost ? reference : `docker.io/${rest.length > 0 ? '' : 'library/'}${reference}`
  const last = path.slice(path.lastIndexOf('/'))
  return /[:@]/.test(last) ? path : `${path}:latest`
}

/** Newer builders leave the graph of the frontend's image in a file. */
async function readOwnGraph(directory: string): Promise<string | undefined> {
  try {
    const { def } = fromBinary(DefinitionSchema, await readFile(join(directory, 'frontend.bin')))
    for (const bytes of def) {
      const { op } = fromBinary(OpSchema, bytes)
      if (op.case === 'source' && op.value.identifier.startsWith(SCHEME))
        return op.value.identifier.slice(SCHEME.length)
    }
  } catch {
    // Older builders have no such file; the name will do.
  }
  return undefined
}
