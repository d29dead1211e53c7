/** What a call throws, for tests that look at more than one of its properties. */
import { MetainfoError } from '../../lib/errors.js'

/** The `MetainfoError` that `call` throws; fails when it throws another or none. */
export function metainfoErrorOf(call: () => unknown): MetainfoError {
  try {
    call()
  } catch (error) {
    if (error instanceof MetainfoError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
