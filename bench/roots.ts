// SPDX-License-Identifier: Apache-2.0
// Root file systems of images without a container: the same overlay that the engine would mount, with an empty
// writable layer on top. Starting a process in one costs a chroot; starting a container costs a hundred times
// what is measured here, and varies by as much.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './shell.js'

export interface Root {
  /** Where it is mounted. */
  readonly path: string
  unmount(): Promise<void>
}

/** Mounts an image of the local engine in a directory that is made; everything below `folder` is thrown away later. */
export async function mountImage(image: string, folder: string): Promise<Root> {
  const layers = await layersOf(image)
  const [upper, work, merged] = ['upper', 'work', 'root'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await rm(folder, { recursive: true, force: true })
  for (const directory of [upper, work, merged]) await mkdir(directory, { recursive: true })
  const options = `lowerdir=${layers.join(':')},upperdir=${upper},workdir=${work}`
  await run('mount', ['-t', 'overlay', 'overlay', '-o', options, merged])
  await run('mount', ['--bind', '/dev', join(merged, 'dev')])
  await run('mount', ['-t', 'proc', 'proc', join(merged, 'proc')])
  return {
    path: merged,
    unmount: async () => {
      // Lazily: a process that has just ended may not be gone for the kernel yet.
      await run('umount', ['--recursive', '--lazy', merged])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Directories of an image's layers, the uppermost first. */
async function layersOf(image: string): Promise<string[]> {
  const text = await run('docker', ['image', 'inspect', '--format', '{{json .GraphDriver}}', image])
  const driver = JSON.parse(text) as { Name: string; Data: { UpperDir?: string; LowerDir?: string } | null }
  if (driver.Name !== 'overlay2' || !driver.Data?.UpperDir) {
    throw new Error(
      `the engine keeps ${image} with ${driver.Name}; only overlay2 on this machine can be measured`,
    )
  }
  return [driver.Data.UpperDir, ...(driver.Data.LowerDir?.split(':') ?? [])]
}
