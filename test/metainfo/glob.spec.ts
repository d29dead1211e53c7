import { expect } from 'chai'
import fc from 'fast-check'
import { isGlob, matchesGlob } from '../../lib/metainfo/glob.js'

describe('matchesGlob', () => {
  const cases: [pattern: string, path: string, isMatch: boolean][] = [
    ['*.mkv', 'film.mkv', true],
    ['*.mkv', 'season 1/film.mkv', true],
    ['*.mkv', 'film.mkv.part', false],
    ['*', '.hidden', true],
    ['a*b*c', 'aXXbYYc', true],
    ['a*b*c', 'aXXcYYb', false],
    ['?.txt', 'é.txt', true],
    ['?.txt', '😀.txt', true],
    ['?.txt', 'ab.txt', false],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[]-]x', ']x', true],
    ['[a', '[a', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['sub/*', 'sub/a', true],
    ['sub/*', 'sub/a/b', false],
    ['sub/**', 'sub/a/b', true],
    ['**/b', 'b', true],
    ['**/b', 'x/y/b', true],
    ['a/**/z', 'a/z', true],
    ['a/**/z', 'a/b/c/z', true],
    ['a/**/z', 'a/b/c/y', false],
    ['/top', 'top', true],
    ['/top', 'sub/top', false],
    ['build/', 'x/build', true],
    ['', 'a', false],
    ['**', 'anything/at/all', true]
  ]
  for (const [pattern, path, isMatch] of cases) {
    it(`${JSON.stringify(pattern)} ${isMatch ? 'fits' : 'does not fit'} ${JSON.stringify(path)}`, () => {
      expect(matchesGlob(pattern, path)).to.equal(isMatch)
    })
  }

  it('agrees with a slow and plain matcher', () => {
    const slow = (pattern: string, text: string): boolean => {
      if (pattern === '') return text === ''
      if (pattern.startsWith('*')) return slow(pattern.slice(1), text) || (text !== '' && slow(pattern, text.slice(1)))
      return text !== '' && (pattern.startsWith('?') || pattern[0] === text[0]) && slow(pattern.slice(1), text.slice(1))
    }
    const letters = (...from: string[]) => fc.string({ unit: fc.constantFrom(...from), maxLength: 8 })
    fc.assert(
      fc.property(letters('a', 'b', '*', '?'), letters('a', 'b'), (pattern, text) => {
        expect(matchesGlob(pattern, text)).to.equal(slow(pattern, text))
      }),
      { numRuns: 2000 }
    )
  })

  it('takes no longer for a pattern made to be slow', () => {
    const started = performance.now()
    expect(matchesGlob('a*'.repeat(200) + 'b', 'a'.repeat(5000))).to.equal(false)
    expect(performance.now() - started).to.be.lessThan(1000)
  })

  it('knows a pattern when it sees one', () => {
    expect(['*.mkv', 'a?', '[x]'].map(isGlob)).to.deep.equal([true, true, true])
    expect(isGlob('plain (2020).mkv')).to.equal(false)
  })
})
