import { isSandbox } from '../model/network.ts'
import { EngineError } from './docker-error.ts'

/**
 * The image of sandboxes. It is made here and given to engines that lack it. No registry has it, nor can have: an image
 * that an App names, and that is pulled, must not be taken for it.
 */
export const SANDBOX_IMAGE = 'localhost/reveille/sandbox:1'
/** Where its one file is, and what it runs. */
const PROGRAM = '/sandbox'

/** What an engine says of a container, as far as that tells a sandbox. */
export interface Appearance {
  name: string
  labels: Readonly<Record<string, string>> | null | undefined
  /** its image as it was created */
  image: string | undefined
}

/** Whether a container is a sandbox. Labels come with any image, and whoever runs one chooses the name. */
export function looksLikeSandbox({ name, labels, image }: Appearance): boolean {
  return image === SANDBOX_IMAGE && isSandbox(name, labels ?? {})
}

/** The image of a container in a list: that has an id instead, where the name is another image's by now, or nobody's. */
export function listedImage({ Image, Command }: { Image: string; Command: string }): string {
  return Command === PROGRAM && Image.startsWith('sha256:') ? SANDBOX_IMAGE : Image
}

/** What a sandbox runs: one system call that waits for a signal, for ever. By the architecture as engines name it. */
const CODE: Readonly<Record<string, { machine: number; code: readonly number[] }>> = {
  amd64: {
    machine: 62,
    code: [
      ...[0xb8, 34, 0, 0, 0], // again: mov eax, 34 (pause)
      ...[0x0f, 0x05], //               syscall
      ...[0xeb, 0xf7], //               jmp again
    ],
  },
  arm64: {
    machine: 183,
    // There is no pause here: ppoll of nothing, without a limit, is one.
    code: [
      ...word(0xd2800000), // again: mov x0, 0
      ...word(0xd2800001), //        mov x1, 0
      ...word(0xd2800002), //        mov x2, 0
      ...word(0xd2800003), //        mov x3, 0
      ...word(0xd2800004), //        mov x4, 0
      ...word(0xd2800928), //        mov x8, 73 (ppoll)
      ...word(0xd4000001), //        svc 0
      ...word(0x17fffff9), //        b again
    ],
  },
}

/** One instruction of arm64, little-endian. */
function word(instruction: number): number[] {
  return [0, 8, 16, 24].map((shift) => (instruction >>> shift) & 0xff)
}

const HEADER = 64
const SEGMENT = 56
const BASE = 0x400000n
/** The largest page a kernel of either architecture has. */
const PAGE = 0x10000n

/**
 * A static 64-bit ELF program (elf(5)) of one segment that can be read and run, and a stack that cannot be run.
 * @param architecture as `GET /version` of an engine has it: amd64, arm64
 * @throws EngineError `failed` for any other
 */
export function sandboxProgram(architecture: string): Buffer {
  const known = CODE[architecture]
  if (!known) {
    const words = `there is no sandbox for ${architecture}: give its apps --network bridge`
    throw new EngineError('failed', words)
  }
  const start = HEADER + 2 * SEGMENT
  const file = Buffer.alloc(start + known.code.length)
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]) // ELF, 64 bits, little-endian, version 1
  file.writeUInt16LE(2, 16) // e_type: a program
  file.writeUInt16LE(known.machine, 18)
  file.writeUInt32LE(1, 20) // e_version
  file.writeBigUInt64LE(BASE + BigInt(start), 24) // e_entry
  file.writeBigUInt64LE(BigInt(HEADER), 32) // e_phoff
  file.writeUInt16LE(HEADER, 52)
  file.writeUInt16LE(SEGMENT, 54)
  file.writeUInt16LE(2, 56) // e_phnum
  segment(file, HEADER, { type: 1, flags: 5, size: BigInt(file.length), at: BASE }) // PT_LOAD, r-x
  segment(file, HEADER + SEGMENT, { type: 0x6474e551, flags: 6, size: 0n, at: 0n }) // PT_GNU_STACK, rw-
  file.set(known.code, start)
  return file
}

function segment(
  file: Buffer,
  offset: number,
  { type, flags, size, at }: { type: number; flags: number; size: bigint; at: bigint },
): void {
  file.writeUInt32LE(type, offset)
  file.writeUInt32LE(flags, offset + 4)
  file.writeBigUInt64LE(at, offset + 16) // p_vaddr; p_offset before it is 0: all of the file
  file.writeBigUInt64LE(at, offset + 24)
  file.writeBigUInt64LE(size, offset + 32)
  file.writeBigUInt64LE(size, offset + 40)
  file.writeBigUInt64LE(PAGE, offset + 48)
}

const BLOCK = 512

/** The image's one layer, as POSIX tar (ustar): the program, for everybody to run and nobody to write. */
export function sandboxLayer(architecture: string): Buffer {
  const program = sandboxProgram(architecture)
  const header = Buffer.alloc(BLOCK)
  const octal = (value: number, width: number): string =>
    `${value.toString(8).padStart(width - 1, '0')}\0`
  header.write(PROGRAM.slice(1), 0)
  header.write(octal(0o555, 8), 100)
  header.write(octal(0, 8), 108) // uid
  header.write(octal(0, 8), 116) // gid
  header.write(octal(program.length, 12), 124)
  header.write(octal(0, 12), 136) // mtime: the same file is the same layer
  header.write('        ', 148) // the checksum counts as blanks in itself
  header.write('0ustar\x0000', 156)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${octal(sum, 7)} `, 148)
  const end = Buffer.alloc(2 * BLOCK)
  return Buffer.concat([header, program, Buffer.alloc(-program.length & (BLOCK - 1)), end])
}

/** What an import of the layer needs to be told: a Dockerfile's instruction. */
export const SANDBOX_CHANGES = `ENTRYPOINT ["${PROGRAM}"]`
