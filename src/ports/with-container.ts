// SPDX-License-Identifier: Apache-2.0
import type { Container } from './container.js'
import type { Engine } from './engine.js'

/** Lends a container of the image that is never started: its files are exactly the image's. */
export async function withContainer<T>(
  engine: Engine,
  image: string,
  use: (container: Container) => Promise<T>,
): Promise<T> {
  const container = await engine.create({ image, command: ['-'], env: {}, network: 'none', files: [] })
  try {
    return await use(container)
  } finally {
    await engine.remove(container)
  }
}
