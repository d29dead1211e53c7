/** The command line's grammar: commands, their options and their help. Each command's own file is loaded when it is run. */
import { Command, CommanderError } from 'commander'
import { existsSync, readFileSync } from 'node:fs'
import { EXIT } from './exit-code.js'
import { JsonEvents } from './messages/json-events.js'
import { ErrorOutput } from './messages/error-output.js'
import {
  collect,
  lengthOfPieces,
  moment,
  optionsBefore,
  minutes,
  portNumber,
  ratio,
  withMessageOptions,
  withSharedOptions,
  withTotalsOption
} from './options.js'
import type {
  CreateCommandOptions,
  GetOptions,
  InfoOptions,
  PlayOptions,
  SeedOptions,
  ServeOptions,
  SharedOptions,
  StreamOptions,
  VerifyOptions
} from './options.js'

const SOURCE = 'magnet link, path or http(s) URL of a .torrent, or - for a .torrent on standard input'

const EXAMPLES = `
Examples:
  bt-stream archive.tar.torrent | tar x
  bt-stream 'magnet:?xt=urn:btih:...' --file 2 | mpv -
  bt-stream folder.torrent --tar | tar x
  bt-stream get film.torrent -o ~/Downloads
  bt-stream play film.torrent
  bt-stream serve film.torrent
  bt-stream create folder -o folder.torrent --announce http://tracker.example/announce
  bt-stream verify folder.torrent --dir ~/Downloads
  bt-stream demo

Exit codes: 0 delivered and verified, 2 usage, 3 bad .torrent, 4 no peers, 5 stalled, 6 output or disk failed,
7 not all verified, 130 and 143 stopped by a signal, 141 the reader closed the pipe, 1 a fault of bt-stream.`

/** Reads the arguments and runs what they say; sets the exit code. `args` are without Node and the script. */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  try {
    await program(args).parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    process.exitCode = error.exitCode === 0 ? EXIT.DONE : EXIT.USAGE
  }
}

function program(args: readonly string[]): Command {
  const root = new Command('bt-stream')
    .description('BitTorrent as a stream: a torrent in, its payload out, in order and verified.')
    .usage('[options] <source>\n       bt-stream <command> [options] ...')
    .version(version(), '-V, --version')
    .argument('[source]', SOURCE)
    .option('--file <path or index>', 'the file to stream, of a torrent that has several', collect)
    .option('--tar', 'all files as one tar archive')
    .option('--force', 'write to a terminal too')
    .enablePositionalOptions()
    .helpCommand(true)
    .showHelpAfterError('(bt-stream --help shows how)')
    .addHelpText('after', EXAMPLES)
    .configureOutput({ writeOut: tell, outputError: (text, write) => write(`bt-stream: ${messageIn(text)}\n`) })
    .exitOverride()
  if (args.includes('--json')) tellInJson(root)
  withSharedOptions(root)
  root.action(async (source: string | undefined, options: StreamOptions, command: Command) => {
    if (source === undefined && options.json) command.error('missing source')
    if (source === undefined) command.help({ error: true })
    refuseMore(command, source)
    const { stream } = await import('./commands/stream.js')
    await stream(source, options)
  })
  addCommands(root)
  // Not of the commands, which would inherit it.
  return root.allowExcessArguments()
}

/** Two words may be a command that was misspelt and its source, or two sources. */
function refuseMore(command: Command, source: string): void {
  const [, more] = command.args
  if (more === undefined) return
  const isSource = source === '-' || /^(?:https?|magnet):/i.test(source) || existsSync(source)
  command.error(isSource ? `one source at a time: what is '${more}' for?` : `unknown command or file '${source}'`)
}

