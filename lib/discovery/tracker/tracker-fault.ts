/** The faults of a tracker as errors of its family. */
import { TrackerError, type TrackerErrorCode } from '../../errors.js'
import type { TransportError, TransportErrorKind } from '../../transport/transport-error.js'

/** The tracker answered, and its answer is no. */
export class TrackerRefusal extends TrackerError {
  /** When it wants to be asked again (BEP 31), ms; Infinity for never. */
  readonly retryAfterMs: number | undefined

  constructor(reason: string, retryAfterMs?: number) {
    super('ERR_BT_TRACKER_FAILURE', `the tracker refused: ${reason === '' ? '(no reason given)' : reason}`)
    this.retryAfterMs = retryAfterMs
  }
}

export function trackerError(code: TrackerErrorCode, message: string, cause?: unknown): TrackerError {
  return new TrackerError(code, message, cause === undefined ? undefined : { cause })
}

export function responseError(message: string): TrackerError {
  return trackerError('ERR_BT_TRACKER_RESPONSE', message)
}

const CODES = {
  refused: 'ERR_BT_TRACKER_URL',
  network: 'ERR_BT_TRACKER_NETWORK',
  timeout: 'ERR_BT_TRACKER_NETWORK',
  status: 'ERR_BT_TRACKER_HTTP',
  body: 'ERR_BT_TRACKER_RESPONSE'
} as const satisfies Record<TransportErrorKind, TrackerErrorCode>

/** What went wrong on the way, in a tracker's words; `detail` is added to the message. */
export function fromTransport(error: TransportError, detail?: string): TrackerError {
  return trackerError(CODES[error.kind], detail === undefined ? error.message : `${error.message}: ${detail}`, error)
}
