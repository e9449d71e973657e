// SPDX-License-Identifier: Apache-2.0
// The images of an engine that a pattern fits.
import type { Connection } from '../../docker/index.js'
import type { ListedImage } from '../../ports/index.js'
import { globPattern } from '../../util/glob.js'
import { isPendingName } from './pending.js'

interface ImageSummary {
  readonly RepoTags?: readonly string[] | null
  readonly Labels?: Readonly<Record<string, string>> | null
}

/** Hosts that engines put in front of names that were given without one. */
const SILENT_HOSTS = ['', 'localhost/', 'docker.io/library/', 'docker.io/']

/** Lists the names that a pattern such as `team/*:1.*` fits; without a tag it means `latest`. */
export async function listImages(connection: Connection, pattern: string): Promise<ListedImage[]> {
  const isTagged = pattern.lastIndexOf(':') > pattern.lastIndexOf('/')
  const fits = globPattern(isTagged ? pattern : `${pattern}:latest`)
  const images = await connection.json<ImageSummary[]>({
    method: 'GET',
    path: '/images/json',
    subject: `images ${pattern}`,
  })
  return images.flatMap(({ RepoTags, Labels }) =>
    (RepoTags ?? [])
      .filter((tag) => !isPendingName(tag))
      .flatMap((tag) => nameThatFits(tag, fits) ?? [])
      .map((name) => ({ name, labels: Labels ?? {} })),
  )
}

/** The name in the form that the pattern has. */
function nameThatFits(tag: string, fits: RegExp): string | undefined {
  const forms = SILENT_HOSTS.filter((host) => tag.startsWith(host)).map((host) => tag.slice(host.length))
  return forms.find((form) => fits.test(form))
}
