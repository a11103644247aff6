import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const TEMPLATES = join(import.meta.dirname, '../../templates')

/** The names in the lists of a template that end in this use of each. */
function listed(template: string, use: string): string[] {
  const text = readFileSync(join(TEMPLATES, template), 'utf8')
  const lists = [...text.matchAll(/for name in \[([^\]]*)\] %\}\n([^{]*)\{\{ name \}\}/g)]
  const names = lists.filter(([, , before]) => before?.trim() === use)
  expect(names.length).toBeGreaterThan(0)
  const found = names.flatMap(([, list = '']) => list.match(/[\w-]+/g) ?? [])
  // An HAProxy drops these by how they begin.
  return found.filter((name) => !/^X-(?:Reveille|Accel)-/.test(name)).sort()
}

it('both proxies keep the same headers from apps, and from clients', () => {
  expect(listed('haproxy.cfg.njk', 'http-request del-header')).toEqual(
    listed('nginx.conf.njk', 'proxy_set_header'),
  )
  expect(listed('haproxy.cfg.njk', 'http-response del-header')).toEqual(
    listed('nginx.conf.njk', 'proxy_hide_header'),
  )
})

it('nginx keeps from apps every word of the protocol between gateways and launchers', () => {
  const text = readFileSync(join(TEMPLATES, 'nginx.conf.njk'), 'utf8')
  const cleared = text.slice(0, text.indexOf('endmacro'))
  const words = ['nginx.conf.njk', 'haproxy.cfg.njk']
    .map((name) => readFileSync(join(TEMPLATES, name), 'utf8'))
    .flatMap((template) => template.match(/X-Reveille-[A-Z][\w-]*/g) ?? [])
  expect(words.length).toBeGreaterThan(20)
  for (const word of words) expect(cleared).toContain(`"${word}"`)
})
