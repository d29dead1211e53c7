import { expect } from 'chai'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { Listener } from '../../lib/net/listener.js'
import { hasIpv6Loopback } from '../support/loopback.js'
import { noLeaks } from '../support/no-leaks.js'
import { until } from '../support/peer-bench.js'

describe('Listener', function () {
  /** Connects to it and gives the address that it saw. */
  async function seenFrom(host: string, bound?: string): Promise<string | undefined> {
    const sockets: Socket[] = []
    const listener = await Listener.open({ port: 0, tries: 0, host: bound, onSocket: socket => sockets.push(socket) })
    const client = connect(listener.port, host)
    await once(client, 'connect')
    const socket = await until(() => sockets[0])
    const seen = socket.remoteAddress
    client.destroy()
    socket.destroy()
    await listener.close()
    return seen
  }

  it('takes IPv4', async () => {
    expect(await seenFrom('127.0.0.1')).to.match(/127\.0\.0\.1$/)
  })

  it('takes IPv6 on the same port', async function () {
    if (!hasIpv6Loopback()) this.skip()
    expect(await seenFrom('::1')).to.equal('::1')
  })

  it('binds the address it is told', async () => {
    expect(await seenFrom('127.0.0.1', '127.0.0.1')).to.equal('127.0.0.1')
  })

  it('takes the next port when one is taken, within its tries', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const options = { port, host: '127.0.0.1', onSocket: () => undefined }
    const failure = await Listener.open({ ...options, tries: 0 }).catch((error: unknown) => error)
    expect(failure).to.have.property('code', 'EADDRINUSE')
    const listener = await Listener.open({ ...options, tries: 16 })
    expect(listener.port).to.be.within(port + 1, port + 16)
    await listener.close()
    taken.close()
    await once(taken, 'close')
  })

  it('stops at the last port there is', async function () {
    const taken = createServer().listen(65_535, '127.0.0.1')
    try {
      await once(taken, 'listening')
    } catch {
      this.skip()
    }
    const failure = await Listener.open({ port: 65_535, tries: 5, host: '127.0.0.1', onSocket: () => undefined }).catch(
      (error: unknown) => error
    )
    expect(failure).to.have.property('code', 'EADDRINUSE')
    taken.close()
    await once(taken, 'close')
  })

  noLeaks(this)
})
