/** Text that may stand in a page: whatever is put into a template is escaped, unless it came out of one. */

export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Value = string | number | Markup | readonly Markup[]

/** markup`<p>${name}</p>`: for text, and for attributes within double quotes. */
export function markup(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new Markup(strings.reduce((text, string, i) => text + textOf(values[i - 1] ?? '') + string))
}

function textOf(value: Value): string {
  if (value instanceof Markup) return value.text
  if (typeof value === 'object') return value.map(({ text }) => text).join('')
  return String(value).replace(/[&<>"'`]/g, char => `&#${char.charCodeAt(0)};`)
}
