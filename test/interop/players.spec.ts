/** What players do over HTTP while it downloads: look at the end first, seek, play on. */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { requireProgram } from '../support/real-clients/available.js'
import { RunningProgram } from '../support/program.js'
import { Seeder } from '../support/seeder.js'
import { Workspace } from './content.js'

const SECONDS = 20

/** Rejects when the program fails. The seeder lives in this process: nothing may block it. */
const execute = promisify(execFile)

const PICTURE = ['-map', '0:v', '-c:v', 'libx264', '-preset', 'ultrafast', '-map', '1:a', '-c:a', 'aac']

/** The index of an mp4 stands at its end unless it is asked for at the start; a Matroska has one of its own, music has none. */
const FILMS: readonly (readonly [name: string, options: readonly string[]])[] = [
  ['index at the end.mp4', PICTURE],
  ['index first.mp4', [...PICTURE, '-movflags', '+faststart']],
  ['with subtitles.mkv', [...PICTURE, '-map', '2:s', '-c:s', 'srt']],
  ['music.mp3', ['-map', '1:a', '-c:a', 'libmp3lame']]
]
const SUBTITLES = '1\n00:00:00,000 --> 00:00:19,000\nwords\n'

describe('over HTTP', () => {
  const workspace = new Workspace()
  let seeder: Seeder | undefined
  let program: RunningProgram | undefined
  let films: readonly Buffer[] = []
  let urls: readonly string[] = []

  before(async function () {
    requireProgram(this, 'ffmpeg', 'ffmpeg')
    const dir = workspace.folder()
    const source = ['-f', 'lavfi', '-i', `testsrc2=duration=${SECONDS}:size=320x240:rate=25`]
    const sound = ['-f', 'lavfi', '-i', `sine=duration=${SECONDS}`]
    const words = join(workspace.folder(), 'words.srt')
    writeFileSync(words, SUBTITLES)
    for (const [name, options] of FILMS)
      await execute('ffmpeg', ['-v', 'error', ...source, ...sound, '-i', words, ...options, join(dir, name)])
    films = FILMS.map(([name]) => readFileSync(join(dir, name)))
    const files = FILMS.map(([name], i) => ({ path: [name], data: films[i] ?? Buffer.alloc(0) }))
    seeder = await Seeder.start({ name: 'films', pieceLength: 65_536, files })
    program = new RunningProgram(['serve', seeder.path, ...seeder.only, '--json'])
    const { url } = JSON.parse(await program.line(/"http"/)) as { url: string }
    const { torrents } = (await (await fetch(`${url}api`)).json()) as { torrents: { files: { url: string }[] }[] }
    urls = torrents[0]?.files.map(file => file.url) ?? []
  })
  after(async () => {
    program?.child.kill('SIGINT')
    await program?.exit()
    await seeder?.close()
    workspace.remove()
  })

  for (const [i, [name]] of FILMS.entries()) {
    it(`ffprobe finds out how long "${name}" is`, async function () {
      requireProgram(this, 'ffprobe', 'ffmpeg')
      const asked = ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', urls[i] ?? '']
      const { stdout } = await execute('ffprobe', asked)
      expect(Number(stdout)).to.be.closeTo(SECONDS, 0.2)
    })

    it(`mpv plays the end of "${name}"`, async function () {
      requireProgram(this, 'mpv', 'mpv')
      const options = ['--no-config', '--really-quiet', '--vo=null', '--ao=null', '--start=95%']
      await execute('mpv', [...options, urls[i] ?? ''])
    })
  }

  it('ffprobe finds the subtitles within a film', async function () {
    requireProgram(this, 'ffprobe', 'ffmpeg')
    const asked = [
      '-v',
      'error',
      '-select_streams',
      's',
      '-show_entries',
      'packet=size',
      '-of',
      'csv=p=0',
      urls[2] ?? ''
    ]
    const { stdout } = await execute('ffprobe', asked)
    expect(stdout.trim()).to.equal(String('words'.length))
  })

  it('curl gets the bytes it asks for', async function () {
    requireProgram(this, 'curl', 'curl')
    const [film = Buffer.alloc(0)] = films
    const ranges: [range: string, bytes: Buffer][] = [
      ['0-0', film.subarray(0, 1)],
      ['-1000', film.subarray(-1000)],
      ['65530-65545', film.subarray(65_530, 65_546)],
      [`${film.length - 5}-${film.length + 5}`, film.subarray(-5)]
    ]
    for (const [range, bytes] of ranges) {
      const { stdout } = await execute('curl', ['-sf', '-r', range, urls[0] ?? ''], { encoding: 'buffer' })
      expect(stdout.equals(bytes), range).to.equal(true)
    }
  })
})
