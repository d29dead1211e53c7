/** `get` of 1 GiB from libtorrent's seeder that takes RC4 alone, beside libtorrent doing the same, taking turns. `node dist/test/bench/encrypted-get.js [rounds]` */
import { SeedRig, median, type Download } from './seed-rig.js'

const rounds = Number(process.argv[2] ?? 3)
// Heard by libtorrent's scripts.
process.env['BT_ENCRYPTION'] = 'require'

const rig = await SeedRig.open()
const seeder = await rig.seedLibtorrent()
const leechers: Record<string, () => Promise<Download>> = {
  ours: () => rig.getOurs(seeder.port, '--encryption', 'require'),
  libtorrent: () => rig.getLibtorrent(seeder.port)
}
const results: Record<string, Download[]> = { ours: [], libtorrent: [] }
try {
  // The first round warms up.
  for (let round = -1; round < rounds; round++)
    for (const [name, download] of Object.entries(leechers)) {
      const result = await download()
      if (round >= 0) results[name]?.push(result)
    }
} finally {
  await seeder.stop()
  await rig.close()
}
const middle = (name: string, figure: keyof Download): number => median((results[name] ?? []).map(each => each[figure]))
for (const name of Object.keys(leechers))
  process.stdout.write(`${name}: ${middle(name, 'seconds').toFixed(2)} s, ${middle(name, 'cpu').toFixed(2)} s CPU\n`)
process.stdout.write(`x${(middle('ours', 'seconds') / middle('libtorrent', 'seconds')).toFixed(2)}\n`)
