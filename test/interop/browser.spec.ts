/** The page in a real browser: a film plays while it downloads, with its index at the end, is sought in, and plays on. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { chromium, type Browser, type Page } from 'playwright-core'
import { openTorrent, type Torrent } from '../../lib/index.js'
import { installedPath, requireProgram } from '../support/real-clients/available.js'
import { Seeder } from '../support/seeder.js'
import { ThrottledLine } from '../support/throttled-line.js'
import { Workspace } from './content.js'

const SECONDS = 60
/** Of each of two peers: the film takes about twelve seconds. */
const BYTES_PER_SECOND = 600_000
const execute = promisify(execFile)

const SUBTITLES = '1\r\n00:00:00,000 --> 00:00:30,000\r\nfirst\r\n\r\n2\r\n00:00:30,000 --> 00:01:00,000\r\nsecond\r\n'

interface PlayerState {
  readonly currentTime: number
  readonly readyState: number
  readonly duration: number
  readonly error: string | undefined
}

describe('in Chromium', function () {
  this.timeout(60_000)
  const workspace = new Workspace()
  const lines: ThrottledLine[] = []
  const seeders: Seeder[] = []
  let torrent: Torrent | undefined
  let browser: Browser | undefined
  let page: Page
  const problems: string[] = []

  before(async function () {
    requireProgram(this, 'ffmpeg', 'ffmpeg')
    requireProgram(this, 'chromium', 'chromium')
    const film = join(workspace.folder(), 'film.mp4')
    const picture = ['-f', 'lavfi', '-i', `testsrc2=duration=${SECONDS}:size=640x360:rate=25`]
    const sound = ['-f', 'lavfi', '-i', `sine=duration=${SECONDS}`]
    const coding = ['-c:v', 'libx264', '-preset', 'ultrafast', '-b:v', '2M', '-minrate', '2M', '-c:a', 'aac']
    await execute('ffmpeg', ['-v', 'error', ...picture, ...sound, ...coding, film])
    const source = {
      name: 'folder',
      pieceLength: 65_536,
      files: [
        { path: ['film.mp4'], data: readFileSync(film) },
        { path: ['film.en.srt'], data: Buffer.from(SUBTITLES) }
      ]
    }
    // Two peers: of two connections to one peer only one would stay.
    for (let i = 0; i < 2; i++) {
      const seeder = await Seeder.start(source)
      seeders.push(seeder)
      lines.push(await ThrottledLine.open(seeder.address, BYTES_PER_SECOND))
    }
    torrent = await openTorrent(seeders[0]?.path ?? '', {
      peers: lines.map(({ address }) => address),
      discovery: false,
      peerTimeoutMs: 0,
      stallTimeoutMs: 0
    })
    const { url } = await torrent.serve()
    browser = await chromium.launch({
      executablePath: installedPath('chromium') ?? '',
      args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required']
    })
    page = await browser.newPage({ viewport: { width: 360, height: 740 } })
    page.on('pageerror', error => problems.push(error.message))
    page.on('console', message => {
      if (message.type() === 'error') problems.push(message.text())
    })
    await page.goto(url)
  })
  after(async () => {
    await browser?.close()
    await torrent?.close()
    for (const line of lines) await line.close()
    for (const seeder of seeders) await seeder.close()
    workspace.remove()
  })

  const state = async (): Promise<PlayerState> =>
    await page.evaluate<PlayerState>(`(() => {
      const { currentTime, readyState, duration, error } = document.querySelector('video')
      return { currentTime, readyState, duration, error: error?.message }
    })()`)
  /** What waits inside of the page would need `eval`, which the page forbids. */
  const becomesTrue = async (expression: string): Promise<void> => {
    while (!(await page.evaluate(expression))) await page.waitForTimeout(20)
  }
  const playsOn = async (from: number): Promise<PlayerState> => {
    await becomesTrue(`document.querySelector('video').currentTime > ${from + 1}`)
    return await state()
  }

  it('plays the film while it downloads, though its index is at the end', async () => {
    await page.evaluate(`document.querySelector('video').play()`)
    const playing = await playsOn(0)
    expect(playing.error).to.equal(undefined)
    expect(playing.duration).to.be.closeTo(SECONDS, 0.5)
    expect(playing.readyState).to.be.at.least(3)
    expect(torrent?.stats().verified).to.be.below(torrent?.length ?? 0)
  })

  it('seeks to where nothing is yet, and plays on', async () => {
    const target = SECONDS * 0.8
    await page.evaluate(`document.querySelector('video').currentTime = ${target}`)
    const playing = await playsOn(target)
    expect(playing.readyState).to.be.at.least(3)
    expect(playing.error).to.equal(undefined)
  })

  it('shows the subtitles that lie beside the film', async () => {
    await page.evaluate(`document.querySelector('video').textTracks[0].mode = 'showing'`)
    await becomesTrue(`document.querySelector('video').textTracks[0].cues?.length === 2`)
    const active = `[...document.querySelector('video').textTracks[0].activeCues].map(cue => cue.text).join()`
    expect(await page.evaluate(active)).to.equal('second')
  })

  it('tells how it stands, in figures and in words', async () => {
    const figure = (name: string): string => `document.querySelector('[data-figure="${name}"]').textContent`
    await becomesTrue(`${figure('peers')} === '2'`)
    expect(await page.evaluate(figure('verified'))).to.match(/^[\d.]+ % of \d+ MB$/)
    const map = `document.querySelector('[data-map]').getAttribute('aria-label')`
    expect(await page.evaluate(map)).to.match(/^Map of the pieces: [\d.]+ % of the pieces are here/)
  })

  it('fits 360 pixels, and is worked by keys', async () => {
    expect(await page.evaluate('document.documentElement.scrollWidth')).to.be.at.most(360)
    await page.evaluate(`document.querySelector('video').pause()`)
    const play = page.getByRole('button', { name: 'Play film.mp4' })
    await play.focus()
    await page.keyboard.press('Enter')
    await becomesTrue(`!document.querySelector('video').paused`)
    expect(await page.evaluate('document.activeElement.tagName')).to.equal('VIDEO')
    expect((await playsOn(0)).error).to.equal(undefined)
  })

  it('had nothing to complain about', () => {
    expect(problems).to.deep.equal([])
  })
})
