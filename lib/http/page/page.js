// The page's life: figures as they come, the map of pieces, and the player. Everything that a torrent says is set as text.
'use strict'

const CELLS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const [ASKED, IN_WINDOW, HEAD, ALL_HERE] = [8, 16, 32, 7]
/** A screen reader is told of the map this often at most, ms. */
const TELL_EVERY_MS = 10_000

class TorrentView {
  constructor(section) {
    this.section = section
    this.find = selector => section.querySelector(selector)
    this.length = Number(section.dataset.length)
    this.canvas = this.find('[data-map]')
    this.map = ''
    this.toldAt = -Infinity
    this.playing = this.find('[data-file]')
    const media = this.find('video, audio')
    if (media) {
      const path = media.getAttribute('src')
      const item = [...section.querySelectorAll('[data-file]')].find(
        file => file.querySelector('a').getAttribute('href') === path
      )
      this.show(item)
      this.watch(media)
    }
    for (const button of section.querySelectorAll('[data-play]')) {
      button.hidden = false
      button.addEventListener('click', () => this.play(button))
    }
    new ResizeObserver(() => this.draw()).observe(this.canvas)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw())
  }

  // --- the player

  /** A new element for each file: the old one gives its connection up at once. */
  play(button) {
    const item = button.closest('[data-file]')
    const old = this.find('video, audio')
    const media = document.createElement(button.dataset.play)
    media.controls = true
    media.playsInline = true
    media.src = item.querySelector('a').getAttribute('href')
    media.setAttribute('aria-label', item.querySelector('a').textContent)
    for (const [src, language, label] of JSON.parse(button.dataset.tracks)) {
      const track = Object.assign(document.createElement('track'), { kind: 'subtitles', src, srclang: language, label })
      media.append(track)
    }
    old.removeAttribute('src')
    old.load()
    old.replaceWith(media)
    this.find('[data-now]').textContent = item.querySelector('a').textContent
    this.find('[data-external]').setAttribute('href', button.dataset.playlist)
    this.find('[data-problem]').hidden = true
    this.show(item)
    this.watch(media)
    media.focus()
    media.play().catch(() => undefined)
    this.find('[data-player]').scrollIntoView({ block: 'nearest' })
  }

  watch(media) {
    media.addEventListener('error', () => {
      if (media.error && media.error.code >= MediaError.MEDIA_ERR_DECODE) this.find('[data-problem]').hidden = false
    })
  }

  /** The file whose place the map underlines. */
  show(item) {
    for (const file of this.section.querySelectorAll('[aria-current]')) file.removeAttribute('aria-current')
    if (item) item.setAttribute('aria-current', 'true')
    this.playing = item
    this.draw()
  }

  // --- figures

  update(figures) {
    this.find('[data-live]').hidden = false
    this.figure('verified', `${share(figures.verified / this.length)} of ${size(this.length)}`)
    this.figure('downloadRate', `${size(figures.downloadRate)}/s`)
    this.figure('peers', String(figures.peers))
    this.figure('memory', `${size(figures.memory)} of ${size(figures.maxMemory)}`)
    const looking = figures.readers > 0 && figures.peers === 0 ? 'no peer yet' : ''
    // A player that takes nothing has enough for now, or pauses: its viewer waits for nothing.
    const waiting = figures.waiting === 'reader is slow' ? '' : (figures.waiting ?? looking)
    const line = this.find('[data-waiting]')
    const text = waiting === '' ? '' : `Waiting: ${waiting}`
    if (line.textContent !== text) line.textContent = text
    this.map = figures.map
    this.draw()
    this.tellMap()
  }

  figure(name, text) {
    this.find(`[data-figure="${name}"]`).textContent = text
  }

  // --- the map

  draw() {
    const { canvas, map } = this
    const [width, height] = [canvas.clientWidth, canvas.clientHeight]
    if (width === 0 || map === '') return
    const scale = devicePixelRatio
    canvas.width = Math.round(width * scale)
    canvas.height = Math.round(height * scale)
    const context = canvas.getContext('2d')
    const style = getComputedStyle(canvas)
    const color = name => style.getPropertyValue(name).trim()
    const cell = canvas.width / map.length
    const bottom = Math.round(canvas.height - 4 * scale)
    context.fillStyle = color('--empty')
    context.fillRect(0, 0, canvas.width, bottom)
    for (let i = 0; i < map.length; i++) {
      const state = CELLS.indexOf(map[i])
      const left = Math.floor(i * cell)
      const right = Math.floor((i + 1) * cell)
      const fill = (name, top, end, alpha = 1) => {
        context.globalAlpha = alpha
        context.fillStyle = color(name)
        context.fillRect(left, top, right - left, end - top)
        context.globalAlpha = 1
      }
      if (state & IN_WINDOW) fill('--window', 0, bottom)
      if (state & ASKED) fill('--asked', bottom / 2, bottom)
      const here = state & ALL_HERE
      if (here > 0) fill('--here', 0, bottom, 0.35 + (0.65 * here) / ALL_HERE)
      if (state & HEAD) {
        context.fillStyle = color('--head')
        context.fillRect(left, 0, Math.max(right - left, 3 * scale), bottom)
      }
    }
    this.underline(context, color('--text'), scale)
  }

  /** Where in the torrent the file lies that is played. */
  underline(context, color, scale) {
    if (!this.playing || this.length === 0) return
    const { width, height } = context.canvas
    const [offset, length] = [Number(this.playing.dataset.offset), Number(this.playing.dataset.length)]
    context.fillStyle = color
    const left = (offset / this.length) * width
    context.fillRect(left, height - 2 * scale, Math.max((length / this.length) * width, 2 * scale), 2 * scale)
  }

  /** The same in words. */
  tellMap() {
    const now = performance.now()
    if (now - this.toldAt < TELL_EVERY_MS) return
    this.toldAt = now
    const states = [...this.map].map(letter => CELLS.indexOf(letter))
    const here = states.reduce((sum, state) => sum + (state & ALL_HERE) / ALL_HERE, 0) / states.length
    const head = states.findIndex(state => state & HEAD)
    const asked = states.filter(state => state & ASKED).length
    const words = [`${share(here)} of the pieces are here`]
    if (asked > 0) words.push('some are on their way')
    if (head >= 0) words.push(`one at ${share(head / states.length)} of the torrent is waited for`)
    this.canvas.setAttribute('aria-label', `Map of the pieces: ${words.join(', ')}.`)
  }
}

function share(part) {
  return part >= 1 ? '100 %' : `${Math.floor(part * 1000) / 10} %`
}

function size(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  const amount = bytes / 1000 ** power
  return `${amount >= 10 || power === 0 ? Math.round(amount) : amount.toFixed(1)} ${units[power]}`
}

const views = new Map()
for (const section of document.querySelectorAll('[data-torrent]')) {
  views.set(section.dataset.torrent, new TorrentView(section))
}
const link = document.querySelector('[data-link]')
const events = new EventSource('events')
events.addEventListener('open', () => {
  link.textContent = ''
})
events.addEventListener('error', () => {
  link.textContent = 'The server does not answer.'
})
events.addEventListener('message', ({ data }) => {
  for (const figures of JSON.parse(data).torrents) views.get(figures.infoHash)?.update(figures)
})
