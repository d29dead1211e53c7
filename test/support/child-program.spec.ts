import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { expect } from 'chai'
import { ChildProgram } from './child-program.js'

const node = (script: string, options = {}): ChildProgram => new ChildProgram(process.execPath, ['-e', script], options)

/** Resolves to the error's message; a promise that resolves is the failure here. */
const failure = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it did not fail',
    (error: unknown) => (error as Error).message
  )

describe('ChildProgram', () => {
  it('keeps data apart from words', async () => {
    const script = "process.stdout.write(Buffer.from([0, 255])); console.error('words'); process.exitCode = 3"
    const program = node(script, { collectStdout: true })
    expect(await program.exited).to.deep.equal({ code: 3, signal: null })
    expect([...program.stdout]).to.deep.equal([0, 255])
    expect(program.output).to.equal('words\n')
  })

  it('gives input on stdin', async () => {
    const program = node('process.stdin.pipe(process.stdout)', { input: Buffer.from('abc') })
    await program.exited
    expect(program.output).to.equal('abc')
  })

  it('keeps only the end of a long output', async () => {
    const program = node("process.stdout.write('x'.repeat(100_000) + 'end')")
    await program.exited
    expect(program.output).to.match(/^x{10000,20000}end$/)
  })

  it('waits for an output line', async () => {
    const program = node("console.log('port 7'); setInterval(() => {}, 1000)")
    expect((await program.waitForOutput(/port (\d+)/, 5_000))[1]).to.equal('7')
    await program.stop()
    expect(program.hasEnded).to.equal(true)
  })

  it('tells what was said instead of the line, when the program ends and when the time is over', async () => {
    const ending = node("console.log('sorry'); process.exitCode = 4")
    expect(await failure(ending.waitForOutput(/ready/, 5_000))).to.match(
      /ended before.*\/ready\/ \(ended with 4\)\nsorry$/
    )
    const silent = node('setInterval(() => {}, 1000)')
    expect(await failure(silent.waitForOutput(/ready/, 10))).to.match(
      /did not print \/ready\/ in 10 ms\n\(it said nothing\)$/
    )
    expect(await failure(silent.waitForExit(10))).to.include('did not end in 10 ms')
  })

  it('tells that a program is not there', async () => {
    const program = new ChildProgram('/nowhere/at/all', [])
    expect(await failure(program.waitForOutput(/x/, 5_000))).to.match(/ended with a failed start[^]*ENOENT/)
    await program.stop()
  })

  it('ends what the program started, too', async () => {
    const program = new ChildProgram('sh', ['-c', 'sleep 600 & echo started; wait'])
    await program.waitForOutput(/started/, 5_000)
    await program.stop() // which waits until nobody holds the output open
  })

  for (const [how, end] of Object.entries({ 'a signal': 'SIGTERM', 'a crash': 'SIGUSR2' } as const)) {
    it(`ends with the process that runs the tests, here by ${how}`, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      const connects = `require('net').connect(${port}, '127.0.0.1')`
      const script = `const { ChildProgram } = await import('${new URL('./child-program.js', import.meta.url).href}')
        new ChildProgram(process.execPath, ['-e', ${JSON.stringify(connects)}])
        process.on('SIGUSR2', () => { throw new Error('as a fault in a test') })`
      const host = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' })
      const [socket] = (await once(server, 'connection')) as [Socket]
      const gone = once(socket.resume(), 'close')
      host.kill(end)
      await gone
      server.close()
    })
  }
})
