// SPDX-License-Identifier: Apache-2.0

/** A message about an image as it is told under the name of that image: without the name. */
export function withoutName(name: string, message: string): string {
  const known = [`image ${name}: `, `${name}: `].find((start) => message.startsWith(start))
  return message.slice(known?.length ?? 0)
}
