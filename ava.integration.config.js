// SPDX-License-Identifier: Apache-2.0
import { common, longestFirst } from './ava.config.js'

// Those that look at how long something takes or at what else is on the machine, or that change it, run alone:
// ava.alone.config.js.
export const ALONE = ['build/test/integration/alone/**/*.js']

/** The tests that need a container engine. */
export default {
  ...common,
  files: ['build/test/integration/**/*.js', ...ALONE.map((pattern) => `!${pattern}`)],
  sortTestFiles: longestFirst([
    'engines',
    'bake',
    'step',
    'locations',
    'frontend-engines',
    'training',
    'odd-images',
    'verify',
  ]),
  // One more than processors on a small machine: starts are waited for, ports and graceful ends among them.
  concurrency: 3,
  // A single step may pull, build, bake and time an image.
  timeout: '20m',
}
