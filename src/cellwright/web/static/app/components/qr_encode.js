/** QR codes (ISO/IEC 18004): byte mode, error correction M, versions 1 to 10, which hold up to 213 bytes. */

/** For each version: error correction bytes per block, and [blocks, data bytes each]. */
/** @type {{correction_count: number, groups: [number, number][]}[]} */
const VERSIONS = [
  { correction_count: 10, groups: [[1, 16]] },
  { correction_count: 16, groups: [[1, 28]] },
  { correction_count: 26, groups: [[1, 44]] },
  { correction_count: 18, groups: [[2, 32]] },
  { correction_count: 24, groups: [[2, 43]] },
  { correction_count: 16, groups: [[4, 27]] },
  { correction_count: 18, groups: [[4, 31]] },
  { correction_count: 22, groups: [[2, 38], [2, 39]] },
  { correction_count: 22, groups: [[3, 36], [2, 37]] },
  { correction_count: 26, groups: [[4, 43], [1, 44]] },
];
const ALIGNMENT = [[], [18], [22], [26], [30], [34], [22, 38], [24, 42], [26, 46], [28, 50]];
const FORMAT_MASK = 0b101010000010010;

const EXP = new Uint8Array(512);
const LOG = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power++) {
  EXP[power] = EXP[power + 255] = value;
  LOG[value] = power;
  value = (value << 1) ^ (value & 128 ? 0x11d : 0);
}

/** @param {number} a @param {number} b */
const times = (a, b) => (a && b ? /** @type {number} */ (EXP[/** @type {number} */ (LOG[a]) + /** @type {number} */ (LOG[b])]) : 0);

/** The error correction bytes of a block. @param {number[]} data @param {number} count */
export function correction(data, count) {
  let generator = [1];
  for (let power = 0; power < count; power++) {
    const next = [...generator, 0];
    generator.forEach((each, index) => {
      next[index + 1] = /** @type {number} */ (next[index + 1]) ^ times(each, /** @type {number} */ (EXP[power]));
    });
    generator = next;
  }
  const rest = [...data, ...new Array(count).fill(0)];
  data.forEach((_, index) => {
    const factor = rest[index];
    generator.forEach((each, offset) => {
      rest[index + offset] ^= times(each, factor);
    });
  });
  return rest.slice(data.length);
}

/** @param {number} version */
const capacity = (version) => (VERSIONS[version - 1]?.groups ?? []).reduce((sum, [count, size]) => sum + count * size, 0);

/** All bytes of the symbol in the order they are drawn. @param {Uint8Array} bytes @param {number} version */
function codewords(bytes, version) {
  const room = capacity(version);
  const length = version < 10 ? [bytes.length] : [bytes.length >> 8, bytes.length & 255];
  const nibbles = [4, ...[...length, ...bytes].flatMap((each) => [each >> 4, each & 15]), 0];
  if (nibbles.length % 2) nibbles.push(0);
  const data = Array.from({ length: nibbles.length / 2 }, (_, index) => ((nibbles[2 * index] ?? 0) << 4) | (nibbles[2 * index + 1] ?? 0)).slice(0, room);
  for (let pad = 0xec; data.length < room; pad ^= 0xec ^ 0x11) data.push(pad);
  const { correction_count, groups } = VERSIONS[version - 1] ?? { correction_count: 0, groups: [] };
  /** @type {number[][]} */
  const blocks = [];
  let at = 0;
  for (const [blockCount, size] of groups) {
    for (let index = 0; index < blockCount; index++, at += size) blocks.push(data.slice(at, at + size));
  }
  const corrections = blocks.map((block) => correction(block, correction_count));
  return [...interleave(blocks), ...interleave(corrections)];
}

/** @param {number[][]} blocks */
function interleave(blocks) {
  const longest = Math.max(...blocks.map(({ length }) => length));
  return Array.from({ length: longest }, (_, index) => blocks.flatMap((block) => (index < block.length ? [block[index] ?? 0] : []))).flat();
}

/** @typedef {(boolean | null)[][]} Grid null is not drawn yet */

