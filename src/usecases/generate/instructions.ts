// SPDX-License-Identifier: Apache-2.0
// The instructions that bake the last stage of a Dockerfile.

export type Builder = 'buildkit' | 'classic'

export interface Stage {
  /** What ENTRYPOINT and CMD start. */
  command: readonly string[]
  /** The user that it runs as, unless that is root. */
  user: string | undefined
}

export interface Instructions {
  builder: Builder
  /** Reference of the tool image. */
  tool: string
  /** Options of the step. */
  options: readonly string[]
}

const MOUNT = '/mnt'
const COPY = '/pycds'
const OUTPUT = '/pycds-out'

/**
 * Lines behind a stage.
 * @param name of the stage; the classic builder needs it twice more.
 */
export function bakeInstructions(
  { builder, tool, options }: Instructions,
  name: string,
  stage: Stage,
): string[] {
  const user = stage.user === undefined ? [] : ['--user', stage.user]
  const asRoot = stage.user === undefined ? [] : ['USER root']
  const step = (folder: string, ...more: string[]) => {
    const words = [`${folder}/pycds-image`, 'step', ...user, ...options, ...more, '--', ...stage.command]
    return `[${words.map((word) => JSON.stringify(word)).join(', ')}]`
  }
  if (builder === 'buildkit') {
    const back = stage.user === undefined ? [] : [`USER ${stage.user}`]
    return [...asRoot, `RUN --mount=from=${tool},target=${MOUNT} ${step(MOUNT)}`, ...back]
  }
  return [
    '',
    `FROM ${name} AS pycds-bake`,
    ...asRoot,
    `COPY --from=${tool} / ${COPY}`,
    `RUN ${step(COPY, '--output', OUTPUT)}`,
    '',
    `FROM ${name}`,
    `COPY --from=pycds-bake ${OUTPUT}/ /`,
  ]
}
