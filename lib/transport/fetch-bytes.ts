/**
 * One guarded HTTP GET: the address is judged before the connection is made, on every redirect anew, and size and time are
 * capped. The only importer of undici, which is loaded at the first request: it costs 58 ms that a start without HTTP saves.
 */
import type { LookupFunction } from 'node:net'
import type { Client, Dispatcher } from 'undici'
import { systemClock, type Clock } from '../clock.js'
import { HTTP_SILENT_MS, HTTP_TOTAL_MS, MAX_REDIRECTS } from '../limits.js'
import { addressScope } from '../policy/address-rules.js'
import { addressRefusal, urlRefusal, type UrlTrust } from '../policy/url-rules.js'
import { inflateBody } from './content-encoding.js'
import { withDeadline } from './deadline.js'
import { systemNames, type NameLookup } from './name-lookup.js'
import { TransportError } from './transport-error.js'

export interface FetchOptions {
  /** Who gave us the URL; see `UrlTrust`. */
  readonly trust: UrlTrust
  /** Most bytes of the body, both as sent and after inflating. */
  readonly maxBytes: number
  readonly userAgent: string
  readonly signal?: AbortSignal | undefined
  /** Time for everything, redirects and name lookups included; default 30 s. */
  readonly totalMs?: number
  /** Time without a byte; default 10 s. */
  readonly silentMs?: number
  readonly names?: NameLookup
  readonly clock?: Clock
}

/** What redirects carry from one request to the next. */
interface Hop {
  readonly url: URL
  /** The value of the `authorization` header, and the one origin that is told it. */
  readonly credentials: { readonly origin: string; readonly header: string } | undefined
  readonly cameFromGlobal: boolean
}

type FetchSettings = Required<Omit<FetchOptions, 'signal'>>

/**
 * Body of the answer 200 to a GET of an http(s) URL, inflated. Credentials in the URL are sent as Basic authorization, on
 * redirects to the same origin only. Rejects with a `TransportError`, or with the signal's reason.
 */
export async function fetchBytes(source: string, options: FetchOptions): Promise<Buffer> {
  const settings: FetchSettings = {
    totalMs: HTTP_TOTAL_MS,
    silentMs: HTTP_SILENT_MS,
    names: systemNames,
    clock: systemClock,
    ...options
  }
  const { clock, totalMs: timeoutMs } = settings
  const onTimeout = () => new TransportError('timeout', `no complete answer within ${timeoutMs / 1000} s`)
  return withDeadline({ clock, timeoutMs, signal: options.signal, onTimeout }, signal =>
    follow(firstHop(source), settings, signal)
  )
}

async function follow(first: Hop, settings: FetchSettings, signal: AbortSignal): Promise<Buffer> {
  let hop = first
  for (let redirects = 0; ; redirects++) {
    const addresses = await judgedAddresses(hop, settings, signal)
    const result = await request(hop, addresses, settings, signal)
    if (Buffer.isBuffer(result)) return result
    if (redirects === MAX_REDIRECTS) throw new TransportError('refused', `more than ${MAX_REDIRECTS} redirects`)
    hop = nextHop(hop, result.location, addresses)
  }
}

