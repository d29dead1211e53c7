/** URLs made fit to be shown: without passkeys and credentials. */

const HIDDEN = '…'
/** Path elements that are never a secret; any other may be a passkey. */
const PLAIN_ELEMENT = /^(?:announce|scrape)(?:\.[a-z]{1,4})?$/

/** A tracker's URL for messages: passkeys (path elements, query) and credentials are hidden, host and port stay. */
export function redactUrl(text: string): string {
  if (!URL.canParse(text)) return '(unreadable URL)'
  const url = new URL(text)
  const path = url.pathname
    .split('/')
    .map(element => (element === '' || PLAIN_ELEMENT.test(element) ? element : HIDDEN))
  return `${url.protocol}//${url.host}${path.join('/')}${url.search === '' ? '' : `?${HIDDEN}`}`
}

/** `text` with whatever `redactUrl(url)` hides replaced: a tracker may repeat a passkey in what it says. */
export function redactSecrets(text: string, url: string): string {
  if (!URL.canParse(url)) return text
  const { pathname, searchParams, username, password } = new URL(url)
  const secrets = [...pathname.split('/').filter(element => !PLAIN_ELEMENT.test(element)), ...searchParams.values()]
  return [...secrets, username, password]
    .filter(secret => secret.length >= 4)
    .reduce((clean, secret) => clean.replaceAll(secret, HIDDEN), text)
}
