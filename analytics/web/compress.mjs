// Puts a brotli and a gzip form beside every built file that gets smaller by it, so that no request waits for compression.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const BUILT = "dist/dashboard";
const best = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
const sum = { plain: 0, br: 0, gz: 0 };

for (const entry of readdirSync(BUILT, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const path = join(entry.parentPath, entry.name);
  const plain = readFileSync(path);
  const forms = { br: brotliCompressSync(plain, best), gz: gzipSync(plain, { level: 9 }) };
  sum.plain += plain.length;
  for (const [extension, bytes] of Object.entries(forms)) {
    sum[extension] += Math.min(bytes.length, plain.length);
    if (bytes.length < plain.length) writeFileSync(`${path}.${extension}`, bytes);
  }
}
console.log(`dashboard: ${sum.plain} bytes, ${sum.gz} with gzip, ${sum.br} with brotli`);
