/** Numbers as people read them. */
import prettyBytes from 'pretty-bytes'

/** `1.5 GB`, as most tools for files count. */
export function bytes(count: number): string {
  return prettyBytes(count, { space: true })
}

/** `1.5 GiB`, as memory and pieces are counted. */
export function binaryBytes(count: number): string {
  return prettyBytes(count, { space: true, binary: true })
}

export function rate(bytesPerSecond: number): string {
  return `${prettyBytes(Math.round(bytesPerSecond))}/s`
}

/** `0:07`, `12:40`, `3:05:00`; `–` when nobody can say. */
export function duration(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return '–'
  const whole = Math.ceil(seconds)
  if (whole >= 100 * 3600) return `${Math.floor(whole / 86_400)} days`
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const tail = `${hours > 0 ? pad(minutes) : minutes}:${pad(rest)}`
  return hours > 0 ? `${hours}:${tail}` : tail
}

/** Never 100 % before all is there. */
export function percent(done: number, total: number): string {
  if (total === 0 || done >= total) return '100%'
  return `${(Math.floor((done / total) * 1000) / 10).toFixed(1)}%`
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

function pad(count: number): string {
  return String(count).padStart(2, '0')
}
