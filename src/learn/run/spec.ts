// SPDX-License-Identifier: Apache-2.0
// What a run of an image is, and the container that is made for it.
import type { ContainerSpec } from '../../ports/index.js'
import { type RunParts, RunPaths, type TrainingPlace } from './files.js'
import { ALONE, type Surroundings, surround } from './surroundings.js'

export interface TrainingSpec extends RunParts {
  image: string
  command?: readonly string[]
  /** LD_PRELOAD of the image itself, if any; the tracer is put behind it. */
  preload: string | undefined
  /** The command of the image's HEALTHCHECK, if it has one. */
  health?: readonly string[] | undefined
  /** Where the files of a run lie, if not in a directory of the container's root. */
  place?: TrainingPlace
  /** Further files for the command, by name. */
  files?: Readonly<Record<string, Buffer>>
  /** If not the image alone. */
  surroundings?: Surroundings
  /**
   * What the image has in the loader's own list of libraries. Where it is given, and be it empty, the tracer is put into
   * that list, too, which reaches programs that LD_PRELOAD does not; such a run needs a root that is thrown away.
   */
  loaderList?: string
}

/** The container of a run, with the tracer in front of everything that the image starts. */
export function containerSpec(spec: TrainingSpec, env: Record<string, string>): ContainerSpec {
  const paths = new RunPaths(spec.place)
  const surroundings = spec.surroundings ?? ALONE
  const preload = ownPreload(spec)
  return {
    image: spec.image,
    ...(spec.command ? { command: spec.command } : {}),
    ...surround(surroundings),
    env: { ...surroundings.env, ...env, LD_PRELOAD: preload ? `${preload}:${paths.tracer}` : paths.tracer },
    files:
      spec.loaderList === undefined
        ? paths.entries(spec, spec.files)
        : paths.entriesWithLoader(spec, { list: spec.loaderList, env }, spec.files),
  }
}

/** LD_PRELOAD of the application itself. */
export function ownPreload({ surroundings, preload }: TrainingSpec): string | undefined {
  return surroundings?.env.LD_PRELOAD ?? preload
}