function addCommands(root: Command): void {
  withTotalsOption(add(root, 'get', 'download files to disk, verified; goes on with what is there'))
    .option('-o, --output <dir>', 'folder for the files', '.')
    .option('--file <path or index>', 'only this file; may be repeated', collect)
    .option('--overwrite', 'write over other files that stand in the way')
    .action(async (source: string, options: GetOptions, command: Command) => {
      const { get } = await import('./commands/get.js')
      await get(source, { ...options, ...optionsBefore(command) })
    })
  add(root, 'info', 'what a .torrent or a magnet link stands for; with --json one object on standard output')
    .option('--save <file>', 'write the .torrent to this new file')
    .option('--count', 'ask the DHT how many have it and want it')
    .action(async (source: string, options: InfoOptions, command: Command) => {
      const { info } = await import('./commands/info.js')
      await info(source, { ...options, ...optionsBefore(command) })
    })
  withTotalsOption(add(root, 'seed', 'serve files that are on disk, until stopped'))
    .requiredOption('--dir <dir>', 'folder of the files')
    .option('--ratio <n>', 'end when so many times the torrent was given away, earlier seeding included', ratio)
    .option('--time <minutes>', 'end after so long', minutes)
    .option('--super-seed', 'tell each peer of a piece at a time, so that each is given away about once')
    .action(async (source: string, options: SeedOptions, command: Command) => {
      const { seed } = await import('./commands/seed.js')
      await seed(source, { ...options, ...optionsBefore(command) })
    })
  add(
    root,
    'serve',
    'files over HTTP, seekable while they download, until stopped; --host is where it listens for HTTP',
    '<sources...>'
  )
    .option('--http-port <n>', 'port for HTTP (default: any free one)', portNumber)
    .option('--allow-host <name>', 'a name by which requests may call us; may be repeated', collect)
    .option('-o, --output <dir>', 'keep the data in this folder (default: in memory only)')
    .action(async (sources: readonly string[], options: ServeOptions, command: Command) => {
      const { serve } = await import('./commands/serve.js')
      await serve(sources, { ...options, ...optionsBefore(command) })
    })
  add(root, 'play', 'watch or listen while it downloads, with a player that is installed')
    .option('--file <path or index>', 'the file to play (default: the largest film or piece of music)', collect)
    .option('--player <program>', 'the player (default: the first that is installed of mpv, vlc, ffplay)')
    .action(async (source: string, options: PlayOptions, command: Command) => {
      const { play } = await import('./commands/play.js')
      await play(source, { ...options, ...optionsBefore(command) })
    })
  addCreate(root)
  add(root, 'verify', 'check files on disk against a torrent, and say which are whole')
    .requiredOption('--dir <dir>', 'folder of the files')
    .option('--file <path, index or pattern>', 'only these; may be repeated', collect)
    .action(async (source: string, options: VerifyOptions, command: Command) => {
      const { verify } = await import('./commands/verify.js')
      await verify(source, { ...options, ...optionsBefore(command) })
    })
  const demo = root.command('demo').description('see it work: a swarm inside the program, and a download from it')
  withMessageOptions(demo).action(async (options: SharedOptions, command: Command) => {
    const run = await import('./commands/demo.js')
    await run.demo({ ...options, ...optionsBefore(command) })
  })
}

function addCreate(root: Command): void {
  const create = root
    .command('create')
    .description('make a .torrent of files and folders, or - for standard input')
    .argument('<paths...>', 'files and folders, or - for one file from standard input')
    .option('-o, --output <file>', 'the new .torrent, - for standard output (default: its name and .torrent)')
    .option('--overwrite', 'replace a .torrent that is there')
    .option('--announce <url>', 'a tracker; each is a tier of its own, a tier of several has commas', collect)
    .option('--web-seed <url>', 'where the files can be had over HTTP; may be repeated', collect)
    .option('--name <name>', 'name of the torrent (default: that of the path)')
    .option('--private', 'peers only from its own trackers')
    .option('--comment <text>', 'a word about it')
    .option('--source <text>', 'makes its info-hash one of its own')
    .option('--piece-length <bytes>', 'such as 1MiB, a power of two (default: by the size)', lengthOfPieces)
    .option('--padding', 'let each file begin with a piece of its own')
    .option('--exclude <pattern>', 'leave out what is named so; may be repeated', collect)
    .option('--date <when>', 'say when it was made: a date, or now (default: it does not say)', moment)
  withMessageOptions(create).action(
    async (paths: readonly string[], options: CreateCommandOptions, command: Command) => {
      const run = await import('./commands/create.js')
      await run.create(paths, { ...options, ...optionsBefore(command) })
    }
  )
}

function add(root: Command, name: string, description: string, operand = '<source>'): Command {
  return withSharedOptions(root.command(name).description(description).argument(operand, SOURCE))
}

/** Errors of the grammar as events, too. */
function tellInJson(root: Command): void {
  const voice = new JsonEvents(new ErrorOutput(process.stderr))
  root.showHelpAfterError(false).configureOutput({
    outputError: text => {
      voice.say({ event: 'error', code: 'ERR_BT_OPTION', message: messageIn(text), exitCode: EXIT.USAGE })
      voice.say({ event: 'end', exitCode: EXIT.USAGE })
    }
  })
}

/** Help goes to standard output; a reader that has seen enough of it is no fault. */
function tell(text: string): void {
  process.stdout.once('error', () => {
    process.exitCode = EXIT.PIPE_CLOSED
  })
  process.stdout.write(text)
}

function messageIn(text: string): string {
  return text.trim().replace(/^error: /, '')
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return manifest.version
}
