// SPDX-License-Identifier: Apache-2.0
import type { PlannedImage } from '../bake-image.js'
import type { Delegation } from '../delegate.js'
import type { StepOptions } from '../options.js'

/** What a build knows before it sends anything but the Dockerfile's own build. */
export interface Shown {
  readonly plan: readonly PlannedImage[]
  readonly delegation: Delegation
  readonly options: StepOptions
}
