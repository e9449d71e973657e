// SPDX-License-Identifier: Apache-2.0
import type { Progress } from '../log/index.js'
import type { Archiver } from './archiver.js'
import type { AttachmentStore } from './attachments.js'
import type { Engine } from './engine.js'
import type { ImageStore } from './store.js'

/** What runs of an image need. */
export interface RunPorts {
  engine: Engine
  archiver: Archiver
  progress: Progress
  /** Asks the work to stop. */
  signal: AbortSignal
}

/** What a use case on an image needs. */
export interface Ports extends RunPorts {
  store: ImageStore
  /** Absent where images can have none. */
  attachments?: AttachmentStore
}
