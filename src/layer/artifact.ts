// SPDX-License-Identifier: Apache-2.0
// What a layer can hold. The implementations lie in src/artifact; nothing here or in the layer knows what is in them.
import type { LayerFile } from '../ports/index.js'

/** Something made for one image, from which its starts take what they would else do again. */
export interface Artifact {
  /** Its name in results. */
  readonly kind: string
  /**
   * The files that it consists of.
   * @param folder where a layer keeps what has no place of its own in the image, such as `/opt/pycds`.
   */
  files(folder: string): readonly LayerFile[]
  /**
   * Variables that every container of the image gets.
   * @param folder as for the files.
   */
  environment(folder: string): Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
}
