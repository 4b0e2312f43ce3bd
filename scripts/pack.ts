/*
 * What `npm pack` and `npm publish` need before and after.
 *
 *   node scripts/pack.ts before   builds dist/, and takes out of package.json what only this repository needs
 *   node scripts/pack.ts after    puts package.json back
 *
 * The pinned Node in `optionalDependencies` must not come to people who install Chorus: they have a Node.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";

const MANIFEST = "package.json";
const KEPT_MANIFEST = "package.json.kept";

function before(): void {
  if (existsSync(KEPT_MANIFEST)) {
    throw new Error(
      `an earlier pack was interrupted: look whether ${KEPT_MANIFEST} has to become ${MANIFEST} again`,
    );
  }
  build();
  const manifest = JSON.parse(readFileSync(MANIFEST, "utf8")) as Record<string, unknown>;
  for (const field of ["scripts", "devDependencies", "optionalDependencies", "allowScripts"])
    delete manifest[field];
  copyFileSync(MANIFEST, KEPT_MANIFEST);
  writeFileSync(MANIFEST, `${JSON.stringify(manifest, withoutSources, 2)}\n`);
}

function after(): void {
  renameSync(KEPT_MANIFEST, MANIFEST);
}

/** From nothing, so that no file of an earlier version gets in. */
function build(): void {
  rmSync("dist", { recursive: true, force: true });
  const { status } = spawnSync("tsc", ["--build"], { stdio: ["ignore", "inherit", "inherit"] });
  if (status !== 0) throw new Error("the build failed");
}

/** `source` in `exports` names files that are not packed. */
function withoutSources(key: string, value: unknown): unknown {
  return key === "source" ? undefined : value;
}

const [step] = process.argv.slice(2);
if (step === "before") before();
else if (step === "after") after();
else throw new Error("usage: node scripts/pack.ts before|after");
