import { describe, expect, test } from 'vitest'
import {
  DEMO_IMAGE,
  Image,
  isAllowedImage,
  isAllowedRegistry,
  isMadeHere,
  registryOf,
} from '../../model/image.ts'
import { hostile } from '../hostile/corpus.ts'

const admitted = (image: string, allowed: string[]): boolean => {
  const registry = registryOf(image)
  expect(Image.safeParse(image).success).toBe(registry !== null)
  return registry !== null && isAllowedRegistry(registry, allowed)
}

describe('an image reference', () => {
  test.each(hostile('image.ref'))('$value: $expect, $why', ({ value, expect: wanted }) => {
    expect(admitted(value, ['docker.io', 'registry.local'])).toBe(wanted === 'accept')
  })

  test.each([
    ['shop', 'docker.io'],
    ['shop:1.2', 'docker.io'],
    ['library/shop', 'docker.io'],
    ['reveille-demo/app:1', 'docker.io'],
    ['ghcr.io/acme/shop:1', 'ghcr.io'],
    ['registry:5000/shop', 'registry:5000'],
    ['localhost/shop', 'localhost'],
    ['localhost:5000/shop', 'localhost:5000'],
    ['a__b/c-d.e', 'docker.io'],
    [`shop@sha256:${'0'.repeat(64)}`, 'docker.io'],
    [`quay.io/a/b:t@sha256:${'f'.repeat(64)}`, 'quay.io'],
  ])('%s comes from %s', (image, registry) => {
    expect(registryOf(image)).toBe(registry)
  })

  test.each([
    ...[
      '',
      ' shop',
      'shop ',
      'Shop',
      'a//b',
      '/a',
      'a/',
      'a:',
      'a:b:c',
      'a@sha256:x',
      'a_-b',
      'a:-x',
    ],
    ...[
      'http://ghcr.io/a',
      'user@host/a',
      '[::1]:5000/a',
      'a\n',
      '-a',
      '.a',
      'ghcr.io/',
      'a$b',
      'ä',
    ],
  ])('%j is none', (image) => {
    expect(registryOf(image)).toBeNull()
  })

  test('is refused when it is too long, without much thought', () => {
    expect(registryOf('a'.repeat(513))).toBeNull()
    expect(registryOf(`${'a-'.repeat(255)}_`)).toBeNull()
    expect(registryOf(`${'a.'.repeat(255)}!`)).toBeNull()
  })
})

describe('a registry', () => {
  test.each(['docker.io', 'ghcr.io', 'quay.io:443', 'registry.internal.example', 'local.dev:5000'])(
    '%s is allowed by *',
    (registry) => {
      expect(isAllowedRegistry(registry, ['*'])).toBe(true)
    },
  )

  test.each([
    ...['localhost', 'localhost:5000', '127.0.0.1', '127.0.0.1:5000', '169.254.169.254'],
    ...['registry:5000', 'registry.local:5000', 'metadata.google.internal', 'a.LOCALHOST:80'],
    ...['10.0.0.1:80', '127.1', '127.1:5000', '0x7f.1', '0177.0.0.1'],
  ])('%s is not allowed by *, only by its name', (registry) => {
    expect(isAllowedRegistry(registry, ['*'])).toBe(false)
    expect(isAllowedRegistry(registry, [registry])).toBe(true)
  })

  test('is refused where others are listed', () => {
    expect(isAllowedRegistry('evil.example', ['docker.io'])).toBe(false)
    expect(isAllowedRegistry('docker.io', [])).toBe(false)
    expect(isAllowedRegistry('docker.io:443', ['docker.io'])).toBe(false)
  })
})

test('the demo’s image may be had wherever images may come from, and no registry is asked for it', () => {
  expect(isAllowedImage(DEMO_IMAGE, [])).toBe(true)
  expect(isMadeHere(DEMO_IMAGE)).toBe(true)
  for (const image of ['localhost/reveille/other:1', 'localhost/shop:1', 'evil.example/shop:1'])
    expect(isAllowedImage(image, ['docker.io'])).toBe(false)
  expect(isAllowedImage('shop:1', ['docker.io'])).toBe(true)
})
