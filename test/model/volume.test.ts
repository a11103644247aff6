import { expect, test } from 'vitest'
import { volumeName } from '../../model/group.ts'
import { parseVolume, Volumes, VolumeTemplates } from '../../model/volume.ts'

test('a volume has a name, a path and maybe :ro', () => {
  expect(parseVolume('data:/var/lib/db')).toEqual({
    volume: 'data',
    path: '/var/lib/db',
    readOnly: false,
  })
  expect(parseVolume('Config_1:/app/.config:ro')).toEqual({
    volume: 'Config_1',
    path: '/app/.config',
    readOnly: true,
  })
  for (const path of ['/data', '/var/www', '/usr/share/nginx/html', '/run/app', '/libs', '/etcd'])
    expect(parseVolume(`a:${path}`), path).not.toBeNull()
})

test.each([
  ...['', 'data', 'data:', ':/data', '/data', '/:/host', '/etc:/data', './x:/data', '../x:/data'],
  ...['~:/data', '$HOME:/data', 'a/b:/data', 'a.b:/data', '-a:/data', 'a\u0000:/data', 'ä:/data'],
  ...['a:data', 'a:/', 'a://', 'a:/data/', 'a:/da ta', 'a:/data//x', 'a:/data\n', 'a:/data\u0000'],
  ...['a:/..', 'a:/data/../etc', 'a:/./data', 'a:/data/.', 'a:/proc', 'a:/proc/self', 'a:/sys'],
  ...['a:/sys/fs', 'a:/dev', 'a:/dev/shm', 'a:/etc', 'a:/etc/passwd', 'a:/bin', 'a:/usr', 'a:/run'],
  ...['a:/usr/bin', 'a:/lib/x', 'a:/lib64', 'a:/var', 'a:/var/run', 'a:/tmp', 'a:/boot/efi'],
  ...[
    'a:/data:rw',
    'a:/data:',
    'a:/data:ro:ro',
    'a:/data:ro,z',
    'a:/data:Z',
    'a:/data:/x',
    'a:b:c',
  ],
  ...[`a:/${'x'.repeat(65)}`, `a:${'/x'.repeat(17)}`, `${'a'.repeat(64)}:/data`, '{{name}}:/data'],
])('%j is none', (text) => {
  expect(parseVolume(text)).toBeNull()
  expect(Volumes.safeParse([text]).success).toBe(false)
})

test('an app has at most 16, at distinct paths', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => `data:/data/${i}`)
  expect(Volumes.safeParse(many(16)).success).toBe(true)
  expect(Volumes.safeParse(many(17)).success).toBe(false)
  expect(Volumes.safeParse(['a:/data', 'b:/data:ro']).success).toBe(false)
  expect(Volumes.safeParse('a:/data').success).toBe(false)
})

test('a blueprint has texts that become volumes', () => {
  expect(VolumeTemplates.safeParse(['{{name}}-data:/data', 'x:/data/{{name}}']).success).toBe(true)
  expect(VolumeTemplates.safeParse(['{{name}}:/etc/{{name}}']).success).toBe(false)
  expect(VolumeTemplates.safeParse(['{{other}}:/data']).success).toBe(false)
})

test('two names of two groups never make one volume', () => {
  expect(volumeName('Shop', 'Data')).toBe('reveille-shop.data')
  expect(volumeName('a', 'b-c')).not.toBe(volumeName('a-b', 'c'))
})
