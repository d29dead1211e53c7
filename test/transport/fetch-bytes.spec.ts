import { expect } from 'chai'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { createServer as createNetServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fetchBytes, type FetchOptions } from '../../lib/transport/fetch-bytes.js'
import { NameLookup } from '../../lib/transport/name-lookup.js'
import { TransportError } from '../../lib/transport/transport-error.js'
import { conformanceDir } from '../support/conformance.js'
import { projectRoot } from '../support/project-root.js'
import { rejection } from '../support/rejection.js'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

describe('fetchBytes', () => {
  const servers: Server[] = []
  const options = (changes: Partial<FetchOptions> = {}): FetchOptions => ({
    trust: 'user',
    maxBytes: 1000,
    userAgent: 'bt-stream/test',
    ...changes
  })

  /** A server on loopback; resolves to its origin. */
  const serve = async (handler: Handler) => {
    const server = createServer(handler).listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  const redirect =
    (location: (request: IncomingMessage) => string, status = 302): Handler =>
    (request, response) =>
      void response.writeHead(status, { location: location(request) }).end('moved')

  const refusal = async (url: string, changes: Partial<FetchOptions> = {}) => {
    const error = await rejection(fetchBytes(url, options(changes)))
    if (!(error instanceof TransportError)) throw error
    return error
  }

  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
  })

  it('fetches up to its limit and not a byte more', async () => {
    const origin = await serve((request, response) => {
      response.end(Buffer.alloc(Number(request.url?.slice(1)), 7))
    })
    expect(await fetchBytes(`${origin}/1000`, options())).to.deep.equal(Buffer.alloc(1000, 7))
    expect(await refusal(`${origin}/1001`)).to.have.property('kind', 'body')
  })

  it('fetches nothing at all as no bytes', async () => {
    const origin = await serve((_request, response) => void response.setHeader('content-encoding', 'gzip').end())
    expect(await fetchBytes(origin, options())).to.have.length(0)
  })

  for (const status of [301, 302, 303, 307, 308]) {
    it(`follows ${status}`, async () => {
      const origin = await serve((request, response) => {
        if (request.url === '/to') response.end('here')
        else redirect(() => '/to', status)(request, response)
      })
      expect(String(await fetchBytes(`${origin}/from`, options()))).to.equal('here')
    })
  }

  it('follows five redirects and not six', async () => {
    const origin = await serve((request, response) => {
      const left = Number(request.url?.slice(1))
      if (left === 0) response.end('here')
      else redirect(() => `/${left - 1}`)(request, response)
    })
    expect(String(await fetchBytes(`${origin}/5`, options()))).to.equal('here')
    expect(await refusal(`${origin}/6`)).to.have.property('kind', 'refused')
  })

  for (const location of ['file:///etc/passwd', 'ftp://127.0.0.1/', 'http://', 'gopher:x', 'http://127.0.0.1:0/']) {
    it(`does not follow a redirect to ${location}`, async () => {
      const origin = await serve(redirect(() => location))
      expect(await refusal(origin)).to.have.property('kind', 'refused')
    })
  }

  it('judges each hop of a tracker anew', async () => {
    const origin = await serve(redirect(() => '/admin'))
    expect((await refusal(`${origin}/announce`, { trust: 'tracker' })).message).to.contain('/announce')
    const sideways = await serve(redirect(() => `${origin}/admin?delete=all`))
    expect((await refusal(`${sideways}/file`, { trust: 'swarm' })).message).to.contain('query string')
  })

  it('does not follow from the internet to this machine', async () => {
    // The name has an address on the internet, so whoever answers for it may not send us inside.
    const names = new NameLookup({ lookup: () => Promise.resolve(['127.0.0.1', '8.8.8.8']) })
    const inside = await serve((_request, response) => void response.end('secret'))
    const origin = await serve(redirect(() => inside))
    const port = new URL(origin).port
    const error = await refusal(`http://public.example:${port}/`, { names })
    expect(error.message).to.contain('redirect from the internet')
  })

  it('judges the address that a name leads to', async () => {
    const names = new NameLookup({ lookup: () => Promise.resolve(['127.0.0.1']) })
    const origin = await serve((_request, response) => void response.end('here'))
    const url = `http://innocent.example:${new URL(origin).port}`
    expect(String(await fetchBytes(`${url}/announce`, options({ names, trust: 'tracker' })))).to.equal('here')
    expect(await refusal(`${url}/other`, { names, trust: 'tracker' })).to.have.property('kind', 'refused')
  })

  it('asks only the addresses that passed', async () => {
    const names = new NameLookup({ lookup: () => Promise.resolve(['0.0.0.0', '127.0.0.1', '224.0.0.1']) })
    const origin = await serve((_request, response) => void response.end('here'))
    const url = `http://mixed.example:${new URL(origin).port}/`
    expect(String(await fetchBytes(url, options({ names })))).to.equal('here')
  })

  it('sends credentials to their own origin only', async () => {
    const seen: (string | undefined)[] = []
    const other = await serve((request, response) => {
      seen.push(request.headers.authorization)
      response.end('here')
    })
    const origin = await serve((request, response) => {
      seen.push(request.headers.authorization)
      redirect(() => (request.url === '/1' ? '/2' : other))(request, response)
    })
    await fetchBytes(origin.replace('http://', 'http://me:p%40ss@') + '/1', options())
    const basic = `Basic ${Buffer.from('me:p@ss').toString('base64')}`
    expect(seen).to.deep.equal([basic, basic, undefined])
  })

  it('keeps path and query as they are', async () => {
    let seen = ''
    const origin = await serve((request, response) => {
      seen = request.url ?? ''
      response.end()
    })
    await fetchBytes(`${origin}/a%2Fb/%FF?x=%00%1a&y=%E9#fragment`, options())
    expect(seen).to.equal('/a%2Fb/%FF?x=%00%1a&y=%E9')
  })

  it('reports a status with what came along', async () => {
    const origin = await serve((_request, response) => void response.writeHead(404).end('gone'))
    const error = await refusal(origin)
    expect(error).to.include({ kind: 'status', status: 404 })
    expect(String(error.body)).to.equal('gone')
  })

  it('takes no encoding that it did not ask for', async () => {
    const origin = await serve((request, response) => {
      response.setHeader('content-encoding', decodeURIComponent(request.url?.slice(1) ?? '')).end('x')
    })
    for (const encoding of ['br', 'gzip, gzip', 'deflate, gzip']) {
      expect(await refusal(`${origin}/${encodeURIComponent(encoding)}`)).to.have.property('kind', 'body')
    }
  })

  it('ends when the server is silent, before and within the body', async () => {
    const origin = await serve((request, response) => {
      if (request.url === '/body') response.writeHead(200, { 'content-length': 10 }).write('x')
    })
    for (const path of ['/head', '/body']) {
      expect(await refusal(origin + path, { silentMs: 50 }), path).to.have.property('kind', 'timeout')
    }
  })

  it('ends when a server drips beyond the total time', async () => {
    const timers: NodeJS.Timeout[] = []
    const origin = await serve((_request, response) => {
      response.writeHead(200)
      timers.push(setInterval(() => response.write('x'), 5))
    })
    const error = await refusal(origin, { totalMs: 100 })
    timers.forEach(clearInterval)
    expect(error).to.have.property('kind', 'timeout')
  })

  it('ends with the reason of its signal', async () => {
    const origin = await serve(() => undefined)
    const controller = new AbortController()
    const fetching = rejection(fetchBytes(origin, options({ signal: controller.signal })))
    setTimeout(() => controller.abort(new Error('enough')), 10)
    expect((await fetching).message).to.equal('enough')
  })

  for (const text of ['', 'nonsense', 'file:///etc/passwd', 'http://0.0.0.0/', 'http://[::]/', 'http://224.0.0.1/']) {
    it(`does not ask "${text}"`, async () => {
      expect(await refusal(text)).to.have.property('kind', 'refused')
    })
  }

  describe('over TLS', () => {
    const fixture = (name: string) => join(projectRoot, 'test/fixtures/tls', name)
    const serveSecurely = async (handler: Handler) => {
      const identity = { key: readFileSync(fixture('self-signed.key')), cert: readFileSync(fixture('self-signed.crt')) }
      const server = createSecureServer(identity, handler).listen(0, '127.0.0.1')
      servers.push(server)
      await once(server, 'listening')
      return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
    }

    it('trusts no certificate that the system does not', async () => {
      const origin = await serveSecurely((_request, response) => void response.end('here'))
      const error = await refusal(origin)
      expect(error).to.have.property('kind', 'network')
      expect(error.message).to.match(/certificate/)
    })

    it('trusts one that it does, and follows no redirect to plain http', async () => {
      const origin = await serveSecurely((request, response) => {
        if (request.url === '/') response.end('here')
        else redirect(() => 'http://127.0.0.1:9/')(request, response)
      })
      const module = JSON.stringify(new URL('../../lib/transport/fetch-bytes.js', import.meta.url).href)
      const program = `
        import { fetchBytes } from ${module}
        const options = { trust: 'user', maxBytes: 99, userAgent: 'x' }
        console.log(String(await fetchBytes('${origin}/', options)))
        await fetchBytes('${origin}/away', options).catch(error => console.log(error.message))`
      const env = { ...process.env, NODE_EXTRA_CA_CERTS: fixture('self-signed.crt') }
      const child = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { env })
      expect(child.stdout.trim().split('\n')).to.deep.equal(['here', 'redirect from https to http'])
    })
  })

  describe('conformance', () => {
    const folder = conformanceDir()
    if (folder === undefined) {
      it('vectors.json http_parser (conformance data is missing)')
      return
    }
    const { http_parser: cases } = JSON.parse(readFileSync(join(folder, 'vectors.json'), 'utf8')) as {
      http_parser: { response?: string; chunked_body?: string; collapsed?: string }[]
    }
    for (const { response, chunked_body: chunked, collapsed } of cases) {
      const text = response ?? `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked ?? ''}`
      it(`${response === undefined ? 'reads' : 'refuses'} ${JSON.stringify(text.slice(17))}`, async () => {
        const server = createNetServer(socket => {
          socket.on('error', () => undefined)
          socket.once('data', () => socket.end(text))
        }).listen(0, '127.0.0.1')
        servers.push(server)
        await once(server, 'listening')
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
        if (response === undefined) expect(String(await fetchBytes(url, options()))).to.equal(collapsed)
        else await refusal(url)
      })
    }
  })
})
