import { expect } from 'chai'
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { sanitizeElement, sanitizePath } from '../../lib/metainfo/file-path.js'
import { conformanceDir } from '../support/conformance.js'

const POSIX = { windows: false }
const WINDOWS = { windows: true }

describe('sanitizePath', () => {
  it('keeps ordinary names of any script as they are', () => {
    for (const name of ['a', '.foo', 'a.tar.gz', ' foo', 'foo ', 'naïve', 'файл.mkv', '日本語', '👩.txt', 'a&b;c$d']) {
      expect(sanitizeElement(name, POSIX)).to.equal(name)
    }
  })

  it('lets no element leave its folder', () => {
    const cases: [string[], string][] = [
      [['..', '..', 'etc', 'passwd'], '_/_/etc/passwd'],
      [['../../x'], '....x'],
      [['..\\x', 'C:\\y'], '..x/C:y'],
      [['/etc/passwd'], 'etcpasswd'],
      [['.', 'a', '', '/'], '_/a/_/_'],
      [['.\u200b.'], '_'],
      [['./.'], '_']
    ]
    for (const [elements, path] of cases) expect(sanitizePath(elements, POSIX), elements.join()).to.equal(path)
  })

  it('obeys the rules of Windows only there', () => {
    const cases: [string, string][] = [
      ['CON', '_CON'],
      ['nul.txt', '_nul.txt'],
      ['Com1.tar.gz', '_Com1.tar.gz'],
      ['LPT\u00b2', '_LPT\u00b2'],
      ['aux .txt', '_aux .txt'],
      ['CONIN$', '_CONIN$'],
      ['com99.txt', 'com99.txt'],
      ['console', 'console'],
      ['foo.', 'foo'],
      ['foo. .', 'foo'],
      ['a:b|c?d*e<f>g"h', 'a_b_c_d_e_f_g_h'],
      ['con.', '_con']
    ]
    for (const [name, onWindows] of cases) {
      expect(sanitizeElement(name, WINDOWS)).to.equal(onWindows)
      expect(sanitizeElement(name, POSIX)).to.equal(name)
    }
    expect(sanitizePath(['...', ' '], WINDOWS)).to.equal('_/_')
  })

  it('cuts at 240 bytes and keeps an extension of up to nine', () => {
    expect(sanitizeElement('a'.repeat(240), POSIX)).to.equal('a'.repeat(240))
    expect(sanitizeElement('a'.repeat(241), POSIX)).to.equal('a'.repeat(240))
    expect(sanitizeElement(`${'a'.repeat(300)}.12345678`, POSIX)).to.equal(`${'a'.repeat(240)}.12345678`)
    expect(sanitizeElement(`${'a'.repeat(300)}.123456789`, POSIX)).to.equal('a'.repeat(240))
    expect(sanitizeElement(`${'a'.repeat(239)}👩👩`, POSIX)).to.equal('a'.repeat(239))
    expect(sanitizeElement(`${'a'.repeat(238)}👩👩.mp4`, POSIX)).to.equal(`${'a'.repeat(238)}👩.mp4`)
  })

  for (const rules of [POSIX, WINDOWS]) {
    it(`always gives a safe path, and the same for it again (${JSON.stringify(rules)})`, () => {
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 300 }).map(array => Buffer.from(array).toString('utf8')),
        fc.string({
          unit: fc.constantFrom('.', '/', '\\', ' ', '_', 'a', '\0', '\u202e', 'CON', ':', 'é'),
          maxLength: 12
        })
      )
      fc.assert(
        fc.property(fc.array(bytes, { minLength: 1, maxLength: 4 }), elements => {
          const path = sanitizePath(elements, rules)
          const safe = path.split('/')
          expect(safe).to.have.length(elements.length)
          for (const element of safe) {
            expect(element).to.not.match(/^\.{0,2}$|\\|\p{Cc}/u)
            expect(Buffer.byteLength(element)).to.be.at.most(251)
            if (rules.windows) expect(element).to.not.match(/[. ]$|[?<>"|*:]/)
          }
          expect(sanitizePath(safe, rules)).to.equal(path)
        }),
        { numRuns: 500 }
      )
    })
  }
})

