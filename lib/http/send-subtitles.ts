/** Answers with subtitles as browsers take them: WebVTT in UTF-8, converted while they come. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { MAX_SUBTITLE_BYTES } from '../limits.js'
import type { ServedBytes } from './library.js'
import { checkPreconditions } from './preconditions.js'
import { sendText } from './send-text.js'
import { SrtToVtt } from './srt-to-vtt.js'
import { SubtitleText } from './subtitle-text.js'

/** Resolves once the answer is complete; rejects when it was cut short. `tag`: of the file as it is. */
export async function sendSubtitles(
  request: IncomingMessage,
  response: ServerResponse,
  file: ServedBytes,
  tag: string
): Promise<void> {
  if (!/\.(?:srt|vtt)$/i.test(file.name) || file.length > MAX_SUBTITLE_BYTES) {
    sendText(response, 404, 'no subtitles')
    return
  }
  const headers = { ETag: tag.replace(/"$/, '-vtt"'), 'Cache-Control': 'no-store' }
  const precondition = checkPreconditions(request.headers, headers.ETag)
  if (precondition !== 'proceed') {
    response.writeHead(precondition === 'failed' ? 412 : 304, headers).end()
    return
  }
  response.writeHead(200, { ...headers, 'Content-Type': 'text/vtt; charset=utf-8' })
  if (request.method === 'HEAD' || file.length === 0) {
    response.end()
    return
  }
  const converter = new SubtitleConverter(/\.srt$/i.test(file.name))
  const sending = pipeline(converter, response)
  const reading = file.writeTo(converter).then(
    () => converter.end(),
    (error: unknown) => converter.destroy(error as Error)
  )
  await Promise.all([sending, reading])
}

/** Has done with a chunk when it calls back, so that a file may lend it. */
class SubtitleConverter extends Transform {
  readonly #text = new SubtitleText()
  readonly #lines: SrtToVtt | undefined

  constructor(isSubRip: boolean) {
    super({ readableHighWaterMark: 65_536, writableHighWaterMark: 65_536 })
    this.#lines = isSubRip ? new SrtToVtt() : undefined
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: (error: null, data: string) => void): void {
    const text = this.#text.decode(chunk)
    callback(null, this.#lines ? this.#lines.push(text) : text)
  }

  override _flush(callback: (error: null, data: string) => void): void {
    const text = this.#text.end()
    callback(null, this.#lines ? this.#lines.push(text) + this.#lines.end() : text)
  }
}
