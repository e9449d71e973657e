// SPDX-License-Identifier: Apache-2.0
export async function writeReport(): Promise<string> {
  throw new Error('not yet')
}
