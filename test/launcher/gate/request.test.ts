import { expect, it } from 'vitest'
import { acceptsHtml, readAsk } from '../../../launcher/gate/request.ts'

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8'

function isPageLoad(method: string, accept: string, mode = '', upgrade = ''): boolean {
  const headers = { 'x-reveille-method': method, 'x-reveille-accept': accept }
  const more = { 'x-reveille-fetch-mode': mode, 'x-reveille-upgrade': upgrade }
  return readAsk({ ...headers, ...more }).isPageLoad
}

it('takes a browser that opens or reloads a page for a page load', () => {
  expect(isPageLoad('GET', BROWSER, 'navigate')).toBe(true)
  expect(isPageLoad('GET', BROWSER)).toBe(true)
})

it('takes nothing else for one', () => {
  expect(isPageLoad('POST', BROWSER, 'navigate')).toBe(false)
  expect(isPageLoad('HEAD', BROWSER, 'navigate')).toBe(false)
  expect(isPageLoad('GET', '*/*', 'cors')).toBe(false)
  expect(isPageLoad('GET', BROWSER, 'cors')).toBe(false)
  expect(isPageLoad('GET', BROWSER, 'no-cors')).toBe(false)
  expect(isPageLoad('GET', '*/*')).toBe(false)
  expect(isPageLoad('GET', '')).toBe(false)
  expect(isPageLoad('GET', 'text/event-stream')).toBe(false)
  expect(isPageLoad('GET', BROWSER, '', 'websocket')).toBe(false)
  expect(isPageLoad('GET', BROWSER, 'websocket')).toBe(false)
})

it('reads Accept by its types, not by its letters', () => {
  expect(acceptsHtml('TEXT/HTML; charset=utf-8')).toBe(true)
  expect(acceptsHtml('application/json, text/html;q=0.1')).toBe(true)
  expect(acceptsHtml('application/xhtml+xml')).toBe(true)
  expect(acceptsHtml('text/html;q=0')).toBe(false)
  expect(acceptsHtml('text/html;q=0.000')).toBe(false)
  expect(acceptsHtml('application/x+text/html')).toBe(false)
  expect(acceptsHtml('text/htmlx')).toBe(false)
})

it('reads the last of several dead upstreams', () => {
  const dead = readAsk({ 'x-reveille-dead': '10.9.0.1:80, 10.9.0.2:80' }).dead
  expect(dead).toBe('10.9.0.2:80')
  expect(readAsk({}).dead).toBe('')
})

it.each([
  ['10.0.0.7', '10.0.0.7', true],
  ['10.0.0.7', '10.0.0.8', false],
  ['2001:db8:0:1::1', '2001:db8:0:1:ffff::2', true],
  ['2001:db8:0:1::1', '2001:db8:0:2::1', false],
  ['::ffff:10.1.1.8', '::ffff:10.1.1.9', false],
])('%s and %s are one client: %j', (one, other, same) => {
  const clientAt = (address: string) => readAsk({ 'x-reveille-client': address }).client
  expect(clientAt(one) === clientAt(other)).toBe(same)
})