/** @param {Grid} grid @param {number} row @param {number} column @param {boolean} isDark */
function put(grid, row, column, isDark) {
  const line = grid[row];
  if (line && column >= 0 && column < line.length) line[column] = isDark;
}

/** Concentric squares around a centre. @param {Grid} grid @param {number} row @param {number} column @param {number} radius
 * @param {number[]} light rings */
function square(grid, row, column, radius, light) {
  for (let y = -radius; y <= radius; y++) {
    for (let x = -radius; x <= radius; x++) put(grid, row + y, column + x, !light.includes(Math.max(Math.abs(x), Math.abs(y))));
  }
}

/** Everything that is the same in all symbols of a version. @param {number} version @returns {Grid} */
function frame(version) {
  const size = 17 + 4 * version;
  /** @type {Grid} */
  const grid = Array.from({ length: size }, () => new Array(size).fill(null));
  for (const [row, column] of /** @type {const} */ ([[3, 3], [3, size - 4], [size - 4, 3]])) square(grid, row, column, 4, [2, 4]);
  const centres = version > 1 ? [6, ...(ALIGNMENT[version - 1] ?? [])] : [];
  for (const row of centres) for (const column of centres) if (grid[row]?.[column] === null) square(grid, row, column, 2, [1]);
  for (let index = 8; index < size - 8; index++) {
    put(grid, 6, index, index % 2 === 0);
    put(grid, index, 6, index % 2 === 0);
  }
  drawFormat(grid, 0);
  if (version >= 7) drawVersion(grid, version);
  return grid;
}

/** @param {number} value @param {number} polynomial @param {number} bits of the remainder */
function remainder(value, polynomial, bits) {
  let rest = value << bits;
  for (let bit = 31 - Math.clz32(rest); bit >= bits; bit--) if ((rest >> bit) & 1) rest ^= polynomial << (bit - bits);
  return rest;
}

/** @param {Grid} grid @param {number} mask */
function drawFormat(grid, mask) {
  const size = grid.length;
  const bits = ((mask << 10) | remainder(mask, 0b10100110111, 10)) ^ FORMAT_MASK;
  for (let index = 0; index < 15; index++) {
    const isDark = ((bits >> index) & 1) === 1;
    if (index < 6) put(grid, index, 8, isDark);
    else if (index < 8) put(grid, index + 1, 8, isDark);
    else if (index === 8) put(grid, 8, 7, isDark);
    else put(grid, 8, 14 - index, isDark);
    if (index < 8) put(grid, 8, size - 1 - index, isDark);
    else put(grid, size - 15 + index, 8, isDark);
  }
  put(grid, size - 8, 8, true);
}

/** @param {Grid} grid @param {number} version */
function drawVersion(grid, version) {
  const bits = (version << 12) | remainder(version, 0b1111100100101, 12);
  for (let index = 0; index < 18; index++) {
    const isDark = ((bits >> index) & 1) === 1;
    put(grid, Math.floor(index / 3), grid.length - 11 + (index % 3), isDark);
    put(grid, grid.length - 11 + (index % 3), Math.floor(index / 3), isDark);
  }
}

/** Lay the bits in two-column zigzags, with mask 0. @param {Grid} grid @param {number[]} bytes */
function fill(grid, bytes) {
  const size = grid.length;
  let bit = 0;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step++) {
      const row = ((right + 1) & 2) === 0 ? size - 1 - step : step;
      for (const column of [right, right - 1]) {
        if (grid[row]?.[column] !== null) continue;
        const isSet = (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1;
        put(grid, row, column, isSet !== ((row + column) % 2 === 0));
        bit += 1;
      }
    }
  }
}

/** The dark and light modules of a text, row by row; null when it is too long. @param {string} text */
export function encode(text) {
  const bytes = new TextEncoder().encode(text);
  const version = VERSIONS.findIndex((_, index) => bytes.length + (index >= 9 ? 3 : 2) <= capacity(index + 1)) + 1;
  if (version === 0) return null;
  const grid = frame(version);
  fill(grid, codewords(bytes, version));
  return /** @type {boolean[][]} */ (grid);
}
