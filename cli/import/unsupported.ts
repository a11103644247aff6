/** What Reveille has no place for: why, and what to do instead, if anything need be done. */
type Row = readonly [why: string, instead: string]

/** Keys come from a file: none may find what every object has. */
const table = <T>(rows: Record<string, T>): ReadonlyMap<string, T> => new Map(Object.entries(rows))

const RIGHTS = 'Reveille gives an app no more rights than a plain container has'
const BESIDE =
  'run it beside Reveille and register it by a sidekick: reveille registrar --app <name> --endpoint <address:port>'
const OWN = 'an app has a network of its own, or that of its group'
const IMAGE = 'build an image that has it'
const NAMES = 'reach apps of its group by their names'

/** Keys of a service that are always left out. */
export const UNSUPPORTED = table<Row>({
  privileged: [RIGHTS, BESIDE],
  cap_add: [RIGHTS, BESIDE],
  devices: [RIGHTS, BESIDE],
  device_cgroup_rules: [RIGHTS, BESIDE],
  gpus: [RIGHTS, BESIDE],
  group_add: [RIGHTS, BESIDE],
  security_opt: [RIGHTS, BESIDE],
  sysctls: [RIGHTS, BESIDE],
  userns_mode: [RIGHTS, BESIDE],
  pid: [RIGHTS, BESIDE],
  ipc: [RIGHTS, BESIDE],
  uts: [RIGHTS, BESIDE],
  cgroup: [RIGHTS, BESIDE],
  cgroup_parent: [RIGHTS, BESIDE],
  runtime: [RIGHTS, BESIDE],
  isolation: [RIGHTS, BESIDE],
  cap_drop: [
    'an app has what a plain container has',
    'run it as another user, by USER in its image',
  ],
  network_mode: [OWN, NAMES],
  hostname: [OWN, NAMES],
  domainname: [OWN, NAMES],
  links: [OWN, NAMES],
  external_links: [OWN, 'name the other by an address, in the environment'],
  extra_hosts: [OWN, 'name the other by an address, in the environment'],
  dns: [OWN, 'give the engine its DNS servers, for all'],
  dns_search: [OWN, 'give the engine its DNS servers, for all'],
  dns_opt: [OWN, 'give the engine its DNS servers, for all'],
  mac_address: [OWN, NAMES],
  container_name: ['a container is named after its app and slot', NAMES],
  entrypoint: ["an app's command follows the entrypoint of its image", IMAGE],
  user: ['an app runs as the user of its image', IMAGE],
  working_dir: ['an app runs in the folder of its image', IMAGE],
  read_only: ['an app may write to its container, which is not kept', ''],
  tmpfs: ['an app may write to its container, which is not kept', ''],
  shm_size: ['an app has 64 MiB of it', BESIDE],
  ulimits: ["an app has the engine's", 'set default-ulimits of the engine'],
  env_file: [
    'only the file itself is read',
    'put its lines under environment, or import what `docker compose config` prints',
  ],
  secrets: ['Reveille keeps no secrets', 'give it in the environment, or have the app fetch it'],
  configs: ['Reveille keeps no files', IMAGE],
  logging: [
    "an app logs as its engine's other containers do",
    'set it for the engine, and read it: reveille logs',
  ],
  profiles: [
    'every service in the file is an app',
    'name those to import: reveille import <file> <service> ...',
  ],
  platform: ["an app runs on its host's own", 'say where by --constraint'],
  memswap_limit: ['an app has its memory limit and no swap beyond it', 'set mem_limit'],
  mem_swappiness: ['an app has its memory limit and no swap beyond it', 'set mem_limit'],
  mem_reservation: ['room is planned by limits', 'set mem_limit'],
  cpu_shares: ['CPUs are limited, not weighed', 'set cpus'],
  cpu_quota: ['CPUs are limited by their number', 'set cpus'],
  cpu_period: ['CPUs are limited by their number', 'set cpus'],
  cpuset: ['CPUs are limited by their number', 'set cpus'],
  blkio_config: ['disks are not limited', BESIDE],
  oom_kill_disable: ['an app that takes more memory than its limit ends', 'set mem_limit'],
  oom_score_adj: ['an app that takes more memory than its limit ends', 'set mem_limit'],
  stop_signal: ['an app ends by SIGTERM', 'put STOPSIGNAL into its image'],
  post_start: ['Reveille runs no command beside an app', IMAGE],
  pre_stop: ['Reveille runs no command beside an app', IMAGE],
  develop: ['Reveille watches no source files', 'after a build: reveille app replace'],
  volumes_from: ['apps share volumes by being in one group', 'name the volumes'],
  use_api_socket: [RIGHTS, BESIDE],
  provider: ['Reveille runs containers', BESIDE],
  models: ['Reveille runs containers', BESIDE],
  credential_spec: [RIGHTS, BESIDE],
})

/** Keys of `deploy` that are always left out. */
export const UNSUPPORTED_DEPLOY = table<Row>({
  update_config: ['apps are exchanged when you say so', 'reveille app replace <app> --image <new>'],
  rollback_config: ['a replace that fails goes back by itself', ''],
  restart_policy: ['Reveille starts again what is asked for', ''],
  endpoint_mode: ['the gateway balances', ''],
  labels: ['labels of a service are read, those of deploy are not', 'put them under labels'],
})

/** What needs no word: it is so anyway, or says nothing of how the app runs. */
export const SILENT = new Set([
  ...['init', 'tty', 'stdin_open', 'pull_policy', 'annotations', 'attach', 'label_file'],
])

/** What Reveille takes the place of, by the image without its tag. */
export const REPLACED = table<string>({
  'sablierapp/sablier': 'launchers wake apps here',
  'acouvreur/sablier': 'launchers wake apps here',
  'nginxproxy/nginx-proxy': 'the gateway leads to apps here',
  'jwilder/nginx-proxy': 'the gateway leads to apps here',
  'nginxproxy/docker-gen': 'the controller writes configuration here',
  'jwilder/docker-gen': 'the controller writes configuration here',
  'nginxproxy/acme-companion': 'the gateway speaks plain HTTP: put your TLS in front of it',
  'jrcs/letsencrypt-nginx-proxy-companion':
    'the gateway speaks plain HTTP: put your TLS in front of it',
  traefik: 'the gateway leads to apps here',
  'lucaslorentz/caddy-docker-proxy': 'the gateway leads to apps here',
})

/** Where images listen that everybody knows, by their name without registry and tag. */
export const PORTS = table<number>({
  ...{ postgres: 5432, mysql: 3306, mariadb: 3306, mongo: 27_017, redis: 6379, valkey: 6379 },
  ...{ memcached: 11_211, rabbitmq: 5672, nats: 4222, elasticsearch: 9200, minio: 9000 },
  ...{ nginx: 80, httpd: 80, caddy: 80, traefik: 80, whoami: 80, wordpress: 80, ghost: 2368 },
})
