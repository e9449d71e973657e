// SPDX-License-Identifier: Apache-2.0
// The names of the images that a release publishes. Documents and scripts that write them are held against this by a test.

/** As they are called in an engine, and below any registry. */
export const PUBLISHED_IMAGES = {
  /** What a RUN instruction mounts. */
  tool: 'pycds-image',
  /** What `# syntax=` names. */
  frontend: 'pycds/frontend',
} as const

/**
 * The reference of a published image.
 * @param registry host and path of a registry or mirror that has it under the same name, as PYCDS_REGISTRY tells; absent
 *   or empty: the name alone, for which an engine looks at its own images first
 */
export function publishedImage(image: keyof typeof PUBLISHED_IMAGES, registry?: string): string {
  const prefix = registry?.replace(/\/+$/, '') ?? ''
  return prefix === '' ? PUBLISHED_IMAGES[image] : `${prefix}/${PUBLISHED_IMAGES[image]}`
}