describe('sanitizePath: conformance vectors', () => {
  interface Vector {
    elements_hex?: string[]
    elements?: string[]
    path: string
    path_when_every_element_is_forced?: string
    path_windows?: string
    note?: string
    generate?: string
  }
  interface Vectors {
    sanitize_path_libtorrent: Vector[]
    other_path_rules: {
      transmission_portable: { not_portable_on_windows: string[]; portable: string[] }
      anacrolix_safe_path: { in: string[] }[]
      monotorrent_path_validator_rejects: string[]
    }
  }
  const dir = conformanceDir()
  if (!dir) return void it.skip('the conformance data is missing')
  const vectors = JSON.parse(readFileSync(`${dir}/vectors.json`, 'utf8')) as Vectors

  const elementsOf = (vector: Vector) =>
    vector.elements_hex?.map(hex => Buffer.from(hex, 'hex').toString('utf8')) ?? vector.elements ?? []
  /** Theirs leaves an element out of which nothing is left; ours, in a path, never does. */
  const unforced = (elements: string[], rules: { windows: boolean }) =>
    elements
      .map(element => (element === '' ? '_' : sanitizeElement(element, rules)))
      .filter(element => element !== '')
      .join('/')

  for (const [i, vector] of vectors.sanitize_path_libtorrent.entries()) {
    it(`${i}: ${vector.elements?.join(' , ') ?? vector.generate ?? vector.note ?? ''}`, () => {
      if (vector.generate?.startsWith('one element')) {
        const long = `${'abcdefghi_'.repeat(24)}abcdefghi_abcde.test`
        expect(sanitizePath([long], POSIX)).to.equal(`${long.slice(0, 240)}.test`)
      } else if (vector.generate) {
        const long = `${'a'.repeat(239)}\u20ac${'b'.repeat(30)}.test`
        expect(sanitizePath([long], POSIX)).to.equal(`${'a'.repeat(239)}\u20ac.test`)
      } else {
        const elements = elementsOf(vector)
        expect(unforced(elements, POSIX)).to.equal(vector.path)
        expect(sanitizePath(elements, POSIX)).to.equal(vector.path_when_every_element_is_forced ?? vector.path)
        const [onWindows, forced] = vector.path_windows?.match(/^([^ ]*)(?: \(forced: (.*)\))?$/)?.slice(1) ?? []
        if (onWindows) expect(unforced(elements, WINDOWS)).to.equal(onWindows.replaceAll('\\', '/'))
        if (forced) expect(sanitizePath(elements, WINDOWS)).to.equal(forced.replaceAll('\\', '/'))
      }
    })
  }

  it('Transmission: names that are not portable are changed on Windows, the others are not', () => {
    const { not_portable_on_windows, portable } = vectors.other_path_rules.transmission_portable
    // A space in front is an ordinary character to Windows too.
    for (const name of not_portable_on_windows.filter(name => name !== ' foo')) {
      expect(sanitizeElement(name, WINDOWS), name).to.not.equal(name)
    }
    for (const name of portable) expect(sanitizeElement(name, WINDOWS)).to.equal(name)
  })

  it('anacrolix, MonoTorrent: what they refuse stays inside its folder', () => {
    const { anacrolix_safe_path, monotorrent_path_validator_rejects } = vectors.other_path_rules
    const paths = [
      ...anacrolix_safe_path.map(vector => vector.in),
      ...monotorrent_path_validator_rejects.map(path => [path])
    ]
    for (const elements of paths) {
      const safe = sanitizePath(elements, WINDOWS).split('/')
      expect(safe).to.have.length(elements.length)
      for (const element of safe) expect(element).to.not.match(/^\.{0,2}$|[\\:]/)
    }
  })
})
