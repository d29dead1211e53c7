/** Why a name, a connection or an HTTP answer could not be had; callers turn it into an error of their own family. */

/**
 * - `refused`: the URL or address is one that may not be asked
 * - `network`: no such name, no connection, cut off
 * - `timeout`: silent, or too slow in all
 * - `status`: an HTTP status that is not an answer; `status` and the start of the `body` are kept
 * - `body`: an HTTP answer that is too large or broken
 */
export type TransportErrorKind = 'refused' | 'network' | 'timeout' | 'status' | 'body'

export class TransportError extends Error {
  readonly kind: TransportErrorKind
  /** HTTP status of kind `status`. */
  readonly status: number | undefined
  /** What came with that status. */
  readonly body: Buffer | undefined

  constructor(
    kind: TransportErrorKind,
    message: string,
    details: ErrorOptions & { status?: number; body?: Buffer } = {}
  ) {
    super(message, details)
    this.name = 'TransportError'
    this.kind = kind
    this.status = details.status
    this.body = details.body
  }
}
