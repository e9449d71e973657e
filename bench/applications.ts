// SPDX-License-Identifier: Apache-2.0
// Whole applications: the examples, and the pages of the cookbook, as their images start them.
import { cookbookPage, optionsOf } from '../test/helpers/cookbook.js'
import { cookbookImage } from '../test/helpers/cookbook-image.js'
import { type Asked, COOKBOOK, type CookbookRow } from '../test/helpers/cookbook-rows.js'
import { type BaseImage, type Example, exampleImage } from '../test/helpers/images.js'

export interface Application {
  readonly name: string
  /** It is ready when it answers; absent: when it has ended. */
  readonly asked?: Asked
  /** Of each start. */
  readonly env?: Readonly<Record<string, string>>
  /** Directories that who asks has in common with it. */
  readonly folders?: readonly string[]
  /** Of its bake. */
  readonly options: readonly string[]
  /** Its image, which stays in the engine. Rejects with why it cannot be made or measured. */
  image(): Promise<string>
}

export const APPLICATIONS: readonly Application[] = [
  example('01-flask-service', 'bookworm', '8000/api/articles/tea'),
  example('02-command-line-tool', 'bookworm'),
  example('03-numpy-job', 'bookworm'),
  example('04-torch-workers', 'torch'),
  ...COOKBOOK.map(ofPage),
]

function example(name: Example, base: BaseImage, request?: string): Application {
  return {
    name,
    ...(request === undefined ? {} : { asked: { request } }),
    options: request === undefined ? [] : ['--probe', `GET:${request}`],
    image: async () => (await exampleImage(name, base)) ?? refuse(`no image of it on ${base}`),
  }
}

/** Baked without what the page records of later use: nothing of that is imported until it is ready. */
function ofPage(row: CookbookRow): Application {
  const { page, asked, env = {}, folders = [] } = row
  const options = optionsOf(cookbookPage(page), 'bake') ?? []
  return {
    name: page,
    ...(asked === undefined ? {} : { asked }),
    env,
    folders,
    options: options.includes('--trace-in') ? [] : options,
    image: async () => (await cookbookImage(row)) ?? refuse('PyPI cannot be reached'),
  }
}

function refuse(reason: string): never {
  throw new Error(reason)
}
