// SPDX-License-Identifier: Apache-2.0
// The images of a registry that a pattern fits. Its list of repositories is only asked for where the pattern leaves them open:
// many registries do not give it to everybody.
import { DEFAULT_TAG, isImageName } from '../../image/index.js'
import type { ListedImage } from '../../ports/index.js'
import { isCompanionTag, parseRepository, type Registries, Slots } from '../../registry/index.js'
import { globPattern, isGlob } from '../../util/glob.js'

const AT_A_TIME = 8

/** Lists what a pattern such as `registry:HOST/team/*:1.*` fits; without a tag it means `latest`. */
export async function listRegistry(pattern: string, registries: Registries): Promise<ListedImage[]> {
  const { host, repository, tag } = split(pattern)
  const fits = globPattern(repository)
  const all = isGlob(repository) ? await registries.catalog(host) : [repository]
  const slots = new Slots(AT_A_TIME)
  // Whatever a registry lists: what is no name is no image.
  const fitting = all.filter((one) => isImageName(`${host}/${one}`) && fits.test(one))
  const listed = fitting.map((one) => slots.run(() => tagsOf(one)))
  return (await Promise.all(listed)).flat()

  async function tagsOf(path: string): Promise<ListedImage[]> {
    const found = await registries.repository(parseRepository(`${host}/${path}`)).tags()
    const fits = globPattern(tag)
    return found
      .filter((one) => fits.test(one) && !isCompanionTag(one) && isImageName(`${host}/${path}:${one}`))
      .map((one) => ({ name: `registry:${host}/${path}:${one}` }))
  }
}

function split(pattern: string): { host: string; repository: string; tag: string } {
  const rest = pattern.replace(/^(?:registry:|docker:\/\/)/, '')
  const colon = rest.lastIndexOf(':')
  const isTagged = colon > rest.lastIndexOf('/')
  const path = isTagged ? rest.slice(0, colon) : rest
  const slash = path.indexOf('/')
  return {
    host: path.slice(0, slash),
    repository: path.slice(slash + 1),
    tag: isTagged ? rest.slice(colon + 1) : DEFAULT_TAG,
  }
}
