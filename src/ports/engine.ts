// SPDX-License-Identifier: Apache-2.0
// What runs containers.
import type { Progress } from '../log/index.js'
import type { Container, ContainerSpec } from './container.js'

/** What is known of the engine that runs containers. */
export interface EngineDescription {
  readonly name: string
  readonly version: string
  readonly apiVersion: string
  readonly os: string
  readonly architecture: string
  /** Other architectures whose programs it can run; absent: not known. */
  readonly emulated?: readonly string[]
  readonly storageDriver: string
  /** Address, without credentials. */
  readonly endpoint: string
  /** Whether its containers run on the kernel of this machine, and so read files through its page cache. */
  readonly local: boolean
}

/** Runs containers. */
export interface Engine {
  describe(): Promise<EngineDescription>

  /** Makes a container and puts its files in; IMAGE_NOT_FOUND, or INTERRUPTED after {@link Engine.removeAll}. */
  create(spec: ContainerSpec): Promise<Container>

  /** Where work is told that takes long and is no step of a use case: unpacking an image. */
  showProgress?(progress: Pick<Progress, 'step'>): void

  /** Removes a container in any state with its anonymous volumes; no error when it is gone. */
  remove(container: Container): Promise<void>

  /**
   * Removes everything this instance made and has not removed, also what is just being made.
   * Final: later calls of `create` are refused, so nothing can slip through while the process ends.
   */
  removeAll(): Promise<void>
}
