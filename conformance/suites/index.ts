// SPDX-License-Identifier: Apache-2.0
import { cpython } from './cpython.js'
import { packages } from './packages.js'
import type { Suite } from './suite.js'

export const SUITES: readonly Suite[] = [cpython, packages]
