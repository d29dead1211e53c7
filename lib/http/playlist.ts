/** A playlist of media (extended M3U, UTF-8): a title and a URL a line. */

export function playlist(media: readonly { readonly name: string; readonly url: string }[]): string {
  // A name with a line break would be a line of its own.
  const entries = media.map(({ name, url }) => `#EXTINF:-1,${name.replace(/\p{Cc}/gu, ' ')}\n${url}\n`)
  return `#EXTM3U\n${entries.join('')}`
}
