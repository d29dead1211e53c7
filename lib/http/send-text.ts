/** Answers that are text of our own: a few words, or as much as a torrent has files. */
import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** Characters of one write of a long text. */
const BATCH = 65_536

/** A word or two, and the end of the connection: it was asked for something that is not to be had. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  response.setHeader('Connection', 'close')
  send(response, status, 'text/plain; charset=utf-8', `${text}\n`)
}

export function send(response: ServerResponse, status: number, type: string, body: string): void {
  const bytes = Buffer.from(body)
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': bytes.length, 'Cache-Control': 'no-store' })
  response.end(response.req.method === 'HEAD' ? undefined : bytes)
}

/** A text that may be long: made while it is sent, so that neither memory nor the event loop is held. */
export async function sendParts(response: ServerResponse, type: string, parts: Iterable<string>): Promise<void> {
  response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-store' })
  if (response.req.method === 'HEAD') response.end()
  else await pipeline(Readable.from(batches(parts), { objectMode: false, highWaterMark: BATCH }), response)
}

function* batches(parts: Iterable<string>): Generator<Buffer> {
  let batch = ''
  for (const part of parts) {
    batch += part
    if (batch.length < BATCH) continue
    yield Buffer.from(batch)
    batch = ''
  }
  yield Buffer.from(batch)
}
