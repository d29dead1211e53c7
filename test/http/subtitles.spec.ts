import { expect } from 'chai'
import { findSubtitles } from '../../lib/http/subtitles.js'

const found = (...paths: string[]): [film: string, subtitles: string, label: string, language: string][] =>
  [...findSubtitles(paths)].flatMap(([film, list]) =>
    list.map(({ index, label, language }): [string, string, string, string] => [
      paths[film] ?? '',
      paths[index] ?? '',
      label,
      language
    ])
  )

describe('subtitles of a film', () => {
  it('have its name, with or without a language, wherever they are', () => {
    expect(
      found('a/Film.mkv', 'a/film.srt', 'subs/Film.en.vtt', 'Film.pt-BR.forced.srt', 'a/Film.German.srt')
    ).to.deep.equal([
      ['a/Film.mkv', 'a/film.srt', 'Subtitles', 'und'],
      ['a/Film.mkv', 'subs/Film.en.vtt', 'en', 'en'],
      ['a/Film.mkv', 'Film.pt-BR.forced.srt', 'pt-BR.forced', 'pt-br'],
      ['a/Film.mkv', 'a/Film.German.srt', 'German', 'de']
    ])
  })

  it('are beside the only film of a folder, or in a folder of subtitles there', () => {
    expect(found('x/Film.mkv', 'x/2_English.srt', 'x/Subs/French.srt')).to.deep.equal([
      ['x/Film.mkv', 'x/2_English.srt', '2_English', 'en'],
      ['x/Film.mkv', 'x/Subs/French.srt', 'French', 'fr']
    ])
  })

  it("are nobody's where there are several films and no name tells", () => {
    expect(found('x/a.mkv', 'x/b.mkv', 'x/English.srt', 'notes.txt')).to.deep.equal([])
    expect(found('x/a.mkv', 'x/b.mkv', 'x/b.en.srt')).to.deep.equal([['x/b.mkv', 'x/b.en.srt', 'en', 'en']])
  })

  it('are at most forty, and found at once among 100,000 files', () => {
    const paths = ['film.mkv', ...Array.from({ length: 100_000 }, (_, i) => `film.${i}.srt`)]
    const begun = performance.now()
    expect(findSubtitles(paths).get(0)).to.have.length(40)
    expect(performance.now() - begun).to.be.below(1000)
  })

  it('have no language that is a word of the engine', () => {
    expect(found('f.mkv', 'f.constructor.srt')).to.deep.equal([['f.mkv', 'f.constructor.srt', 'constructor', 'und']])
  })
})
