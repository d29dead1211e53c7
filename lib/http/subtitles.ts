/** Which files of a torrent are subtitles of which film: by their names, and by the folder they lie in. Pure. */
import { contentTypeOf } from './content-type.js'

export interface Subtitles {
  /** Of the file with the text. */
  readonly index: number
  /** What tells it from others of the film. */
  readonly label: string
  /** BCP 47; `und` when the name tells none. */
  readonly language: string
}

/** Of one film. */
const MAX_SUBTITLES = 40
/** Parts of a name after the film's: `film.en.forced.srt`. */
const MAX_NAME_PARTS = 4

/** For each film that has some, by its index. Takes time in proportion to the number of files. */
export function findSubtitles(paths: readonly string[]): ReadonlyMap<number, readonly Subtitles[]> {
  const films = new FilmIndex(paths)
  const found = new Map<number, Subtitles[]>()
  paths.forEach((path, index) => {
    if (!/\.(srt|vtt)$/i.test(path)) return
    const { film, label } = films.of(path) ?? {}
    if (film === undefined || label === undefined) return
    const list = found.get(film) ?? []
    if (list.length < MAX_SUBTITLES) list.push({ index, label, language: languageOf(label) })
    found.set(film, list)
  })
  return found
}

class FilmIndex {
  readonly #byName = new Map<string, number>()
  /** `undefined`: a folder with several films. */
  readonly #byFolder = new Map<string, number | undefined>()

  constructor(paths: readonly string[]) {
    paths.forEach((path, index) => {
      if (!contentTypeOf(path).startsWith('video/')) return
      const { folder, stem } = split(path)
      if (!this.#byName.has(stem.toLowerCase())) this.#byName.set(stem.toLowerCase(), index)
      this.#byFolder.set(folder, this.#byFolder.has(folder) ? undefined : index)
    })
  }

  of(path: string): { film: number; label: string } | undefined {
    const { folder, stem } = split(path)
    // film.srt, film.en.srt, film.en.forced.srt
    let name = stem.toLowerCase()
    for (let parts = 0; parts < MAX_NAME_PARTS; parts++) {
      const film = this.#byName.get(name)
      if (film !== undefined) return { film, label: stem.slice(name.length + 1) || 'Subtitles' }
      const end = Math.max(name.lastIndexOf('.'), name.lastIndexOf('_'), name.lastIndexOf('-'))
      if (end <= 0) break
      name = name.slice(0, end)
    }
    // Beside the only film of the folder, or in a folder of subtitles there.
    const beside = this.#byFolder.get(folder)
    const film =
      beside ?? (/^(?:subs?|subtitles?)$/i.test(lastOf(folder)) ? this.#byFolder.get(above(folder)) : undefined)
    return film === undefined ? undefined : { film, label: stem }
  }
}

const LANGUAGES: Readonly<Record<string, string>> = {
  arabic: 'ar',
  chinese: 'zh',
  czech: 'cs',
  danish: 'da',
  deutsch: 'de',
  dutch: 'nl',
  english: 'en',
  español: 'es',
  finnish: 'fi',
  français: 'fr',
  french: 'fr',
  german: 'de',
  greek: 'el',
  hebrew: 'he',
  hindi: 'hi',
  hungarian: 'hu',
  italian: 'it',
  italiano: 'it',
  japanese: 'ja',
  korean: 'ko',
  norwegian: 'no',
  polish: 'pl',
  portuguese: 'pt',
  romanian: 'ro',
  russian: 'ru',
  spanish: 'es',
  swedish: 'sv',
  turkish: 'tr',
  ukrainian: 'uk'
}

/** `en`, `eng`, `English` or `pt-BR`, wherever it stands in the label. */
function languageOf(label: string): string {
  for (const word of label.toLowerCase().split(/[\s._()[\]]+/)) {
    const known = LANGUAGES[word]
    if (Object.hasOwn(LANGUAGES, word) && known !== undefined) return known
    if (/^[a-z]{2,3}(?:-[a-z]{2})?$/.test(word)) return word
  }
  return 'und'
}

function split(path: string): { folder: string; stem: string } {
  const slash = path.lastIndexOf('/')
  const name = path.slice(slash + 1)
  const dot = name.lastIndexOf('.')
  return { folder: path.slice(0, Math.max(0, slash)), stem: dot > 0 ? name.slice(0, dot) : name }
}

function lastOf(folder: string): string {
  return folder.slice(folder.lastIndexOf('/') + 1)
}

function above(folder: string): string {
  return folder.slice(0, Math.max(0, folder.lastIndexOf('/')))
}
