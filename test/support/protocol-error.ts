/** The fault that a call finds in what a peer sent. */
import { ProtocolError, type ProtocolErrorCode } from '../../lib/errors.js'

/** Code of the `ProtocolError` that `call` throws; undefined when it throws nothing. Any other error passes. */
export function protocolFault(call: () => unknown): ProtocolErrorCode | undefined {
  try {
    call()
  } catch (error) {
    if (error instanceof ProtocolError) return error.code
    throw error
  }
  return undefined
}
