/** The page's style and script, which are put into it, and what a browser may do there: run these two and nothing else. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Markup } from './markup.js'

/** Beside the sources: they are served as they were written. */
const FOLDER = new URL('../../../lib/http/page/', import.meta.url)

export interface PageAssets {
  readonly style: Markup
  readonly script: Markup
  /** The page's `Content-Security-Policy`. */
  readonly policy: string
}

let assets: PageAssets | undefined

export function pageAssets(): PageAssets {
  assets ??= readAssets()
  return assets
}

function readAssets(): PageAssets {
  const [style, script] = ['page.css', 'page.js'].map(name => readFileSync(new URL(name, FOLDER), 'utf8'))
  const policy = [
    "default-src 'none'",
    `style-src '${digest(style ?? '')}'`,
    `script-src '${digest(script ?? '')}'`,
    "media-src 'self'",
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ]
  return { style: new Markup(style ?? ''), script: new Markup(script ?? ''), policy: policy.join('; ') }
}

function digest(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
