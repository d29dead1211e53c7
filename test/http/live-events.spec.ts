import { expect } from 'chai'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LiveEvents } from '../../lib/http/live-events.js'
import { HTTP_MAX_LISTENERS } from '../../lib/limits.js'
import { until } from '../support/peer-bench.js'

describe('LiveEvents', () => {
  let figures: string
  let made: number
  let server: Server
  let refused: number

  beforeEach(async () => {
    figures = '{"n":0}'
    made = 0
    refused = 0
    const events = new LiveEvents(() => {
      made++
      return figures
    }, 1)
    server = createServer((_, response) => {
      if (events.add(response)) return
      refused++
      response.writeHead(503).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  const listen = async (): Promise<IncomingMessage> => {
    const { port } = server.address() as AddressInfo
    const asked = get({ host: '127.0.0.1', port, agent: false })
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    return response.setEncoding('utf8')
  }
  const messages = (response: IncomingMessage): string[] => {
    const list: string[] = []
    response.on('data', (text: string) => list.push(...text.split('\n\n').filter(line => line !== '')))
    response.on('error', () => undefined)
    return list
  }

  it('tell each listener how things stand at once, then only what is new', async () => {
    const [first, second] = [await listen(), await listen()]
    expect(first.headers['content-type']).to.equal('text/event-stream; charset=utf-8')
    const [a, b] = [messages(first), messages(second)]
    await until(() => a.length === 1 && b.length === 1)
    expect(a).to.deep.equal(['data: {"n":0}'])
    await until(() => made > 10)
    figures = '{"n":1}'
    await until(() => a.length > 1 && b.length > 1)
    expect([a, b]).to.deep.equal([
      ['data: {"n":0}', 'data: {"n":1}'],
      ['data: {"n":0}', 'data: {"n":1}']
    ])
  })

  it('are not made while nobody listens', async () => {
    const response = await listen()
    messages(response)
    await until(() => made > 3)
    response.destroy()
    let [before, looks] = [-1, 0]
    // At one a millisecond, twenty would have been made by then.
    await until(() => {
      looks = made === before ? looks + 1 : 0
      before = made
      return looks > 20
    })
  })

  it('have only so many listeners, and room again when one leaves', async () => {
    const responses = await Promise.all(Array.from({ length: HTTP_MAX_LISTENERS }, listen))
    for (const response of responses) messages(response)
    expect((await listen()).statusCode).to.equal(503)
    expect(refused).to.equal(1)
    responses[0]?.destroy()
    let status: number | undefined
    while (status !== 200) status = (await listen()).statusCode
  })
})
