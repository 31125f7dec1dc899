// Re-makes src/cellwright/web/static/vendor from the packages that package-lock.json pins. Run it as `./cw vendor`.
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';

const [, , modules, target] = process.argv;
if (!modules || !target) throw new Error('usage: vendor.mjs NODE_MODULES TARGET');
const require = createRequire(join(modules, 'x.js'));
const esbuild = require('esbuild');

const PREACT_ENTRY = `
export { cloneElement, Component, createContext, createRef, Fragment, h, render, toChildArray } from 'preact';
export {
  useCallback, useContext, useEffect, useErrorBoundary, useId, useLayoutEffect, useMemo, useReducer, useRef, useState,
} from 'preact/hooks';
export { batch, computed, effect, signal, untracked, useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { h } from 'preact';
import htm from 'htm';
export const html = htm.bind(h);
`;

/** What a vendored file is made of. */
const FILES = [
  { file: 'preact.js', packages: ['preact', '@preact/signals', '@preact/signals-core', 'htm'], entry: PREACT_ENTRY },
  { file: 'uplot.js', packages: ['uplot'], entry: "export { default } from 'uplot';" },
  {
    file: 'inter.woff2',
    packages: ['@fontsource-variable/inter'],
    from: '@fontsource-variable/inter/files/inter-latin-wght-normal.woff2',
  },
];

function packageOf(name) {
  const { version, license } = JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8'));
  return { name, version, licence: license };
}

function licenceOf(name) {
  const { version } = packageOf(name);
  const file = readdirSync(join(modules, name)).find((each) => /^licen[cs]e/i.test(each));
  const text = readFileSync(join(modules, name, file ?? 'package.json'), 'utf8');
  return `${name} ${version}\n\n${text.replace(/[ \t]+$/gm, '').trim()}\n`;
}

function build({ file, packages, entry, from }) {
  const path = join(target, file);
  if (from) {
    copyFileSync(join(modules, from), path);
  } else {
    const about = packages.map(packageOf).map((each) => `${each.name} ${each.version} (${each.licence})`);
    esbuild.buildSync({
      stdin: { contents: entry, resolveDir: modules },
      nodePaths: [modules],
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
      legalComments: 'none',
      banner: { js: `/* ${about.join(', ')}. Made by ./cw vendor; do not edit. */` },
      outfile: path,
    });
  }
  const bytes = readFileSync(path);
  return {
    file,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    packages: packages.map(packageOf),
  };
}

mkdirSync(target, { recursive: true });
const manifest = FILES.map(build);
writeFileSync(join(target, 'licences.txt'), FILES.flatMap(({ packages }) => packages).map(licenceOf).join('\n\n'));
writeFileSync(join(target, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
for (const { file, bytes } of manifest) process.stdout.write(`${file} ${bytes} bytes\n`);
