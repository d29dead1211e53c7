/** Where a peer listens, and the compact forms in which others tell us (BEP 23: 6 bytes; BEP 7: 18 bytes). */

export interface PeerAddress {
  /** An IP address in text, never a name: `1.2.3.4` or `2001:db8::1`. */
  readonly host: string
  /** 1–65535. */
  readonly port: number
}
