// SPDX-License-Identifier: Apache-2.0
// The two kinds of store that an engine keeps its images in: layers unpacked by the engine at hand, and containerd's in another.
import { sideEngine } from './side-engine.js'

/** An engine, and how an image of the engine at hand gets there. */
export interface StoreEngine {
  readonly engine: string
  /** Variables by which programs reach it. */
  readonly env: Readonly<Record<string, string>>
  /** The name that the image has there. */
  load(image: string): Promise<string>
}

/** The second is a reason where this machine cannot have it. */
export async function storeEngines(): Promise<[StoreEngine, StoreEngine | string]> {
  const side = await sideEngine('docker-28-containerd')
  const own: StoreEngine = { engine: 'the engine at hand', env: {}, load: async (image) => image }
  if (typeof side === 'string') return [own, side]
  const load = (image: string) => side.load(image)
  return [own, { engine: side.name, env: { DOCKER_HOST: side.address }, load }]
}
