/**
 * SubRip subtitles as WebVTT (W3C), line by line. SubRip has no standard: what looks like a time opens a cue, an empty line ends it, the rest is
 * text. Of its markup <b>, <i> and <u> stay; nothing else can become markup. Holds one line.
 */
import { MAX_SUBTITLE_LINE } from '../limits.js'

const TIME = String.raw`(\d{1,3}):([0-5]?\d):([0-5]?\d)(?:[,.](\d{1,3}))?`
const TIMES = new RegExp(String.raw`^\s*${TIME}\s*-->\s*${TIME}(?:\s|$)`)

export class SrtToVtt {
  #line = ''
  /** A number that may be the next cue's, or a line of text. */
  #number: string | undefined
  #isInCue = false
  #isStarted = false

  /** The lines of WebVTT that are complete with this text. */
  push(text: string): string {
    const lines = (this.#line + text).split(/\r\n|\n|\r(?!$)/)
    const last = lines.pop() ?? ''
    // A return at the end may be half of a line's end.
    this.#line = cut(last) + (last.length > MAX_SUBTITLE_LINE && last.endsWith('\r') ? '\r' : '')
    return this.#start() + lines.map(line => this.#convert(cut(line))).join('')
  }

  /** The last line, which may lack its end. */
  end(): string {
    const last = this.#start() + this.#convert(cut(this.#line.replace(/\r$/, '')))
    this.#line = ''
    return last + this.#flushNumber()
  }

  #start(): string {
    if (this.#isStarted) return ''
    this.#isStarted = true
    return 'WEBVTT\n'
  }

  #convert(line: string): string {
    const times = TIMES.exec(line)
    if (times) {
      this.#number = undefined
      this.#isInCue = true
      return `\n${time(times.slice(1, 5))} --> ${time(times.slice(5, 9))}\n`
    }
    if (!this.#isInCue) return ''
    const before = this.#flushNumber()
    if (line.trim() === '') this.#isInCue = false
    else if (/^\s*\d{1,6}\s*$/.test(line)) this.#number = line.trim()
    else return before + lineOf(cueText(line))
    return before
  }

  /** It was text after all. */
  #flushNumber(): string {
    const text = lineOf(this.#number ?? '')
    this.#number = undefined
    return text
  }
}

function cut(line: string): string {
  return line.slice(0, MAX_SUBTITLE_LINE)
}

/** An empty line would end the cue. */
function lineOf(text: string): string {
  return text.trim() === '' ? '' : `${text}\n`
}

function time([hours = '', minutes = '', seconds = '', fraction = '']: readonly (string | undefined)[]): string {
  return `${hours.padStart(2, '0')}:${minutes.padStart(2, '0')}:${seconds.padStart(2, '0')}.${fraction.padEnd(3, '0')}`
}

function cueText(line: string): string {
  return (
    line
      // Positions and effects of other formats, such as {\an8}, and fonts.
      .replace(/\{\\[^{}]*\}/g, '')
      .replace(/<\/?font\b[^<>]*>/gi, '')
      .replace(/&(?!(?:amp|lt|gt|nbsp|lrm|rlm);)/g, '&amp;')
      .replace(/<(?!\/?[biu]>)/gi, '&lt;')
      .replace(/-->/g, '--&gt;')
      .replace(/\p{Cc}/gu, ' ')
  )
}
