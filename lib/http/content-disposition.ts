/** The `Content-Disposition` header (RFC 6266): a name for those who save, in ASCII and in full (RFC 8187). */

export function contentDisposition(name: string, type: 'inline' | 'attachment' = 'inline'): string {
  const ascii = name.replace(/[^\x20-\x7e]/gu, '_').replace(/["\\%]/g, '_')
  if (ascii === name) return `${type}; filename="${ascii}"`
  return `${type}; filename="${ascii}"; filename*=UTF-8''${encoded(name)}`
}

/** attr-char of RFC 8187: fewer than `encodeURIComponent` leaves as they are. A lone surrogate has no UTF-8. */
function encoded(name: string): string {
  return encodeURIComponent(name.replace(/\p{Surrogate}/gu, '\ufffd')).replace(
    /['()*]/g,
    char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`
  )
}
