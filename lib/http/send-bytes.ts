/** Answers a GET or HEAD for a run of bytes: whole, one range, or several (RFC 9110, sections 13 to 15). The reader's pace is the network's. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { parseRange, type ByteRange } from './byte-range.js'
import { contentDisposition } from './content-disposition.js'
import { contentTypeOf, isMedia } from './content-type.js'
import type { ServedBytes } from './library.js'
import { checkPreconditions, isRangeCurrent } from './preconditions.js'

const MEDIA_POLICY = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"

/** Resolves once the answer is complete; rejects when it was cut short, which the client sees as an end before the promised length. */
export async function sendBytes(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: ServedBytes,
  tag: string
): Promise<void> {
  // A browser that stores lets its second player of a file wait for the first.
  const headers = { ETag: tag, 'Accept-Ranges': 'bytes', 'Cache-Control': 'no-store' }
  const precondition = checkPreconditions(request.headers, tag)
  if (precondition !== 'proceed') {
    response.writeHead(precondition === 'failed' ? 412 : 304, headers).end()
    return
  }
  // Only GET has ranges: section 14.2.
  const header = request.method === 'GET' && isRangeCurrent(request.headers, tag) ? request.headers.range : undefined
  const ranges = parseRange(header, bytes.length)
  if (ranges === 'unsatisfiable') {
    response.writeHead(416, { ...headers, 'Content-Range': `bytes */${bytes.length}`, 'Content-Length': 0 }).end()
    return
  }
  const type = contentTypeOf(bytes.name)
  // A browser shows media in a page of its own making: sandboxed, that page could not fetch what it shows.
  if (isMedia(bytes.name)) response.setHeader('Content-Security-Policy', MEDIA_POLICY)
  const described = { ...headers, 'Content-Type': type, 'Content-Disposition': contentDisposition(bytes.name) }
  if (ranges === 'whole') await sendWhole(request, response, bytes, described)
  else if (ranges.length === 1 && ranges[0]) await sendRange(response, bytes, ranges[0], described)
  else await sendParts(response, bytes, ranges, described)
}

async function sendWhole(
  { method }: IncomingMessage,
  response: ServerResponse,
  bytes: ServedBytes,
  headers: OutgoingHttpHeaders
): Promise<void> {
  begin(response, 200, { ...headers, 'Content-Length': bytes.length })
  if (method === 'GET' && bytes.length > 0) await bytes.writeTo(response)
  response.end()
}

async function sendRange(
  response: ServerResponse,
  bytes: ServedBytes,
  range: ByteRange,
  headers: OutgoingHttpHeaders
): Promise<void> {
  const length = range.end - range.start + 1
  begin(response, 206, { ...headers, 'Content-Range': contentRange(range, bytes.length), 'Content-Length': length })
  await bytes.writeTo(response, range)
  response.end()
}

/** Each range with a head of its own, between boundaries: section 14.6. */
async function sendParts(
  response: ServerResponse,
  bytes: ServedBytes,
  ranges: readonly ByteRange[],
  { 'Content-Type': type, ...headers }: OutgoingHttpHeaders
): Promise<void> {
  const boundary = randomBytes(16).toString('hex')
  const heads = ranges.map(
    range =>
      `\r\n--${boundary}\r\nContent-Type: ${String(type)}\r\nContent-Range: ${contentRange(range, bytes.length)}\r\n\r\n`
  )
  const tail = `\r\n--${boundary}--\r\n`
  const length =
    ranges.reduce((sum, { start, end }, i) => sum + (heads[i] ?? '').length + end - start + 1, 0) + tail.length
  begin(response, 206, {
    ...headers,
    'Content-Type': `multipart/byteranges; boundary=${boundary}`,
    'Content-Length': length
  })
  for (const [i, range] of ranges.entries()) {
    response.write(heads[i])
    await bytes.writeTo(response, range)
  }
  response.end(tail)
}

/** The head goes out at once: the first byte may take a while, and a player that hears nothing gives up. */
function begin(response: ServerResponse, status: number, headers: OutgoingHttpHeaders): void {
  response.writeHead(status, headers)
  response.flushHeaders()
}

function contentRange({ start, end }: ByteRange, length: number): string {
  return `bytes ${start}-${end}/${length}`
}
