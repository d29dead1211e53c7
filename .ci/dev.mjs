/*
 * Entry of `npm start`, `npm test` and `npm run build`: checks the version of Node, then leaves the work to tasks.mjs.
 * Old syntax only and nothing imported but node's own, so that an old Node can read this file and say what is wrong.
 */
import fs from 'fs'
import url from 'url'

var manifest = url.fileURLToPath(new URL('../package.json', import.meta.url))
var wanted = JSON.parse(fs.readFileSync(manifest, 'utf8')).engines.node.replace('>=', '')
var have = process.versions.node

if (isOlder(have, wanted)) {
  console.error('bt-stream needs Node ' + wanted + ' or newer; this is ' + have)
  process.exitCode = 1
} else {
  import('./tasks.mjs')
    .then(function (tasks) {
      return tasks.run(process.argv[2], process.argv.slice(3))
    })
    .then(
      function (exitCode) {
        process.exitCode = exitCode
      },
      function (error) {
        console.error('bt-stream: ' + error.message)
        process.exitCode = 1
      }
    )
}

/* Compares `major.minor`; what follows does not matter. */
function isOlder(version, than) {
  var a = version.split('.').map(Number)
  var b = than.split('.').map(Number)
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1])
}
