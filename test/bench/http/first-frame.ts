/** From `bt-stream play` to the first frame in mpv, of a film in the swarm `good`. [ROUNDS] */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeTorrent } from '../../support/make-torrent.js'
import { RunningProgram } from '../../support/program.js'
import { onlyThese, quantile, rigFile, startSwarm } from './rig.js'

const rounds = Number(process.argv[2] ?? 5)
const dir = mkdtempSync(join(tmpdir(), 'bt-frame-'))

/** mpv as it is, but that it shows its film to nobody, and tells when the first frame is there. */
const player = join(dir, 'player')
const options = '--no-config --vo=null --ao=null --length=1 --msg-level=all=error,cplayer=v'
writeFileSync(player, `#!/bin/sh\nexec mpv ${options} "$@" >&2\n`, { mode: 0o755 })

for (const [name, more] of [
  ['index first', ['-movflags', '+faststart']],
  ['index at the end', []]
] as const) {
  const film = join(dir, 'film.mp4')
  const input = [
    '-f',
    'lavfi',
    '-i',
    'testsrc2=duration=60:size=1280x720:rate=25',
    '-f',
    'lavfi',
    '-i',
    'sine=duration=60'
  ]
  const coding = ['-c:v', 'libx264', '-preset', 'ultrafast', '-b:v', '5M', '-minrate', '5M', '-c:a', 'aac']
  execFileSync('ffmpeg', ['-v', 'error', '-y', ...input, ...coding, ...more, film])
  const torrent = join(dir, 'film.torrent')
  const data = readFileSync(film)
  writeFileSync(torrent, makeTorrent({ name: 'film.mp4', pieceLength: 2 ** 18, data }).torrent)
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const swarm = await startSwarm(rigFile('good.json'), [torrent, film])
    const begun = performance.now()
    const program = new RunningProgram(['play', torrent, '--player', player, ...onlyThese(swarm.peers)])
    await program.line(/first video frame after restart shown/)
    times.push(performance.now() - begun)
    await program.exit()
    await swarm.stop()
  }
  const median = Math.round(quantile(times, 0.5))
  process.stdout.write(
    `play to first frame, ${name}, ${Math.round(data.length / 1e6)} MB: median ${median} ms (${times.map(Math.round).join(' ')})\n`
  )
}
rmSync(dir, { recursive: true })
