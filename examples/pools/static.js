// A page that asks the API for students every two seconds. HOST and PORT: where it listens.
import { createServer } from 'node:http'
import { hostname } from 'node:os'

const { HOST = '::', PORT = '80' } = process.env

const page = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Students</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 10vh auto; padding: 0 1rem }
  td { padding: 0 1rem 0 0 }
</style>
<h1>Students</h1>
<table id="students"></table>
<p>Page by <b>${hostname()}:${PORT}</b>, students by <b id="by">nobody yet</b>.</p>
<script>
  const row = (student) => {
    const tr = document.createElement('tr')
    for (const text of [student.first, student.last, student.born]) tr.insertCell().textContent = text
    return tr
  }
  const refresh = async () => {
    try {
      const answer = await fetch('/api/student')
      if (!answer.ok) throw new Error(answer.status)
      document.getElementById('students').replaceChildren(...(await answer.json()).map(row))
      document.getElementById('by').textContent = answer.headers.get('x-server')
    } catch {
      document.getElementById('by').textContent = 'nobody: the API does not answer'
    }
  }
  void refresh()
  setInterval(refresh, 2000)
</script>
</html>
`

const server = createServer((request, response) => {
  const isPage = request.url === '/'
  response.writeHead(isPage ? 200 : 404, { 'content-type': 'text/html; charset=utf-8' })
  response.end(isPage ? page : '<!DOCTYPE html><title>Not found</title><h1>Not found</h1>')
})
server.listen(Number(PORT), HOST)
process.on('SIGTERM', () => process.exit())
