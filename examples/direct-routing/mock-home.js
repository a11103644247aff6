// The home of a site whose users each have an instance of their own: it is where everybody goes who has no valid cookie. Who
// logs in (a name is enough here) gets the cookie of the instance, and finds it at /. COOKIE is the name of the cookie.
import { createServer } from 'node:http'

const { PORT = '8000', COOKIE = 'instance' } = process.env
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,127}[A-Za-z0-9])?$/

const server = createServer((request, response) => void answer(request, response))
server.listen(Number(PORT), () => console.log(`home listens on ${PORT}`))
process.on('SIGTERM', () => server.close(() => process.exit(0)))

async function answer(request, response) {
  const [path] = request.url.split('?')
  if (path === '/' && request.method === 'GET') return page(response, 200)
  if (path !== '/login' || request.method !== 'POST') return page(response, 404, 'There is no such page.')
  const instance = new URLSearchParams(await bodyOf(request)).get('instance') ?? ''
  if (!NAME.test(instance)) return page(response, 400, 'That is no name of an instance.')
  response.setHeader('set-cookie', `${COOKIE}=${instance}; Path=/; HttpOnly; SameSite=Lax`)
  page(response, 200, `You are logged in: <a href="/">go to ${instance}</a>.`)
}

async function bodyOf(request) {
  let text = ''
  for await (const chunk of request) if ((text += chunk).length > 1000) break
  return text
}

function page(response, status, message = '') {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
  response.end(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Home</title>
<style>body { font: 18px/1.6 system-ui, sans-serif; max-width: 30rem; margin: 15vh auto; padding: 0 1rem }</style>
<h1>Home</h1>
<p>${message || 'You are not logged in, or your instance is gone.'}</p>
<form method="post" action="/home/login">
  <label>Your instance <input name="instance" value="minion-1"></label>
  <button>Log in</button>
</form>
</html>
`)
}
