// SPDX-License-Identifier: Apache-2.0
// The architectures that can be baked, and what others call them.
import { PycdsError } from '../errors/index.js'

/** One of the architectures that there are native parts for. */
export interface Architecture {
  /** In image configurations. */
  readonly name: string
  /** Node's name, as in `process.arch`. */
  readonly node: string
  /** The kernel's name, which file names of Python have too. */
  readonly machine: string
  /** e_machine of its ELF files. */
  readonly elf: number
}

/** All of them. */
export const ARCHITECTURES: readonly Architecture[] = [
  { name: 'amd64', node: 'x64', machine: 'x86_64', elf: 62 },
  { name: 'arm64', node: 'arm64', machine: 'aarch64', elf: 183 },
]

/** The architecture of a name in image configurations; undefined for one that cannot be baked. */
export function findArchitecture(name: string): Architecture | undefined {
  return ARCHITECTURES.find((one) => one.name === name)
}

/** The name in image configurations of an architecture that Node names; that name itself for another one. */
export function imageArchitecture(node: string): string {
  return ARCHITECTURES.find((one) => one.node === node)?.name ?? node
}

/** Node's name of an image's architecture; PYTHON_UNSUPPORTED when it cannot be baked. */
export function nodeArchitecture(image: { reference: string; os: string; architecture: string }): string {
  const found = image.os === 'linux' ? findArchitecture(image.architecture) : undefined
  if (found !== undefined) return found.node
  throw new PycdsError('PYTHON_UNSUPPORTED', {
    message: `image ${image.reference}: it is for ${image.os}/${image.architecture}`,
    hint: 'Images for linux/amd64 and linux/arm64 can be baked.',
  })
}
