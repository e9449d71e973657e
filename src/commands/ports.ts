// SPDX-License-Identifier: Apache-2.0
import type { Archiver, Engine, ImageStore } from '../bake/ports.js'
import type { ImageRoot } from '../bake/root.js'

/** The outside world as the use cases see it. */
export interface Ports {
  store: ImageStore
  engine: Engine
  archiver: Archiver
}

/**
 * Builds the ports: the one place that knows which engine, store and archiver are used. Nothing is connected
 * yet. Loaded on demand, since help and usage errors should not wait for an engine's client.
 */
export async function openPorts(): Promise<Ports> {
  const [{ DockerImageStore }, { DockerEngine }, { createArchiver }] = await Promise.all([
    import('../store/docker-daemon/index.js'),
    import('../engine/docker/index.js'),
    import('../archive/archiver.js'),
  ])
  return { store: new DockerImageStore(), engine: new DockerEngine(), archiver: createArchiver() }
}

/** The same for a bake in place: the root file system of this process, and an engine that starts processes in it. */
export async function openRoot(
  user?: string,
): Promise<{ root: ImageRoot; engine: Engine; archiver: Archiver }> {
  const [{ CurrentRoot, trainee }, { ProcessEngine }, { createArchiver }] = await Promise.all([
    import('../root/index.js'),
    import('../engine/process/index.js'),
    import('../archive/archiver.js'),
  ])
  const root = new CurrentRoot()
  const engine = new ProcessEngine({
    environment: root.environment,
    changes: () => root.changes(),
    ...(user ? { user: trainee(user, root.environment) } : {}),
  })
  return { root, engine, archiver: createArchiver() }
}
