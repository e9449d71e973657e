// SPDX-License-Identifier: Apache-2.0
// What a user has given to a run and the engine does not have: a path or a network that was misspelt is no failure of it.
import { replyTextOf } from '../../docker/index.js'
import { PycdsError } from '../../errors/index.js'
import type { ContainerSpec } from '../../ports/index.js'

/** Docker's words, and Podman's. */
const NO_SOURCE = /bind source path does not exist|statfs .*: no such file or directory/i
const NO_NETWORK = /network \S+ not found|network not found|unable to find network/i
const NO_CONTAINER = /no such container|no container with name/i

/** USAGE where it is such a thing; undefined for every other failure. */
export function surroundingsError(
  error: unknown,
  { mounts, network }: Pick<ContainerSpec, 'mounts' | 'network'>,
): PycdsError | undefined {
  const text = replyTextOf(error)
  if (text === undefined) return undefined
  const mount = NO_SOURCE.test(text) ? mounts?.find(({ source }) => names(text, source)) : undefined
  if (mount !== undefined) {
    return new PycdsError('USAGE', {
      message: `--mount ${mount.source}:${mount.target}: there is no ${mount.source} on the machine of the engine`,
      hint: 'Check the path; where the engine runs on another machine, it is a path of that one.',
      cause: error,
    })
  }
  const shared = /^container:(.*)$/.exec(network)?.[1]
  if (shared !== undefined && NO_CONTAINER.test(text) && names(text, shared)) {
    return new PycdsError('USAGE', {
      message: `--network ${network}: the engine has no container of that name`,
      hint: 'Start it first, or name one that `docker ps` lists.',
      cause: error,
    })
  }
  if (!NO_NETWORK.test(text) || !names(text, network)) return undefined
  return new PycdsError('USAGE', {
    message: `--network ${network}: the engine has no network of that name`,
    hint: 'Name one that `docker network ls` lists, or make it: docker network create NAME.',
    cause: error,
  })
}

/** Whether a text has this as a whole word. */
function names(text: string, word: string): boolean {
  const found = text.split(word)
  return found.some(
    (part, index) => index > 0 && /(^|[\s:"'])$/.test(found[index - 1] ?? '') && /^($|[\s:"'])/.test(part),
  )
}
