import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A copy of this program in a folder of its own, of which a test makes other versions. */
export class Build implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "chorus-build-"));

  constructor() {
    for (const name of ["bin", "src", "package.json"])
      cpSync(join(ROOT, name), join(this.#folder, name), { recursive: true });
    symlinkSync(realpathSync(join(ROOT, "node_modules")), join(this.#folder, "node_modules"));
  }

  /** The program: for `Launch`. */
  get chorus(): string {
    return join(this.#folder, "bin/chorus.js");
  }

  set version(version: string) {
    this.edit("package.json", /"version": "[^"]*"/, `"version": "${version}"`);
  }

  /**
   * Changes a file, whose path begins at the root of the repository.
   * @returns what undoes it
   */
  edit(path: string, from: RegExp, to: string): () => void {
    const file = join(this.#folder, path);
    const before = readFileSync(file, "utf8");
    assert.match(before, from, `${path} is not what this test believes`);
    writeFileSync(file, before.replace(from, to));
    return () => writeFileSync(file, before);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}
