/** WebTorrent, from the folder BENCH (docs/benchmarks.md), without its WebRTC. */
import { createRequire, register } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { benchFile } from './http/rig.js'

export interface WebTorrent {
  add(torrent: Buffer | string, options: object): WebTorrentTorrent
  createServer(
    options: object,
    kind: 'node'
  ): { server: { address(): AddressInfo }; listen(port: number, host: string, ready: () => void): void }
}

export interface WebTorrentTorrent {
  readonly infoHash: string
  readonly files: readonly { readonly path: string; readonly streamURL: string; createReadStream(): Readable }[]
  addPeer(peer: string): void
  on(event: 'infoHash' | 'ready', listener: () => void): void
}

// Its WebRTC binary is not installed (a script of its package would download it): an empty module takes its place.
const empty = `data:text/javascript,${encodeURIComponent(
  'const X=class{};export default X;export{X as RTCPeerConnection,X as RTCSessionDescription,X as RTCIceCandidate,X as MediaStream,X as RTCDataChannel}'
)}`
const hook = `export async function resolve(s,c,n){return s==='webrtc-polyfill'||s.startsWith('node-datachannel')?{url:${JSON.stringify(empty)},shortCircuit:true}:n(s,c)}`

export async function loadWebTorrent(): Promise<new (options: object) => WebTorrent> {
  register(`data:text/javascript,${encodeURIComponent(hook)}`, 'file:///')
  const { resolve } = createRequire(benchFile('anchors/'))
  const { default: Client } = (await import(resolve('webtorrent'))) as { default: new (options: object) => WebTorrent }
  return Client
}
