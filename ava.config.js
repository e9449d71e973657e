// SPDX-License-Identifier: Apache-2.0
// The tests without an engine. They run as they were compiled, which `npm test` does first: scripts/ava.mjs.

/** What every configuration of the tests has in common. */
export const common = {
  require: ['./build/test/helpers/end-worker.js', './build/test/helpers/stack-of-test.js'],
  // Native addons and patched process streams are safer in processes than in threads.
  workerThreads: false,
}

/** Sorts those first that take longest, so that none is left to run alone at the end. */
export function longestFirst(names) {
  const rank = (file) => {
    const index = names.findIndex((name) => file.includes(`${name}.`))
    return index === -1 ? names.length : index
  }
  return (a, b) => rank(a) - rank(b) || a.localeCompare(b)
}

export default {
  ...common,
  files: [
    'build/test/**/*.js',
    '!build/test/helpers/**',
    '!build/test/**/helpers/**',
    '!build/test/fixtures/**',
    '!build/test/**/fixtures/**',
    '!build/test/integration/**',
    '!build/test/fuzz/**',
  ],
  sortTestFiles: longestFirst([
    'snapshot-thaws',
    'found',
    'snapshot-warm',
    'imports',
    'snapshot-foreign',
    'debug',
    'greenlets',
    'cli',
  ]),
  timeout: '5m',
}
