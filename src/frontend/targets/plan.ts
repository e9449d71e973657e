// SPDX-License-Identifier: Apache-2.0
import { stepCommand } from '../trace-step.js'
import type { Shown } from './shown.js'

/** What would be done with each image, without values of environment variables or build arguments. */
export function describePlan({ plan, delegation, options }: Shown): unknown {
  return {
    schema: 'io.pycds.frontend.plan/1',
    dockerfile: {
      frontend: delegation.frontend,
      image: delegation.frontendOpt.source ?? null,
      options: Object.keys(delegation.frontendOpt).sort(),
    },
    onFailure: options.onFailure,
    images: plan.map(({ image, step }) => ({
      platform: [image.platform.os, image.platform.architecture, image.platform.variant]
        .filter(Boolean)
        .join('/'),
      user: image.config.config?.User || 'root',
      workingDirectory: image.config.config?.WorkingDir || '/',
      step: step === undefined ? null : { tool: step.tool.reference, command: stepCommand(step) },
      reason: step === undefined ? 'no ENTRYPOINT and no CMD: there is nothing to start' : null,
    })),
  }
}
