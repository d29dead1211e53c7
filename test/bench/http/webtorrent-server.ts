/** WebTorrent's own HTTP server of a torrent: FILE.torrent peer...; prints the URL of the first file. It fetches only what is asked for. */
import { createRequire, register } from 'node:module'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { benchFile } from './rig.js'

interface WebTorrent {
  add(torrent: Buffer, options: object): WebTorrentTorrent
  createServer(
    options: object,
    kind: 'node'
  ): { server: { address(): AddressInfo }; listen(port: number, host: string, ready: () => void): void }
}

interface WebTorrentTorrent {
  readonly infoHash: string
  readonly files: readonly { readonly path: string; readonly streamURL: string }[]
  addPeer(peer: string): void
  on(event: 'infoHash' | 'ready', listener: () => void): void
}

// Its WebRTC binary is not installed (a script of its package would download it): an empty module takes its place.
const empty = `data:text/javascript,${encodeURIComponent(
  'const X=class{};export default X;export{X as RTCPeerConnection,X as RTCSessionDescription,X as RTCIceCandidate,X as MediaStream,X as RTCDataChannel}'
)}`
const hook = `export async function resolve(s,c,n){return s==='webrtc-polyfill'||s.startsWith('node-datachannel')?{url:${JSON.stringify(empty)},shortCircuit:true}:n(s,c)}`
register(`data:text/javascript,${encodeURIComponent(hook)}`, 'file:///')

const [torrent = '', ...peers] = process.argv.slice(2)
const { resolve } = createRequire(benchFile('anchors/'))
const { default: Client } = (await import(resolve('webtorrent'))) as { default: new (options: object) => WebTorrent }
const quiet = {
  dht: false,
  lsd: false,
  utPex: false,
  natUpnp: false,
  natPmp: false,
  utp: false,
  secure: 0,
  tracker: false
}
const client = new Client(quiet)
const added = client.add(readFileSync(torrent), { path: mkdtempSync(join(tmpdir(), 'wt-')), deselect: true })
added.on('infoHash', () => {
  for (const peer of peers) added.addPeer(peer)
})
added.on('ready', () => {
  const instance = client.createServer({}, 'node')
  instance.listen(0, '127.0.0.1', () => {
    const { port } = instance.server.address()
    process.stdout.write(`http://127.0.0.1:${port}${added.files[0]?.streamURL ?? ''}\n`)
  })
})