function firstHop(source: string): Hop {
  if (!URL.canParse(source)) throw new TransportError('refused', 'not a URL')
  const url = new URL(source)
  if (url.username === '' && url.password === '') return { url, credentials: undefined, cameFromGlobal: false }
  const header = `Basic ${Buffer.from(`${unescaped(url.username)}:${unescaped(url.password)}`).toString('base64')}`
  return { url, credentials: { origin: url.origin, header }, cameFromGlobal: false }
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function nextHop(hop: Hop, location: string, addresses: readonly string[]): Hop {
  if (!URL.canParse(location, hop.url.href)) throw new TransportError('refused', 'redirect to something that is no URL')
  const url = new URL(location, hop.url)
  if (hop.url.protocol === 'https:' && url.protocol === 'http:') {
    throw new TransportError('refused', 'redirect from https to http')
  }
  const cameFromGlobal = hop.cameFromGlobal || addresses.some(address => addressScope(address) === 'global')
  return { url, credentials: hop.credentials, cameFromGlobal }
}

/** The addresses of the URL's host that may be asked; if there is none, why. */
async function judgedAddresses(hop: Hop, { trust, names }: FetchSettings, signal: AbortSignal): Promise<string[]> {
  const refusal = urlRefusal(hop.url, trust)
  if (refusal !== undefined) throw new TransportError('refused', refusal)
  const allowed: string[] = []
  let firstRefusal = ''
  for (const address of await names.resolve(hop.url.hostname, signal)) {
    const addressReason = addressRefusal(hop.url, address, trust, hop)
    if (addressReason === undefined) allowed.push(address)
    else firstRefusal ||= addressReason
  }
  if (allowed.length === 0) throw new TransportError('refused', firstRefusal)
  return allowed
}

/** One request on a connection of its own, made to one of the judged addresses. */
async function request(hop: Hop, addresses: readonly string[], settings: FetchSettings, signal: AbortSignal) {
  const { Client } = await import('undici')
  const client = new Client(hop.url.origin, {
    maxResponseSize: settings.maxBytes,
    headersTimeout: settings.silentMs,
    bodyTimeout: settings.silentMs,
    autoSelectFamily: true,
    connect: { timeout: settings.silentMs, lookup: fixedLookup(addresses), rejectUnauthorized: true }
  })
  try {
    return await answer(client, hop, settings, signal)
  } catch (error) {
    signal.throwIfAborted()
    throw asTransportError(error)
  } finally {
    await client.destroy()
  }
}

async function answer(client: Client, hop: Hop, { userAgent, maxBytes }: FetchSettings, signal: AbortSignal) {
  const { url, credentials } = hop
  const response = await client.request({
    method: 'GET',
    path: url.pathname + url.search,
    headers: {
      'user-agent': userAgent,
      accept: '*/*',
      'accept-encoding': 'gzip, deflate',
      ...(credentials?.origin === url.origin ? { authorization: credentials.header } : {})
    },
    signal
  })
  // The client is destroyed with the body unread on redirects: that must not surface as an unhandled 'error'.
  response.body.on('error', () => undefined)
  const location = redirectTarget(response)
  if (location !== undefined) return { location }
  const raw = Buffer.from(await response.body.arrayBuffer())
  const encoding = response.headers['content-encoding']
  const body = raw.length === 0 ? raw : await inflateBody(raw, encoding, maxBytes)
  if (response.statusCode === 200) return body
  const details = { status: response.statusCode, body }
  throw new TransportError('status', `HTTP status ${response.statusCode}`, details)
}

function redirectTarget({ statusCode, headers }: Dispatcher.ResponseData): string | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode)) return undefined
  return typeof headers.location === 'string' ? headers.location : undefined
}

/** A lookup that knows nothing but the judged addresses, so that no second answer of DNS can slip in between. */
function fixedLookup(addresses: readonly string[]): LookupFunction {
  const all = addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
  return (_host, options, done) => {
    if (options.all) done(null, all)
    else done(null, all[0]?.address ?? '', all[0]?.family)
  }
}

function asTransportError(error: unknown): TransportError {
  if (error instanceof TransportError) return error
  const { code, message } =
    error instanceof Error ? { code: codeOf(error), message: error.message } : { code: '', message: '' }
  const details = { cause: error }
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return new TransportError('body', 'the answer is too large', details)
  if (/^UND_ERR_(?:CONNECT|HEADERS|BODY)_TIMEOUT$/.test(code))
    return new TransportError('timeout', 'no answer', details)
  if (code.startsWith('HPE_')) return new TransportError('body', 'the answer is not HTTP', details)
  return new TransportError('network', message === '' ? code : message, details)
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}
