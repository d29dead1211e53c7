import { expect } from 'chai'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { UdpSocket } from '../../lib/transport/udp-socket.js'
import type { PeerAddress } from '../../lib/wire/peer-address.js'
import { hasIpv6Loopback } from '../support/loopback.js'
import { rejection } from '../support/rejection.js'

describe('UdpSocket', () => {
  const open: UdpSocket[] = []
  const socket = (options = {}) => {
    const made = new UdpSocket({ host4: '127.0.0.1', host6: '::1', ...options })
    open.push(made)
    return made
  }

  afterEach(async () => {
    await Promise.all(open.splice(0).map(each => each.close()))
  })

  /** The next datagram that a handler claims. */
  const next = (from: UdpSocket) =>
    new Promise<{ text: string; from: PeerAddress }>(resolve => {
      from.handle((datagram, sender) => {
        resolve({ text: datagram.toString(), from: sender })
        return true
      })
    })

  it('carries datagrams in both families', async function () {
    const families = hasIpv6Loopback() ? ([4, 6] as const) : ([4] as const)
    for (const family of families) {
      const [a, b] = [socket(), socket()]
      const host = family === 4 ? '127.0.0.1' : '::1'
      const arrived = next(b)
      await a.send(Buffer.from('hello'), { host, port: await b.bind(family) })
      expect(await arrived).to.deep.equal({ text: 'hello', from: { host, port: await a.bind(family) } })
    }
  })

  it('hands a datagram to the first handler that claims it', async () => {
    const [a, b] = [socket(), socket()]
    const log: string[] = []
    const removeGreedy = b.handle(datagram => {
      log.push(`first ${datagram.toString()}`)
      return datagram.toString() === 'mine'
    })
    let seen: () => void = () => undefined
    b.handle(datagram => {
      log.push(`second ${datagram.toString()}`)
      seen()
      return true
    })
    const to = { host: '127.0.0.1', port: await b.bind(4) }
    const send = async (text: string) => {
      const arrived = new Promise<void>(resolve => (seen = resolve))
      await a.send(Buffer.from(text), to)
      return arrived
    }
    await a.send(Buffer.from('mine'), to)
    await send('other')
    removeGreedy()
    await send('mine')
    expect(log).to.deep.equal(['first mine', 'first other', 'second other', 'second mine'])
  })

  it('never looks up a name', async () => {
    const error = await rejection(socket().send(Buffer.from('x'), { host: 'localhost', port: 9 }))
    expect(error).to.have.property('code')
  })

  it('binds the port it is given, and says so when it is taken', async () => {
    const other = createSocket('udp4').bind(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address()
    const taken = socket({ port })
    expect(await rejection(taken.bind(4))).to.have.property('code', 'EADDRINUSE')
    await new Promise<void>(resolve => other.close(() => resolve()))
    expect(await taken.bind(4)).to.equal(port)
  })

  it('does nothing after close, twice', async () => {
    const closed = socket()
    const binding = closed.bind(4)
    await Promise.all([closed.close(), closed.close()])
    await binding.catch(() => undefined)
    expect((await rejection(closed.send(Buffer.from('x'), { host: '127.0.0.1', port: 9 }))).message).to.match(/closed/)
  })
})
