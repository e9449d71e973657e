// SPDX-License-Identifier: Apache-2.0
// Where a release publishes images, and their names. Documents, scripts and the workflow that write them are held against
// this by a test; docs/decisions/0023-where-images-are-published.md has the reasons.

/** Host and path that a release pushes to. Whole, since Podman and Buildah take a name without a host for nobody's. */
export const PUBLISHED_AT = 'docker.io/pycds'

/** As they are called there and in every mirror. */
export const PUBLISHED_IMAGES = {
  /** What a RUN instruction mounts. */
  tool: 'pycds-image',
  /** What `# syntax=` names. */
  frontend: 'frontend',
} as const

/** The frontend as a Dockerfile names it. Only BuildKit reads that, for which a name without a host is of docker.io. */
export const SYNTAX = publishedImage('frontend').replace('docker.io/', '')

/**
 * The reference of a published image.
 * @param registry host and path of a mirror that has it under the same name, as PYCDS_REGISTRY tells; absent or empty:
 *   where it is published. An engine looks at its own images of that name first.
 */
export function publishedImage(image: keyof typeof PUBLISHED_IMAGES, registry?: string): string {
  return `${registry?.replace(/\/+$/, '') || PUBLISHED_AT}/${PUBLISHED_IMAGES[image]}`
}
