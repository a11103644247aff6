// The demo app: one page that says who answered and since when. It knows nothing of Reveille: it listens on PORT,
// ends on SIGTERM, and links by relative paths, so that it works below any prefix. START_DELAY_MS makes it slow to start,
// for who wants to see what visitors see meanwhile.
import { createServer } from 'node:http'
import { hostname } from 'node:os'

const { NAME = 'demo', PORT = '8000', START_DELAY_MS = '0' } = process.env
const born = new Date()
let answered = 0

const server = createServer((request, response) => {
  const [path] = request.url.split('?')
  if (path === '/') send(response, 200, 'text/html; charset=utf-8', page())
  else if (path === '/name') send(response, 200, 'application/json', `${JSON.stringify(self())}\n`)
  else if (path === '/live') live(response)
  else send(response, 404, 'text/plain; charset=utf-8', `${NAME} has no ${path}\n`)
})
const listen = () => server.listen(Number(PORT), () => console.log(`${NAME} listens on ${PORT}`))
setTimeout(listen, Number(START_DELAY_MS))

process.on('SIGTERM', () => {
  if (!server.listening) process.exit(0)
  server.close(() => process.exit(0))
  server.closeAllConnections()
})

function self() {
  return { name: NAME, host: hostname(), pid: process.pid, startedAt: born.toISOString(), answered }
}

function send(response, status, type, body) {
  answered += 1
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
}

/** Server-sent events, one a second. An open stream keeps the app awake: close the page and it may go to sleep. */
function live(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const tell = () => response.write(`data: ${JSON.stringify(self())}\n\n`)
  tell()
  const timer = setInterval(tell, 1000)
  response.on('close', () => clearInterval(timer))
}

function escapeHtml(text) {
  const names = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot' }
  return text.replace(/[&<>"]/g, (character) => `&${names[character]};`)
}

function page() {
  const name = escapeHtml(NAME)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${name} is awake</title>
<style>
  body { font: 18px/1.6 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 0;
    background: #fff7e6; color: #3a2c14 }
  main { text-align: center; padding: 2rem }
  .sun { width: 7rem; height: 7rem; margin: auto; border-radius: 50%; background: #ffb703;
    animation: rise 1s ease-out }
  h1 { margin: 1rem 0 0 }
  code { background: #ffecc2; border-radius: .3em; padding: .1em .4em }
  @keyframes rise { from { transform: translateY(4rem); opacity: 0 } }
  @media (prefers-color-scheme: dark) { body { background: #1d1a14; color: #f4e8cf } code { background: #3b3222 } }
  @media (prefers-reduced-motion: reduce) { .sun { animation: none } }
</style>
<main>
  <div class="sun"></div>
  <h1>${name} is awake</h1>
  <p>Started <span id="age">just now</span> on <code>${escapeHtml(hostname())}</code>.</p>
  <p><label><input type="checkbox" id="follow"> keep it awake</label></p>
  <p><a href="name">the same as JSON</a></p>
</main>
<script>
  const started = ${born.getTime()}
  const age = document.getElementById('age')
  setInterval(() => { age.textContent = Math.round((Date.now() - started) / 1000) + ' s ago' }, 1000)
  let stream
  document.getElementById('follow').onchange = (event) => {
    if (event.target.checked) stream = new EventSource('live')
    else stream.close()
  }
</script>
</html>
`
}
