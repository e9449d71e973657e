// SPDX-License-Identifier: Apache-2.0
// Of a failed assertion, ava's reports name the first line of its stack or all of them. Those of ava itself are left
// out, so that this is the line of the test. That it is one of the source is Node's doing, by the maps in build/.

const AVA = '/node_modules/ava/'

const capture = Error.captureStackTrace

Error.captureStackTrace = (target: { stack?: unknown }, below) => {
  capture(target, below)
  const { stack } = target
  // Whoever has set Error.prepareStackTrace gets what that gives.
  if (typeof stack !== 'string') return
  const own = stack.split('\n').filter((line) => !line.includes(AVA))
  target.stack = own.join('\n')
}
