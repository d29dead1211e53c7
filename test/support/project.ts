/** Where the repository is, for specs that read it: they run from dist/test. */
import { fileURLToPath } from 'node:url'

/** Absolute path of the repository, with a separator at its end. */
export const projectRoot = fileURLToPath(new URL('../../../', import.meta.url))
