import { expect } from 'chai'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { createServer, connect, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { expectNoLeaks, noLeaks } from './no-leaks.js'

const thisFile = fileURLToPath(import.meta.url)

/** The message with which a leak of `work` is reported; '' when there is none. Closes with `cleanUp` afterwards. */
async function reportOf(work: () => unknown, cleanUp: () => unknown): Promise<string> {
  try {
    await expectNoLeaks(work, { withinMs: 50 })
    return ''
  } catch (error) {
    return (error as Error).message
  } finally {
    await cleanUp()
  }
}

describe('expectNoLeaks', () => {
  it('reports a listening server', async () => {
    const server = createServer()
    const report = await reportOf(
      async () => {
        await once(server.listen(0, '127.0.0.1'), 'listening')
      },
      () => server.close()
    )
    expect(report).to.contain('TCPSERVERWRAP')
  })

  it('reports a socket, also when it is unref’d', async () => {
    let socket: Socket | undefined
    const report = await reportOf(
      async () => {
        socket = createSocket('udp4').bind(0, '127.0.0.1')
        await once(socket, 'listening')
        socket.unref()
      },
      () => socket?.close()
    )
    expect(report).to.match(/UDPWRAP .*no-leaks\.spec/)
  })

  it('reports a timer, also when it is unref’d', async () => {
    let timer: NodeJS.Timeout | undefined
    const report = await reportOf(
      () => (timer = setTimeout(() => undefined, 60_000).unref()),
      () => {
        clearTimeout(timer)
      }
    )
    expect(report).to.match(/Timeout .*no-leaks\.spec/)
  })

  it('reports a worker', async () => {
    let worker: Worker | undefined
    const report = await reportOf(
      async () => {
        worker = new Worker('setInterval(() => {}, 1000)', { eval: true })
        await once(worker, 'online')
      },
      () => worker?.terminate()
    )
    expect(report).to.match(/WORKER .*no-leaks\.spec/)
  })

  it('reports a file descriptor', async function () {
    if (process.platform !== 'linux') this.skip()
    let descriptor = 0
    const report = await reportOf(
      () => (descriptor = openSync(thisFile, 'r')),
      () => {
        closeSync(descriptor)
      }
    )
    expect(report).to.contain(`1 descriptor(s) of ${thisFile}`)
  })

  it('waits for what is being closed', async () => {
    await expectNoLeaks(async () => {
      const server = createServer(socket => socket.resume())
      await once(server.listen(0, '127.0.0.1'), 'listening')
      const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
      await once(server, 'connection')
      client.end()
      server.close()
      setTimeout(() => undefined, 30)
    })
  })

  it('ignores what was open before', async () => {
    const server = createServer()
    await once(server.listen(0, '127.0.0.1'), 'listening')
    await expectNoLeaks(() => undefined)
    server.close()
  })

  it('passes on an error of the work', async () => {
    const failure = new Error('its own')
    let caught: unknown
    try {
      await expectNoLeaks(() => {
        throw failure
      })
    } catch (error) {
      caught = error
    }
    expect(caught).to.equal(failure)
  })
})

describe('noLeaks', function () {
  let open: NodeJS.Timeout | undefined
  afterEach(() => {
    clearTimeout(open)
  })

  it('lets a test pass whose leftovers its suite cleans up', () => {
    open = setTimeout(() => undefined, 60_000)
  })

  noLeaks(this)
})
