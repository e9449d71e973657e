// SPDX-License-Identifier: Apache-2.0
// Two files of the client: the Dockerfile, for the arguments that it declares, and the configuration file.
// Not the folder's index, which brings a reader of YAML that most builds do not need.
import { CONFIG_FILE } from '../config/name.js'
import type { Gateway, Request } from './gateway/index.js'
import type { Definition } from './gen/ops_pb.js'
import { local, toDefinition } from './llb/index.js'

export interface ClientFiles {
  /** Empty when it cannot be read; whoever builds it will say why. */
  readonly dockerfile: string
  readonly config: Buffer | undefined
}

/** Reads them from wherever the build takes its files: the client's machine, or another result. */
export async function readClientFiles(
  request: Request,
  inputs: Readonly<Record<string, Definition>>,
  gateway: Gateway,
): Promise<ClientFiles> {
  const { options } = request
  const dockerfile = options.get('filename') ?? 'Dockerfile'
  const [one, other] = await Promise.all([
    read(request, inputs, gateway, options.get('dockerfilekey') ?? 'dockerfile', dockerfile),
    read(request, inputs, gateway, options.get('contextkey') ?? 'context', CONFIG_FILE),
  ])
  return { dockerfile: one?.toString() ?? '', config: other }
}

async function read(
  request: Request,
  inputs: Readonly<Record<string, Definition>>,
  gateway: Gateway,
  place: string,
  file: string,
): Promise<Buffer | undefined> {
  // A repository or an archive that only the builder fetches.
  if (/^(https?:|git:|git@|github\.com\/|ssh:)/.test(request.options.get('context') ?? '')) return undefined
  const definition =
    inputs[place] ??
    inputs.context ??
    toDefinition(local(place, request.session, [file], { name: `[pycds-image] read ${file}` }))
  try {
    const result = await gateway.solve({ definition })
    return result.result.case === 'ref' && result.result.value.id !== ''
      ? await gateway.readFile(result.result.value.id, file)
      : undefined
  } catch {
    return undefined // the client does not offer the directory; the Dockerfile frontend says so better
  }
}
